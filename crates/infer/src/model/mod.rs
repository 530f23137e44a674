//! What a model file is: its input, its head, its classes; or why it is no detector.

pub(crate) mod header;
pub(crate) mod input;
pub(crate) mod literal;
pub mod metadata;
pub mod names;
pub(crate) mod recognise;
pub mod report;

use crate::detect::head::{HeadKind, HeadSpec};
use crate::error::{Error, Result};
use crate::letterbox::Size;
use crate::model::header::{Header, guess};
use crate::model::input::picture_input;
use crate::model::metadata::Metadata;
use crate::model::names::{Classes, NamesFrom};
use crate::model::recognise::{Evidence, Recognised, Refusal, recognise};
use crate::preprocess::Preprocess;
use crate::session::{Output, Picture, Source};

/// What the caller knows better than the file. Every field may be left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOptions {
    /// The head, where the file leaves it open.
    pub head: Option<HeadKind>,
    /// The input's size, where the model leaves it open. Default: the metadata's, else 640×640.
    pub image_size: Option<Size>,
    /// Names of the classes, by number, instead of the file's.
    pub class_names: Option<Vec<String>>,
}

/// A model file with a usable input, before it is known whether it is a detector.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) model: String,
    pub(crate) header: Header,
    pub(crate) metadata: Metadata,
    pub(crate) input_name: String,
    pub(crate) picture: Picture,
}

/// A detector's description.
#[derive(Clone, Debug)]
pub(crate) struct Detecting {
    pub(crate) head: HeadSpec,
    /// Which output holds the boxes.
    pub(crate) output: usize,
    pub(crate) why: String,
    pub(crate) classes: Classes,
    pub(crate) preprocess: Preprocess,
}

/// Reads a file's description; bytes that are no ONNX model are an error that says what they are.
pub(crate) fn read_header(source: &Source<'_>) -> Result<Header> {
    Header::read(&source.bytes).ok_or_else(|| {
        let (problem, remedy) = guess(&source.bytes);
        let (problem, remedy) = (problem.into(), remedy.into());
        Error::Model { model: source.name.clone(), problem, remedy }
    })
}

/// Checks that the model takes one picture.
pub(crate) fn examine(
    source: &Source<'_>,
    header: Header,
    options: &ModelOptions,
) -> Result<Candidate> {
    let model = source.name.clone();
    let metadata = Metadata::read(&header);
    let (input_name, picture) = picture_input(&model, &header, &metadata, options.image_size)?;
    Ok(Candidate { model, header, metadata, input_name, picture })
}

impl Candidate {
    /// Decides what the outputs mean.
    pub(crate) fn recognise(
        &self,
        outputs: &[Output],
        options: &ModelOptions,
    ) -> Result<Detecting> {
        let evidence = Evidence {
            input: self.picture.size,
            input_name: &self.input_name,
            outputs,
            metadata: &self.metadata,
            has_exp: self.header.uses("Exp"),
        };
        let model = self.model.clone();
        let Recognised { head, output, why } =
            recognise(&evidence, options.head).map_err(|refusal| match refusal {
                Refusal::Unfit(problem, remedy) => Error::Model { model, problem, remedy },
                Refusal::Head(problem, remedy) => Error::Head { model, problem, remedy },
                Refusal::Ambiguous(problem, candidates) => {
                    Error::Ambiguous { model, problem, candidates }
                }
            })?;
        let preprocess = match head.kind {
            HeadKind::Yolox => Preprocess::yolox(self.picture.size),
            _ => Preprocess::ultralytics(self.picture.size),
        };
        let classes = self.classes(&head, options)?;
        Ok(Detecting { head, output, why, classes, preprocess })
    }

    /// The caller's names, else the file's, else a convention.
    fn classes(&self, head: &HeadSpec, options: &ModelOptions) -> Result<Classes> {
        // Finished boxes don't show how many classes there are.
        let counted = (head.kind != HeadKind::Yolov10).then_some(head.classes);
        if let Some(names) = &options.class_names {
            return match counted.filter(|&count| count != names.len()) {
                Some(count) => {
                    Err(Error::argument("number of class names", &count.to_string(), names.len()))
                }
                None => Ok(Classes::new(names.len(), names, NamesFrom::Caller)),
            };
        }
        Ok(match &self.metadata.names {
            Some(names) => {
                let count = counted.unwrap_or(names.len());
                Classes::new(count, names, NamesFrom::Metadata)
            }
            // Names that can't be read are not COCO's.
            None if self.header.metadata("names").is_some() => {
                tracing::warn!(model = %self.model, "the class names in the metadata can't be read");
                Classes::new(counted.unwrap_or(0), &[], NamesFrom::Numbered)
            }
            None => Classes::unnamed(counted.unwrap_or(0)),
        })
    }
}
