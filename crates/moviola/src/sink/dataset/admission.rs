//! Which of the inputs are read, and when.

use std::{
    collections::VecDeque,
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
    sink::images::Folders,
};

/// Of the sources that are found, those that aren't done.
pub(super) struct Admission<I> {
    shared: Arc<Mutex<Shared>>,
    parts: PathBuf,
    found: I,
    folders: Folders,
    /// The process died with these in the making, perhaps of one of them. They are no more than were at
    /// work at once, for each death.
    suspects: VecDeque<Admitted>,
}

/// A source that is to be read.
struct Admitted {
    name: String,
    begun: Begun,
    source: Result<Source, Refusal>,
    /// It was begun before.
    again: bool,
}

/// What becomes of a source that is found.
enum Verdict {
    Now(Admitted),
    /// When no other is read.
    Last(Admitted),
    Never,
}

impl<I> Admission<I> {
    pub(super) fn new(
        shared: Arc<Mutex<Shared>>,
        parts: PathBuf,
        found: I,
        folders: Folders,
    ) -> Self {
        Self { shared, parts, found, folders, suspects: VecDeque::new() }
    }

    /// Begins a source.
    fn begin(&mut self, admitted: Admitted, alone: bool) -> Option<Input> {
        let Admitted { name, begun, source, again } = admitted;
        let mut shared = lock(&self.shared);
        if shared.is_stopped {
            return None;
        }
        let part = begun.part.clone();
        if let Err(error) = shared.begin(begun) {
            shared.broken = Some(error);
            return None;
        }
        drop(shared);
        Some(Input { name, source, folders: self.folders.of(&part, again), alone })
    }
}

impl<I: Iterator<Item = Found>> Iterator for Admission<I> {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        // Whoever is found may be waited for: nothing is locked meanwhile.
        while let Some(found) = self.found.next() {
            let verdict = lock(&self.shared).judge(&self.parts, found);
            match verdict {
                Verdict::Now(admitted) => return self.begin(admitted, false),
                Verdict::Last(suspect) => self.suspects.push_back(suspect),
                Verdict::Never => {}
            }
        }
        let suspect = self.suspects.pop_front()?;
        self.begin(suspect, true)
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
