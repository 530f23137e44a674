//! The records around a source's results, and what becomes of several sources.

use std::{
    io,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use moviola::{
    error::{Error, Result},
    facts::FrameFacts,
    hardware::{Hardware, Hwaccel},
    image,
    media::Media,
    results::{EndRecord, ErrorRecord, Record, SourceRecord, SummaryRecord},
    sink::images::ImageFolder,
    source::{Source, SourceOptions},
    video::Damage,
};

use crate::{
    exit::{Exit, Tally},
    input::Inputs,
    interrupt,
    output::Output,
    pictures::Folders,
};

/// Reads one source after another with `read` and writes what frames their results; each source
/// gets its own of the `folders`.
///
/// An error of `read` ends everything; what concerns one source or picture is for
/// [`Report::fail`] and [`Report::error`].
pub(crate) fn each_source(
    inputs: &Inputs,
    mut folders: Folders<'_>,
    out: &mut Output,
    mut read: impl FnMut(Source, Option<ImageFolder>, &mut Report<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let mut tally = Tally::default();
    for source in inputs.sources() {
        let mut report = Report::new(source.name(), out);
        match folders.next(source.name()) {
            Ok(folder) => read(source, folder, &mut report)?,
            Err(error) => drop(report.fail("write", error.to_string())?),
        }
        if interrupt::requested() {
            return Ok(Exit::Interrupted);
        }
        report.end(&mut tally)?;
    }
    if inputs.len() > 1 {
        out.record(&Record::Summary(SummaryRecord {
            sources: inputs.len() as u64,
            done: tally.done,
            failed: tally.failed,
            frames: tally.frames,
            elapsed: seconds(started.elapsed()),
        }))?;
    }
    Ok(tally.exit())
}

/// Whether to read on in the source.
pub(crate) type Next = ControlFlow<()>;

/// Writes the records of one source.
pub(crate) struct Report<'a> {
    pub(crate) out: &'a mut Output,
    pub(crate) source: String,
    started: Instant,
    /// Not written yet: the first picture tells more about it.
    announced: Option<SourceRecord>,
    /// The hardware that was asked for by name, until it is known not to decode.
    hardware: Option<Arc<Hardware>>,
    damage: Damage,
    frames: u64,
    /// How many of them are keyframes.
    keyframes: u64,
    errors: u64,
    failed: bool,
}

impl<'a> Report<'a> {
    fn new(source: &str, out: &'a mut Output) -> Self {
        Self {
            out,
            source: source.to_owned(),
            started: Instant::now(),
            announced: None,
            hardware: None,
            damage: Damage::default(),
            frames: 0,
            keyframes: 0,
            errors: 0,
            failed: false,
        }
    }

    /// Opens the source; its record is written before its next one.
    pub(crate) fn open(&mut self, source: Source, options: &SourceOptions) -> Result<Media> {
        let media = Media::open(source, options.clone())?;
        let record = SourceRecord::of(&media);
        self.out.start_progress(&self.source, record.duration);
        self.announced = Some(record);
        let named = matches!(options.hwaccel, Hwaccel::Kind(_));
        self.hardware = named.then(|| Arc::clone(media.hardware()));
        self.damage = media.damage();
        Ok(media)
    }

    /// Adds to the source's record what its first picture tells.
    pub(crate) fn learn(&mut self, facts: &FrameFacts) {
        if let Some(source) = &mut self.announced {
            source.learn(facts.format, facts.color);
        }
    }

    /// Writes a picture's image, if it has one, and says where it is.
    pub(crate) fn save(
        &self,
        image: Option<&[u8]>,
        number: u64,
        folder: Option<&mut ImageFolder>,
    ) -> image::Result<Option<String>> {
        let Some((folder, image)) = folder.zip(image) else { return Ok(None) };
        folder.write(number, image).map(|path| Some(path.display().to_string()))
    }

    /// Writes the record of one picture.
    pub(crate) fn picture(&mut self, record: &Record, facts: &FrameFacts) -> io::Result<Next> {
        self.frames += 1;
        self.keyframes += u64::from(facts.keyframe);
        self.out.progress(facts.time);
        self.write(record).map(Next::Continue)
    }

    /// One picture failed; the others are read on.
    pub(crate) fn error(
        &mut self,
        stage: &str,
        time: Option<f64>,
        message: String,
    ) -> io::Result<Next> {
        self.errors += 1;
        self.out.error(format_args!("{}: {message}", self.source));
        let (source, stage) = (self.source.clone(), stage.to_owned());
        let record = ErrorRecord { source, stage, time, message };
        self.write(&Record::Error(record)).map(Next::Continue)
    }

    /// The source can't be read, or not any further.
    pub(crate) fn fail(&mut self, stage: &str, message: String) -> io::Result<Next> {
        self.failed = true;
        self.error(stage, None, message).map(|_| Next::Break(()))
    }

    /// As [`error`](Self::error) or [`fail`](Self::fail), whichever it is.
    pub(crate) fn media_error(&mut self, error: &Error) -> io::Result<Next> {
        let text = error.to_string();
        // The record and the message name the source themselves.
        let message = text.strip_prefix(&format!("{}: ", self.source)).unwrap_or(&text).to_owned();
        match error {
            Error::Decode { .. } | Error::NoFrame { .. } => {
                self.error(error.stage().name(), error.time(), message)
            }
            _ => self.fail(error.stage().name(), message),
        }
    }

    /// Whether there was no picture yet, and no error.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames == 0 && self.errors == 0
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.tell_fallback();
        if let Some(source) = self.announced.take() {
            self.out.record(&Record::Source(source))?;
        }
        self.out.record(record)
    }

    /// Says, once, why the hardware that was asked for isn't used: by the first picture it is known.
    fn tell_fallback(&mut self) {
        if let Some(reason) = self.hardware.as_ref().and_then(|hardware| hardware.fallback()) {
            self.out.note(format_args!("{}: decoding in software: {reason}", self.source));
            self.hardware = None;
        }
    }

    fn end(mut self, tally: &mut Tally) -> io::Result<()> {
        self.out.end_progress();
        let damaged = self.damage.ranges();
        self.write(&Record::End(EndRecord {
            source: self.source.clone(),
            frames: self.frames,
            keyframes: self.keyframes,
            errors: self.errors,
            damaged: damaged.iter().map(|range| [range.start, range.end - 1]).collect(),
            elapsed: seconds(self.started.elapsed()),
        }))?;
        let failed = self.failed || (self.errors > 0 && self.frames == 0);
        tally.done += u64::from(!failed);
        tally.failed += u64::from(failed);
        tally.frames += self.frames;
        tally.errors += self.errors;
        tally.flawless += u64::from(self.errors == 0);
        Ok(())
    }
}

/// Microseconds are as fine as the clock is worth.
fn seconds(elapsed: Duration) -> f64 {
    Duration::from_micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}
