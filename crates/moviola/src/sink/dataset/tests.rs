//! Tests of the sources that a dataset returns after crashes, and beside files of other programs.

use moviola_av::remedy::Remedy;
use moviola_media::source::{Source, StreamSelection};

use super::*;
use crate::{inputs::Stamp, sink::images::Folders};

fn plan() -> Plan {
    Plan::from_toml("[stills]").expect("a plan")
}

fn open(target: &Path, existing: Existing) -> Dataset {
    Dataset::open(target, &plan(), &StreamSelection::default(), existing).expect("it can be opened")
}

fn resolved(names: &[&'static str]) -> impl Iterator<Item = ResolvedSource> + Send + use<> {
    let names = Vec::from(names).into_iter();
    names.map(|name| ResolvedSource {
        name: name.into(),
        key: name.into(),
        source: Ok(Source::path(name)),
        stamp: Stamp { size: 1, changed: 1 },
    })
}

fn inputs(dataset: &Dataset, names: &[&'static str]) -> Vec<String> {
    let folders = Folders::new(&plan(), [], Default::default()).expect("there are none");
    dataset.inputs(resolved(names), folders).map(|input| input.name).collect()
}

/// Takes the events of an input without records.
fn take_empty(dataset: &mut Dataset, input: u64, source: &str) -> Result<()> {
    dataset.take(&Event::Started { input, source: source.into() })?;
    dataset.take(&Event::Ended { input, tally: SourceTally::default() })
}

#[test]
fn sources_in_progress_at_a_crash_are_read_last_and_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("all.jsonl");
    // Two sources are being read when the process crashes, and two weren't started.
    assert_eq!(inputs(&open(&target, Existing::Refuse), &["a", "b"]), ["a", "b"]);
    let mut dataset = open(&target, Existing::Resume);
    assert_eq!(inputs(&dataset, &["a", "b", "c", "d"]), ["c", "d"]);
    take_empty(&mut dataset, 0, "c").unwrap();
    take_empty(&mut dataset, 1, "d").unwrap();
    for name in ["a", "b"] {
        let next_retry = dataset.next_retry().unwrap();
        assert_eq!((next_retry.name.as_str(), next_retry.source.is_ok()), (name, true));
        take_empty(&mut dataset, 0, name).unwrap();
    }
    assert!(dataset.next_retry().is_none());
    dataset.finish().unwrap();
}

#[test]
fn a_source_that_crashes_alone_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("all.jsonl");
    drop(inputs(&open(&target, Existing::Refuse), &["a", "b"]));
    let dataset = open(&target, Existing::Resume);
    assert!(inputs(&dataset, &["a", "b"]).is_empty());
    assert_eq!(dataset.next_retry().unwrap().name, "a");
    drop(dataset); // the process crashes at `a`, and `b` wasn't started
    let mut dataset = open(&target, Existing::Resume);
    let mut left = dataset
        .inputs(resolved(&["a", "b"]), Folders::new(&plan(), [], Default::default()).unwrap());
    let crashed = left.next().unwrap();
    assert_eq!((crashed.name.as_str(), crashed.source.err().unwrap().stage), ("a", "crash"));
    assert!(left.next().is_none());
    drop(left);
    take_empty(&mut dataset, 0, "a").unwrap();
    assert_eq!(dataset.next_retry().unwrap().name, "b");
    take_empty(&mut dataset, 0, "b").unwrap();
    assert!(dataset.next_retry().is_none());
    dataset.finish().unwrap();
    assert!(target.exists());
}

#[test]
fn retries_that_are_left_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(inputs(&open(folder.path(), Existing::Refuse), &["a"]));
    let dataset = open(folder.path(), Existing::Resume);
    assert!(inputs(&dataset, &["a"]).is_empty());
    assert!(matches!(dataset.finish(), Err(DatasetError::Suspects { count: 1 })));
}

#[test]
fn files_that_no_run_has_written_are_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("a.jsonl");
    fs::write(&theirs, "theirs").unwrap();
    for existing in [Existing::Refuse, Existing::Refuse, Existing::Resume] {
        let dataset = open(folder.path(), existing);
        assert!(inputs(&dataset, &["a"]).is_empty(), "{existing:?}");
        let error = dataset.finish().unwrap_err();
        assert!(matches!(error, DatasetError::Foreign { .. }), "{existing:?}");
        assert_eq!(error.remedy(), Some(Remedy::Overwrite), "resuming can't help");
    }
    assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
}

#[test]
fn a_replacing_run_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    // All are finished; then all are replaced, but the run is stopped; then it is resumed.
    let runs = [
        (Existing::Refuse, &["a", "b"][..], 2),
        (Existing::Replace, &["a", "b"], 1),
        (Existing::Resume, &["b"], 1),
    ];
    for (existing, read, done) in runs {
        let mut dataset = open(folder.path(), existing);
        assert_eq!(inputs(&dataset, &["a", "b"]), read, "{existing:?}");
        (0..done).for_each(|input| take_empty(&mut dataset, input, "any").unwrap());
        dataset.stop().unwrap();
    }
    assert!(inputs(&open(folder.path(), Existing::Resume), &["a", "b"]).is_empty());
}

#[test]
fn a_run_that_was_killed_while_parts_were_removed_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("all.jsonl");
    let mut dataset = open(&target, Existing::Refuse);
    inputs(&dataset, &["a"]);
    take_empty(&mut dataset, 0, "a").unwrap();
    // All that `finish` does except for the removal of the parts.
    dataset.target.join_parts([part_path(&dataset.parts, "a")].into_iter()).unwrap();
    lock(&dataset.shared).journal.record_complete().unwrap();
    drop(dataset);
    let again = Dataset::open(&target, &plan(), &StreamSelection::default(), Existing::Resume);
    assert!(matches!(again, Err(DatasetError::Complete { .. })), "{again:?}");
    assert!(!folder.path().join("all.jsonl.parts").exists());
    open(&target, Existing::Replace);
}
