//! One model at work on one source after another.

use std::io;

use moviola::{
    detect::{DetectError, DetectOptions, Detected, Detectors, On, detect},
    results::Record,
    sink::images::ImageFolder,
    source::{Source, SourceOptions},
};

use crate::{
    interrupt,
    report::{Next, Report},
};

/// JPEG quality of annotated pictures.
const QUALITY: u8 = 90;

/// What serves one source after another.
pub(crate) struct Search {
    detectors: Detectors,
    on: On,
    options: SourceOptions,
    /// Whether the user knows what runs the model.
    introduced: bool,
}

impl Search {
    pub(crate) fn new(detectors: Detectors, on: On, options: SourceOptions) -> Self {
        Self { detectors, on, options, introduced: false }
    }

    /// Searches the frames of one source. An error is one of the model, or of the output.
    pub(crate) fn read(
        &mut self,
        source: Source,
        mut folder: Option<ImageFolder>,
        report: &mut Report<'_>,
    ) -> anyhow::Result<()> {
        let options = DetectOptions { on: self.on, annotate: folder.as_ref().map(|_| QUALITY) };
        let media = report.open(source, &self.options);
        let results = media.and_then(|media| detect(media, &self.detectors, options));
        let results = match results {
            Ok(results) => results,
            Err(error) => {
                report.media_error(&error).map(drop)?;
                return self.introduce(report); // without a model, no source can be searched
            }
        };
        for detected in results {
            if interrupt::requested() {
                break;
            }
            let next = match detected {
                Ok(Ok(detected)) => {
                    self.introduce(report)?;
                    hand_out(&detected, folder.as_mut(), report)?
                }
                Ok(Err(DetectError::Picture { time, cause })) => {
                    report.error("infer", time, cause.to_string())?
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(error) => report.media_error(&error)?,
            };
            if next.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Says once what runs the model, and why.
    fn introduce(&mut self, report: &Report<'_>) -> anyhow::Result<()> {
        if self.introduced {
            return Ok(());
        }
        if let [one, ..] = self.detectors.wait()?.as_slice() {
            let (provider, precision) = (one.provider, one.precision);
            let why = &one.reason;
            report.out.note(format_args!("the model runs on {provider} in {precision}: {why}"));
        }
        self.introduced = true;
        Ok(())
    }
}

fn hand_out(
    detected: &Detected,
    folder: Option<&mut ImageFolder>,
    report: &mut Report<'_>,
) -> io::Result<Next> {
    report.learn(&detected.facts);
    let number = detected.index.or(detected.facts.number).unwrap_or_default();
    let path = match report.save(detected.annotated.as_deref(), number, folder) {
        Ok(path) => path,
        Err(error) => return report.fail("write", error.to_string()),
    };
    let record = detected.record(&report.source, path);
    report.picture(&Record::Detections(record), &detected.facts)
}
