//! Carries out a plan on one source, with a report of every detail.

use std::path::Path;

use moviola::{
    Debug, Source,
    debug::{DebugRun, Statistics},
    records::Tally,
};

use crate::{console::Console, exit::Exit, interrupt};

/// Carries out the plan of `debug` on the source; the report goes to `folder`. An error is one of
/// the plan, of its model, or of the report: it ends the run.
pub(crate) fn run(
    debug: Debug,
    source: Source,
    folder: &Path,
    out: &mut Console,
) -> anyhow::Result<Exit> {
    out.records_go_elsewhere();
    let mut run = debug.run(source, folder)?;
    interrupt::let_finish(); // so that the report is written
    take_records(&mut run, out)?;
    let mut tally = Tally::default();
    tally.add(run.records().tally());
    note_report(&run.finish()?, folder, out);
    if interrupt::is_requested() { Ok(Exit::Interrupted) } else { Ok(Exit::from_tally(&tally)) }
}

/// Takes the records to their end, or until an interrupt.
fn take_records(run: &mut DebugRun, out: &mut Console) -> anyhow::Result<()> {
    out.start_progress(run.records().source(), run.records().duration());
    while let Some(record) = run.next() {
        let record = record?;
        if let Some(reason) = run.hardware_fallback() {
            out.note_fallback(run.records().source(), &reason);
        }
        out.source_record(&record)?;
        out.progress(record.time());
    }
    out.end_progress();
    Ok(())
}

/// Notes where the report is.
fn note_report(statistics: &Statistics, folder: &Path, out: &Console) {
    let Statistics { frames, wall, .. } = *statistics;
    let report = folder.join("report.html");
    out.note(format_args!("{frames} frames in {wall:.3} s; the report is {}", report.display()));
}
