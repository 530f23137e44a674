//! A plan carried out on one input, with a report, and what is said of it.

use std::{ffi::OsString, path::Path};

use anyhow::bail;
use moviola::{
    Debug, Plan,
    debug::{DebugRun, Statistics},
    records::Tally,
    results::Record,
    source::SourceOptions,
};

use crate::{
    exit::Exit, input::Inputs, interrupt, output::Output, run::bulk::means_many,
    run::fast::OutputDirs,
};

/// Carries out `plan` on the input; the report goes to `folder`. An error is one of the plan, of its
/// model, or of the report: it ends everything.
pub(crate) fn run(
    plan: Plan,
    input: OsString,
    (folder, dirs): (&Path, OutputDirs<'_>),
    options: SourceOptions,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    if means_many(&input) {
        bail!("{}: name one input; of several, each gets a report of its own", input.display());
    }
    let mut folders = dirs.folders(&plan)?;
    let inputs = Inputs::one(input);
    out.records_go_elsewhere();
    let mut tally = Tally::default();
    for source in inputs.sources() {
        let folders = folders.next(source.name())?;
        let debug = Debug::new(plan.clone(), options.clone()).images_in(folders);
        let mut run = debug.overwrite(dirs.existing()).run(source, folder)?;
        interrupt::finishing(); // a report is worth waiting for
        read(&mut run, out)?;
        tally.add(run.records().tally());
        let statistics = run.finish()?;
        tell(&statistics, folder, out);
    }
    if interrupt::requested() { Ok(Exit::Interrupted) } else { Ok(Exit::of(&tally)) }
}

/// Takes the records to their end, or until the user wants no more.
fn read(run: &mut DebugRun, out: &mut Output) -> anyhow::Result<()> {
    out.start_progress(run.records().source(), run.records().duration());
    interrupt::ends(run.records().interrupt());
    while let Some(record) = run.next() {
        let record = record?;
        if let Some(reason) = run.hardware_fallback() {
            out.note(format_args!("decoding in software: {reason}"));
        }
        if let Record::Error(error) = &record {
            out.error(format_args!("{}: {}", error.source, error.message));
        }
        out.progress(record.time());
    }
    out.end_progress();
    Ok(())
}

fn tell(statistics: &Statistics, folder: &Path, out: &Output) {
    let Statistics { frames, wall, .. } = *statistics;
    let report = folder.join("report.html");
    out.note(format_args!("{frames} frames in {wall:.3} s; the report is {}", report.display()));
}
