//! Names for the folders of a run's sources.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// The most bytes of a name: file systems allow 255, and a number may be appended.
const MAX_BYTES: usize = 200;

/// A generator of folder names: a unique one for each source.
///
/// The name is the source's name without folders and extension. If it was returned before, a number
/// is appended: `a`, `a-2`, `a-3`. Names that differ only in case count as equal, because some file
/// systems ignore case. The names depend only on the sources and their order.
///
/// ```
/// use moviola::sink::images::FolderNames;
///
/// let mut names = FolderNames::default();
/// assert_eq!(names.claim("monday/door.mp4"), "door");
/// assert_eq!(names.claim("tuesday/door.mp4"), "door-2");
/// ```
#[derive(Debug, Default)]
pub struct FolderNames {
    taken: HashSet<String>,
    /// The next number to try for each stem, so that many equal stems cost no more time each.
    next: HashMap<String, u64>,
}

impl FolderNames {
    /// Reserves a name: [`claim`](Self::claim) doesn't return it.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_lowercase());
    }

    /// Returns the folder name for the next source, and reserves it.
    pub fn claim(&mut self, source: &str) -> String {
        let stem = stem(source);
        let next = self.next.entry(stem.to_lowercase()).or_insert(1);
        loop {
            let name = if *next == 1 { stem.clone() } else { format!("{stem}-{next}") };
            *next += 1;
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
        }
    }
}

/// The source's name without folders and extension, valid as a folder name on all file systems.
fn stem(source: &str) -> String {
    let path = match source.split_once("://") {
        Some((_, address)) => address.split(['?', '#']).next().unwrap_or_default(),
        None if source == "-" => "stdin",
        None => source,
    };
    let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
    let mut name: String = stem.chars().map(plain).collect();
    name.truncate(name.floor_char_boundary(MAX_BYTES));
    if matches!(name.as_str(), "" | "." | "..") { "source".into() } else { name }
}

/// Replaces a character that has a meaning in paths by an underscore.
fn plain(character: char) -> char {
    match character {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        control if control.is_control() => '_',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sources: &[&str], want: &[&str]) {
        let mut names = FolderNames::default();
        let got: Vec<_> = sources.iter().map(|source| names.claim(source)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn a_folder_is_named_after_the_file() {
        check(
            &["a/b/clip.mp4", "noextension", "two.dots.mkv"],
            &["clip", "noextension", "two.dots"],
        );
        check(&[".hidden"], &[".hidden"]);
    }

    #[test]
    fn equal_stems_are_numbered() {
        check(&["x/a.mp4", "y/a.mkv", "a.mov"], &["a", "a-2", "a-3"]);
        check(&["A.mp4", "a.mp4"], &["A", "a-2"]);
    }

    #[test]
    fn a_reserved_number_is_skipped() {
        check(&["a-2.mp4", "a.mp4", "b/a.mp4"], &["a-2", "a", "a-3"]);
        check(&["a.mp4", "b/a.mp4", "a-2.mp4"], &["a", "a-2", "a-2-2"]);
    }

    #[test]
    fn many_equal_stems_cost_no_more_time() {
        let mut names = FolderNames::default();
        let last = (0..50_000).map(|folder| names.claim(&format!("{folder}/video.mp4"))).last();
        assert_eq!(last.as_deref(), Some("video-50000"));
    }

    #[test]
    fn pipes_and_addresses_have_names_too() {
        check(&["-"], &["stdin"]);
        check(&["https://example.org/live/cam1.m3u8?token=a/b.c"], &["cam1"]);
        check(&["rtsp://camera:554"], &["camera_554"]);
    }

    #[test]
    fn names_stay_inside_the_folder() {
        check(&["..", "/", ""], &["source", "source-2", "source-3"]);
        check(&["http://example.org/a/.."], &["source"]);
        check(&["a\\b:c\n.mp4"], &["a_b_c_"]);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = FolderNames::default().claim(&"ä".repeat(300));
        assert_eq!(name, "ä".repeat(100));
    }
}
