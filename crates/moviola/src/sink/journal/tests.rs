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
    journal.resume(header("[stills]")).expect("it can be written");
    journal
}

fn read(part: &str, history: SourceHistory) -> SourceAction {
    SourceAction::Read { part: part.into(), history }
}

/// Plans a source and starts it if it is to be read.
fn plan_and_start(journal: &mut Journal, source: &str, stamp: Stamp) -> SourceAction {
    let action = journal.plan_source(source, source, stamp);
    if matches!(action, SourceAction::Read { history, .. } if history != SourceHistory::CrashedRepeatedly)
    {
        journal.record_start(source).expect("it can be written");
    }
    action
}

fn done(bytes: u64) -> FinishedPart {
    FinishedPart { bytes, tally: SourceTally { frames: 3, ..SourceTally::default() } }
}

/// The path of a journal in `folder` in which `a` is done.
fn one_done(folder: &Path) -> PathBuf {
    let path = folder.join("journal");
    let mut journal = open(&path);
    plan_and_start(&mut journal, "a", STAMP);
    journal.record_done("a", done(5)).expect("it can be written");
    path
}

#[test]
fn finished_sources_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = open(&path);
    assert_eq!(plan_and_start(&mut journal, "x/a.mp4", STAMP), read("a", SourceHistory::New));
    assert_eq!(plan_and_start(&mut journal, "y/a.mp4", STAMP), read("a-2", SourceHistory::New));
    assert_eq!(plan_and_start(&mut journal, "y/a.mp4", STAMP), SourceAction::SkipRepeated);
    assert!(!journal.has_results());
    journal.record_done("y/a.mp4", done(5)).unwrap();
    drop(journal);
    let mut journal = open(&path);
    assert!(journal.has_results());
    assert_eq!(plan_and_start(&mut journal, "z/a.mp4", STAMP), read("a-3", SourceHistory::New));
    assert_eq!(
        plan_and_start(&mut journal, "y/a.mp4", STAMP),
        SourceAction::Keep { part: "a-2".into(), done: done(5) }
    );
    assert_eq!(
        plan_and_start(&mut journal, "x/a.mp4", STAMP),
        read("a", SourceHistory::CrashedOnce)
    );
    journal.record_start("y/a.mp4").unwrap(); // its part is gone
    drop(journal);
    assert_eq!(
        open(&path).plan_source("y/a.mp4", "a", STAMP),
        read("a-2", SourceHistory::CrashedOnce)
    );
}

#[test]
fn a_changed_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let changed = Stamp { size: 8, ..STAMP };
    assert_eq!(open(&path).plan_source("a", "a", changed), read("a", SourceHistory::Started));
}

#[test]
fn a_source_is_not_read_again_after_two_crashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for history in
        [SourceHistory::New, SourceHistory::CrashedOnce, SourceHistory::CrashedRepeatedly]
    {
        assert_eq!(plan_and_start(&mut open(&path), "a", STAMP), read("a", history));
    }
    let changed = Stamp { changed: 10, ..STAMP };
    assert_eq!(plan_and_start(&mut open(&path), "a", changed), read("a", SourceHistory::Started));
}

#[test]
fn a_stopped_run_is_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for run in 0..5 {
        let mut journal = open(&path);
        let history = if run == 0 { SourceHistory::New } else { SourceHistory::Started };
        for source in ["a", "b"] {
            assert_eq!(plan_and_start(&mut journal, source, STAMP), read(source, history));
        }
        journal.record_stop(["a", "b"].map(Into::into)).unwrap();
    }
}

#[test]
fn an_unfinished_last_line_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let action = plan_and_start(&mut open(&path), "a", STAMP);
        assert!(matches!(action, SourceAction::Read { .. }), "{len} bytes: {action:?}");
        // The next entry doesn't continue the unfinished line.
        assert!(
            matches!(open(&path).plan_source("a", "a", STAMP), SourceAction::Read { .. }),
            "{len} bytes"
        );
    }
}

#[test]
fn unusable_journals_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = one_done(folder.path());
    let journal = open(&path);
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
    let created = Journal::create(&path, header("[stills]"));
    assert!(matches!(created, Err(JournalError::InUse { .. })), "it can't be replaced either");
    drop(journal);
    let other = Journal::open(&path).unwrap().resume(header("frames = 'all'\n[stills]"));
    assert!(matches!(other, Err(JournalError::Other { what: "plan", .. })));
    fs::write(&path, "nonsense\n").unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { line: 1, .. }), "{error}");
    drop(Journal::create(&path, header("[stills]")).unwrap());
    assert_eq!(open(&path).plan_source("a", "a", STAMP), read("a", SourceHistory::New));
}

#[test]
fn another_plan_resets_a_journal_without_results() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    plan_and_start(&mut open(&path), "a", STAMP);
    let mut journal = Journal::open(&path).unwrap();
    journal.resume(header("frames = 'all'\n[stills]")).unwrap();
    assert_eq!(
        journal.plan_source("a", "a", STAMP),
        read("a", SourceHistory::Started),
        "files of the started source may be replaced"
    );
    drop(journal);
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(
        journal.plan_source("a", "a", STAMP),
        read("a", SourceHistory::Started),
        "also after the journal is opened again"
    );
}

#[test]
fn replacing_and_completeness_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::create(&path, header("[stills]").replacing()).unwrap();
    assert!(journal.replaces() && !journal.is_complete());
    journal.record_complete().unwrap();
    drop(journal);
    let mut journal = Journal::open(&path).unwrap();
    journal.resume(header("[stills]")).expect("it makes no difference");
    assert!(journal.replaces() && journal.is_complete());
    drop(journal);
    assert!(!Journal::create(&path, header("[stills]")).unwrap().is_complete());
}

#[test]
fn a_journal_of_another_version_is_reported_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let older = "{\"journal\":{\"version\":1,\"plan\":{}}}\n";
    let done = r#"{"start":{"source":"a","part":"a","stamp":{"size":1,"changed":1}}}"#;
    let end = r#"{"done":{"source":"a","done":{"bytes":1,"tally":{"frames":0,"keyframes":0,"errors":0,"failed":false}}}}"#;
    fs::write(&path, format!("{older}{done}\n{end}\n")).unwrap();
    let other = Journal::open(&path).unwrap().resume(header("[stills]"));
    assert!(matches!(other, Err(JournalError::Other { what: "version of Moviola", .. })));
}
