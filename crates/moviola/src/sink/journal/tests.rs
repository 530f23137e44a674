//! Journals after crashes, stops and changed files.

use std::fs;

use moviola_media::source::StreamSelection;

use super::*;
use crate::plan::Plan;

const STAMP: Stamp = Stamp { size: 7, changed: 9 };

fn header(plan: &str) -> Header {
    Header::of(&Plan::from_toml(plan).expect("a plan"), &StreamSelection::default())
}

fn open(path: &Path) -> Journal {
    let mut journal = Journal::open(path).expect("it can be opened");
    journal.go_on(header("[stills]")).expect("it can be written");
    journal
}

fn make(part: &str, past: History) -> Action {
    Action::Make(part.into(), past)
}

/// Plans a source and starts it if it is to be read.
fn begin(journal: &mut Journal, source: &str, stamp: Stamp) -> Action {
    let todo = journal.plan_source(source, source, stamp);
    if matches!(todo, Action::Make(_, past) if past != History::Crashed) {
        journal.start(source).expect("it can be written");
    }
    todo
}

fn done(bytes: u64) -> Done {
    Done { bytes, tally: SourceTally { frames: 3, ..SourceTally::default() } }
}

/// A journal in `folder` by which `a` is done.
fn one_done(folder: &Path) -> PathBuf {
    let path = folder.join("journal");
    let mut journal = open(&path);
    begin(&mut journal, "a", STAMP);
    journal.done("a", done(5)).expect("it can be written");
    path
}

#[test]
fn what_is_done_stays_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = open(&path);
    assert_eq!(begin(&mut journal, "x/a.mp4", STAMP), make("a", History::New));
    assert_eq!(begin(&mut journal, "y/a.mp4", STAMP), make("a-2", History::New));
    assert_eq!(begin(&mut journal, "y/a.mp4", STAMP), Action::Again);
    assert!(!journal.has_results());
    journal.done("y/a.mp4", done(5)).unwrap();
    drop(journal);
    let mut journal = open(&path);
    assert!(journal.has_results());
    assert_eq!(begin(&mut journal, "z/a.mp4", STAMP), make("a-3", History::New));
    assert_eq!(begin(&mut journal, "y/a.mp4", STAMP), Action::Nothing("a-2".into(), done(5)));
    assert_eq!(begin(&mut journal, "x/a.mp4", STAMP), make("a", History::Died));
    journal.start("y/a.mp4").unwrap(); // its part is gone
    drop(journal);
    assert_eq!(open(&path).plan_source("y/a.mp4", "a", STAMP), make("a-2", History::Died));
}

#[test]
fn a_file_that_changed_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let changed = Stamp { size: 8, ..STAMP };
    assert_eq!(open(&path).plan_source("a", "a", changed), make("a", History::Begun));
}

#[test]
fn what_the_process_dies_of_twice_is_not_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for past in [History::New, History::Died, History::Crashed] {
        assert_eq!(begin(&mut open(&path), "a", STAMP), make("a", past));
    }
    let changed = Stamp { changed: 10, ..STAMP };
    assert_eq!(begin(&mut open(&path), "a", changed), make("a", History::Begun));
}

#[test]
fn a_run_that_is_stopped_is_no_death() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for run in 0..5 {
        let mut journal = open(&path);
        let past = if run == 0 { History::New } else { History::Begun };
        for source in ["a", "b"] {
            assert_eq!(begin(&mut journal, source, STAMP), make(source, past));
        }
        journal.stop(["a", "b"].map(Into::into)).unwrap();
    }
}

#[test]
fn a_line_cut_short_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let todo = begin(&mut open(&path), "a", STAMP);
        assert!(matches!(todo, Action::Make(..)), "{len} bytes: {todo:?}");
        // And what is written next is not glued to it.
        assert!(
            matches!(open(&path).plan_source("a", "a", STAMP), Action::Make(..)),
            "{len} bytes"
        );
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let journal = open(&path);
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
    let anew = Journal::begin_anew(&path, header("[stills]"));
    assert!(matches!(anew, Err(JournalError::InUse { .. })), "not even to be overwritten");
    drop(journal);
    let other = Journal::open(&path).unwrap().go_on(header("frames = 'all'\n[stills]"));
    assert!(matches!(other, Err(JournalError::Other { what: "plan", .. })));
    fs::write(&path, "nonsense\n").unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { line: 1, .. }), "{error}");
    drop(Journal::begin_anew(&path, header("[stills]")).unwrap());
    assert_eq!(open(&path).plan_source("a", "a", STAMP), make("a", History::New));
}

#[test]
fn without_results_another_plan_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    begin(&mut open(&path), "a", STAMP);
    let mut journal = Journal::open(&path).unwrap();
    journal.go_on(header("frames = 'all'\n[stills]")).unwrap();
    assert_eq!(
        journal.plan_source("a", "a", STAMP),
        make("a", History::Begun),
        "what it wrote is ours"
    );
    drop(journal);
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.plan_source("a", "a", STAMP), make("a", History::Begun), "and stays so");
}

#[test]
fn what_is_said_of_the_whole_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::begin_anew(&path, header("[stills]").replacing()).unwrap();
    assert!(journal.replaces() && !journal.is_complete());
    journal.complete().unwrap();
    drop(journal);
    let mut journal = Journal::open(&path).unwrap();
    journal.go_on(header("[stills]")).expect("it makes no difference");
    assert!(journal.replaces() && journal.is_complete());
    drop(journal);
    assert!(!Journal::begin_anew(&path, header("[stills]")).unwrap().is_complete());
}

#[test]
fn a_journal_of_another_version_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let older = "{\"journal\":{\"version\":1,\"plan\":{}}}\n";
    let done = r#"{"start":{"source":"a","part":"a","stamp":{"size":1,"changed":1}}}"#;
    let end = r#"{"done":{"source":"a","done":{"bytes":1,"tally":{"frames":0,"keyframes":0,"errors":0,"failed":false}}}}"#;
    fs::write(&path, format!("{older}{done}\n{end}\n")).unwrap();
    let other = Journal::open(&path).unwrap().go_on(header("[stills]"));
    assert!(matches!(other, Err(JournalError::Other { what: "version of Moviola", .. })));
}
