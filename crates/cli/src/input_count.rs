//! The number of a run's sources, and of those that haven't started.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use moviola::inputs;

/// The number of a run's sources, if known, and the number of those that were taken.
#[derive(Debug, Default)]
pub(crate) struct InputCount {
    taken: AtomicU64,
    all: Mutex<Option<u64>>,
}

impl InputCount {
    /// Returns an iterator over `sources` that counts each as it is taken.
    pub(crate) fn watch<I: Iterator>(
        self: &Arc<Self>,
        sources: I,
    ) -> impl Iterator<Item = I::Item> + use<I> {
        let (count, mut sources) = (Arc::clone(self), sources);
        std::iter::from_fn(move || {
            let next = sources.next();
            match next {
                Some(_) => drop(count.taken.fetch_add(1, Ordering::Relaxed)),
                None => *count.lock() = Some(count.taken.load(Ordering::Relaxed)),
            }
            next
        })
    }

    /// Starts a thread that counts the sources that `words` name, without the paths in `written`.
    /// It walks folders once more. Nothing is counted if an argument can be read only once.
    pub(crate) fn count(self: &Arc<Self>, words: Vec<OsString>, written: Vec<PathBuf>) {
        if self.all().is_some() || !words.iter().all(can_be_read_again) {
            return;
        }
        let this = Arc::clone(self);
        let count = move || {
            let all = inputs::find(words, &written).count() as u64;
            this.lock().get_or_insert(all);
        };
        if let Err(error) = thread::Builder::new().name("moviola-count".into()).spawn(count) {
            tracing::debug!(%error, "no thread to count the sources");
        }
    }

    /// The number of sources, if known.
    pub(crate) fn all(&self) -> Option<u64> {
        *self.lock()
    }

    /// The number of sources that haven't been taken yet, if known.
    pub(crate) fn left(&self) -> Option<u64> {
        Some(self.all()?.saturating_sub(self.taken.load(Ordering::Relaxed)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a word names the same sources a second time: a list from a pipe doesn't.
fn can_be_read_again(word: &OsString) -> bool {
    let list = word.to_str().and_then(|word| word.strip_prefix('@'));
    list.is_none_or(|list| list != "-" && Path::new(list).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_were_taken_are_no_longer_ahead() {
        let ahead = Arc::<InputCount>::default();
        let mut inputs = ahead.watch([1, 2, 3].into_iter());
        inputs.next();
        assert_eq!(ahead.left(), None, "they haven't been counted");
        *ahead.lock() = Some(3);
        assert_eq!(ahead.left(), Some(2));
        assert_eq!(inputs.count(), 2);
        assert_eq!((ahead.all(), ahead.left()), (Some(3), Some(0)));
    }

    #[test]
    fn without_a_count_they_are_known_when_all_were_taken() {
        let ahead = Arc::<InputCount>::default();
        assert_eq!(ahead.watch([1, 2].into_iter()).count(), 2);
        assert_eq!((ahead.all(), ahead.left()), (Some(2), Some(0)));
    }

    #[test]
    fn a_folder_is_counted_beside_the_work() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let ahead = Arc::<InputCount>::default();
        ahead.count(vec![folder.path().into()], Vec::new());
        while ahead.all().is_none() {
            thread::yield_now();
        }
        assert_eq!(ahead.left(), Some(3));
    }

    #[test]
    fn lists_that_come_once_are_not_used_up() {
        assert!(can_be_read_again(&"a folder".into()));
        assert!(can_be_read_again(&format!("@{}/Cargo.toml", env!("CARGO_MANIFEST_DIR")).into()));
        assert!(!can_be_read_again(&"@-".into()));
        assert!(!can_be_read_again(&"@/dev/stdin".into()));
    }
}
