//! Carries out a plan on one source after another, and reports on it.

use std::time::Instant;

use moviola::{
    Fast, Plan,
    records::{Record, SummaryRecord, Tally, seconds},
    sink::images::SavedRecords,
    source::SourceOptions,
};

use crate::{
    console::Console, exit::Exit, interrupt, memory_warning::MemoryWarning,
    output_dirs::OutputDirs, provider_notice::ProviderNotice, source_args::SourceArgs,
};

/// Carries out `plan` on the sources and writes the records. An error is one of the plan, of its
/// model, or of the output: it ends the run.
pub(crate) fn run(
    plan: Plan,
    sources: &SourceArgs,
    dirs: OutputDirs<'_>,
    options: SourceOptions,
    out: &mut Console,
) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut folders = dirs.folders(&plan)?;
    let mut runner = Runner {
        fast: Fast::new(plan, options)?,
        notice: ProviderNotice::default(),
        memory_warning: MemoryWarning::new("end other programs, or this one may be killed"),
    };
    let mut tally = Tally::default();
    for source in sources.sources() {
        let folders = folders.next(source.name());
        let records = runner.fast.run_into(source, folders);
        if runner.write(records, &mut tally, out)?.is_none() {
            return Ok(Exit::Interrupted);
        }
    }
    if sources.len() > 1 {
        out.record(&Record::Summary(SummaryRecord {
            sources: sources.len() as u64,
            done: tally.done,
            failed: tally.failed,
            frames: tally.frames,
            elapsed: seconds(started.elapsed()),
            models_loaded: runner.fast.models_loaded(),
        }))?;
    }
    Ok(Exit::from_tally(&tally))
}

struct Runner {
    fast: Fast,
    notice: ProviderNotice,
    memory_warning: MemoryWarning,
}

impl Runner {
    /// Writes the records of one source as they come; `None` after an interrupt.
    fn write(
        &mut self,
        mut records: SavedRecords,
        tally: &mut Tally,
        out: &mut Console,
    ) -> anyhow::Result<Option<()>> {
        self.memory_warning.check(out); // while a model loads
        let opened = records.records();
        out.start_progress(opened.source(), opened.duration());
        while let Some(record) = records.next() {
            let record = record?;
            if let Some(reason) = records.hardware_fallback() {
                out.note_fallback(records.records().source(), &reason);
            }
            out.progress(record.time());
            out.source_record(&record)?;
            if matches!(record, Record::Detections(_)) {
                self.notice.give(|| self.fast.provider(), out)?;
            }
            self.memory_warning.check(out);
        }
        out.end_progress();
        if interrupt::is_requested() {
            return Ok(None);
        }
        tally.add(records.records().tally());
        // A model that can't be loaded is an error even if no frame needed it.
        self.notice.give(|| self.fast.provider(), out)?;
        Ok(Some(()))
    }
}
