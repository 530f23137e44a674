//! A plan carried out on one input after another, and what is said of it.

use std::{path::Path, time::Instant};

use moviola::{
    Fast, Plan, Records,
    image::{self, Overwrite},
    infer::provider::ProviderReport,
    records::{Tally, seconds},
    results::{Record, SummaryRecord},
    sink::images::Folders,
    source::SourceOptions,
};

use crate::{exit::Exit, input::Inputs, interrupt, output::Output};

/// Where images go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutputDirs<'a> {
    pub(crate) stills: Option<&'a Path>,
    pub(crate) annotated: Option<&'a Path>,
    pub(crate) overwrite: bool,
}

impl OutputDirs<'_> {
    /// The folders for what `plan` makes.
    pub(crate) fn folders(&self, plan: &Plan) -> image::Result<Folders> {
        Folders::new(plan, self.stills, self.annotated, self.existing())
    }

    /// What to do about what is there already.
    pub(crate) fn existing(&self) -> Overwrite {
        if self.overwrite { Overwrite::Replace } else { Overwrite::Refuse }
    }
}

/// Carries out `plan` on the inputs and writes the records. An error is one of the plan, of its
/// model, or of the output: it ends everything.
pub(crate) fn run(
    plan: Plan,
    inputs: &Inputs,
    dirs: OutputDirs<'_>,
    options: SourceOptions,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut folders = dirs.folders(&plan)?;
    let mut runner = Runner { fast: Fast::new(plan, options)?, notice: ProviderNotice::default() };
    let mut tally = Tally::default();
    for source in inputs.sources() {
        let folders = folders.next(source.name());
        let records = runner.fast.run_into(source, folders);
        if runner.write(records, &mut tally, out)?.is_none() {
            return Ok(Exit::Interrupted);
        }
    }
    if inputs.len() > 1 {
        out.record(&Record::Summary(SummaryRecord {
            sources: inputs.len() as u64,
            done: tally.done,
            failed: tally.failed,
            frames: tally.frames,
            elapsed: seconds(started.elapsed()),
            models_loaded: runner.fast.models_loaded(),
        }))?;
    }
    Ok(Exit::of(&tally))
}

struct Runner {
    fast: Fast,
    notice: ProviderNotice,
}

impl Runner {
    /// Writes the records of one source as they come; `None` if the user wants no more.
    fn write(
        &mut self,
        mut records: Records,
        tally: &mut Tally,
        out: &mut Output,
    ) -> anyhow::Result<Option<()>> {
        out.start_progress(records.source(), records.duration());
        interrupt::ends(records.interrupt());
        while let Some(record) = records.next() {
            let record = record?;
            if let Some(reason) = records.hardware_fallback() {
                let source = records.source();
                out.note(format_args!("{source}: decoding in software: {reason}"));
            }
            if let Record::Error(error) = &record {
                out.error(format_args!("{}: {}", error.source, error.message));
            }
            out.progress(record.time());
            out.record(&record)?;
            if matches!(record, Record::Detections(_)) {
                self.notice.make(|| self.fast.provider(), out)?;
            }
        }
        out.end_progress();
        if interrupt::requested() {
            return Ok(None);
        }
        tally.add(records.tally());
        // Without a model, no source can be searched: that it can't be loaded is told now.
        self.notice.make(|| self.fast.provider(), out)?;
        Ok(Some(()))
    }
}

/// Says once what runs the model, and why.
#[derive(Debug, Default)]
pub(crate) struct ProviderNotice {
    made: bool,
}

impl ProviderNotice {
    /// An error is one of the model.
    pub(crate) fn make<E>(
        &mut self,
        provider: impl FnOnce() -> Result<Option<ProviderReport>, E>,
        out: &Output,
    ) -> Result<(), E> {
        if std::mem::replace(&mut self.made, true) {
            return Ok(());
        }
        if let Some(report) = provider()? {
            let ProviderReport { provider, precision, reason: why, .. } = report;
            out.note(format_args!("the model runs on {provider} in {precision}: {why}"));
        }
        Ok(())
    }
}
