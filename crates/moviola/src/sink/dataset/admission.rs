//! Which of the inputs are read, and when.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use moviola_media::source::Source;

use super::{
    Begun, Shared, lock,
    part::{is_whole, place},
};
use crate::{
    bulk::{Input, Refusal, inputs::Found},
    journal::{JournalError, Past, Todo},
};

/// Of the sources that are found, those that aren't done.
pub(super) struct Admission<I> {
    pub(super) shared: Arc<Mutex<Shared>>,
    pub(super) parts: PathBuf,
    pub(super) found: I,
}

/// A source that is to be read.
#[derive(Debug)]
pub(super) struct Admitted {
    name: String,
    begun: Begun,
    source: Result<Source, Refusal>,
    /// It was begun before.
    again: bool,
}

/// What becomes of a source that is found.
enum Verdict {
    Now(Admitted),
    /// When all others are done: the process died with it in the making, perhaps of it.
    Last(Admitted),
    Never,
}

impl<I: Iterator<Item = Found>> Iterator for Admission<I> {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        loop {
            // It may be waited for: nothing is locked meanwhile.
            let found = self.found.next()?;
            let mut shared = lock(&self.shared);
            match shared.judge(&self.parts, found) {
                Verdict::Now(admitted) => return shared.admit(admitted),
                Verdict::Last(suspect) => shared.suspects.push_back(suspect),
                Verdict::Never => {}
            }
        }
    }
}

impl Shared {
    /// What to do about a source that was found. Its part has its place in the order from now on.
    fn judge(&mut self, parts: &Path, found: Found) -> Verdict {
        let Found { name, key, source, stamp } = found;
        let (part, past) = match self.journal.look(&key, stamp) {
            Todo::Again => {
                self.repeated += 1;
                return Verdict::Never;
            }
            Todo::Nothing(part, done) if is_whole(&place(parts, &part), done.bytes) => {
                self.before.add(done.tally);
                self.order.iter_mut().for_each(|order| order.push(part.clone()));
                return Verdict::Never;
            }
            Todo::Nothing(part, _) => (part, Past::Begun), // its part is gone
            Todo::Make(part, past) => (part, past),
        };
        self.order.iter_mut().for_each(|order| order.push(part.clone()));
        let source = match past {
            Past::Crashed => Err(Refusal::crashed()),
            _ => source.map_err(|message| Refusal { stage: "open", message }),
        };
        let (is_started, again) = (past != Past::Crashed, past != Past::New);
        let begun = Begun { key, part, is_started, may_replace: again };
        let admitted = Admitted { name, begun, source, again };
        if past == Past::Died { Verdict::Last(admitted) } else { Verdict::Now(admitted) }
    }

    /// Begins a source; `None` if none are begun any more.
    pub(super) fn admit(&mut self, admitted: Admitted) -> Option<Input> {
        let Admitted { name, begun, source, again } = admitted;
        if self.is_stopped {
            return None;
        }
        let part = begun.part.clone();
        if let Err(error) = self.begin(begun) {
            self.broken = Some(error);
            return None;
        }
        let folders = self.folders.as_ref().map(|folders| folders.of(&part, again));
        Some(Input { name, source, folders: folders.unwrap_or_else(|| Ok(Default::default())) })
    }

    /// Notes that a source is begun, and gives it the next number.
    fn begin(&mut self, begun: Begun) -> Result<(), JournalError> {
        if begun.is_started {
            self.journal.start(&begun.key)?;
        }
        self.begun.insert(self.next, begun);
        self.next += 1;
        Ok(())
    }
}
