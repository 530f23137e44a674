//! The description of a model file: input, head and classes, or why it can't be used as a detector.

pub(crate) mod header;
pub(crate) mod input;
pub(crate) mod literal;
pub mod metadata;
pub mod names;
pub(crate) mod recognise;
pub mod report;

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::head::{HeadKind, HeadSpec};
use crate::letterbox::Size;
use crate::model::header::{Header, identify_other_file};
use crate::model::input::image_input;
use crate::model::metadata::Metadata;
use crate::model::names::{Classes, NamesSource};
use crate::model::recognise::{Evidence, NotRecognised, Recognised, recognise};
use crate::preprocess::Preprocess;
use crate::session::{ModelFile, ModelInput, OutputSpec};

/// Properties of a model that the caller specifies. All are optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOptions {
    /// The head, if the file is ambiguous. Default: recognised from the file.
    pub head: Option<HeadKind>,
    /// The input size, if the model's is dynamic. Default: the metadata's, else 640×640.
    pub image_size: Option<Size>,
    /// The names of the classes, by number. Default: the file's.
    pub class_names: Option<Vec<String>>,
}

/// A model that takes one image. Its outputs are not checked yet, so it may not be a detector.
#[derive(Clone, Debug)]
pub(crate) struct ImageModel {
    /// The model's file, or the name its bytes were given.
    pub(crate) model: String,
    pub(crate) header: Header,
    pub(crate) metadata: Metadata,
    pub(crate) input: ModelInput,
}

/// What is needed to use a model as a detector.
#[derive(Clone, Debug)]
pub(crate) struct DetectorSpec {
    pub(crate) head: HeadSpec,
    /// Index of the output with the boxes.
    pub(crate) output: usize,
    /// Why the head was chosen, for the report.
    pub(crate) why: String,
    pub(crate) classes: Classes,
    pub(crate) preprocess: Preprocess,
}

/// Parses a file's description.
///
/// # Errors
///
/// [`Error::Model`] if the bytes are not an ONNX model, with what they probably are.
pub(crate) fn read_header(file: &ModelFile<'_>) -> Result<Header> {
    Header::read(&file.bytes).ok_or_else(|| {
        let (problem, remedy) = identify_other_file(&file.bytes);
        let (problem, remedy) = (problem.into(), remedy.into());
        Error::Model { model: file.name.clone(), problem, remedy }
    })
}

/// The files that a model is made of: its own, and those beside it that hold weights.
///
/// # Errors
///
/// The system's error if the model can't be read. A file that is no ONNX model has no others.
pub fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    let bytes = fs::read(path)?;
    let mut files = vec![path.to_owned()];
    if let Some(header) = Header::read(&bytes) {
        let folder = path.parent().unwrap_or(Path::new(""));
        files.extend(header.external_files().into_iter().map(|file| folder.join(file)));
    }
    Ok(files)
}

/// Checks that the model takes one image.
pub(crate) fn examine(
    file: &ModelFile<'_>,
    header: Header,
    options: &ModelOptions,
) -> Result<ImageModel> {
    let model = file.name.clone();
    let metadata = Metadata::read(&header);
    let input = image_input(&model, &header, &metadata, options.image_size)?;
    Ok(ImageModel { model, header, metadata, input })
}

impl ImageModel {
    /// Recognises the head from the outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if no head fits, [`Error::Ambiguous`] if several do.
    pub(crate) fn recognise(
        &self,
        outputs: &[OutputSpec],
        options: &ModelOptions,
    ) -> Result<DetectorSpec> {
        let evidence = Evidence {
            input: self.input.size,
            input_name: &self.input.name,
            outputs,
            metadata: &self.metadata,
            has_exp: self.header.has_operator("Exp"),
        };
        let model = self.model.clone();
        let Recognised { head, output, why } =
            recognise(&evidence, options.head).map_err(|refusal| match refusal {
                NotRecognised::Unsupported { problem, remedy } => {
                    Error::Model { model, problem, remedy }
                }
                NotRecognised::Head { problem, remedy } => Error::Head { model, problem, remedy },
                NotRecognised::Ambiguous { problem, candidates } => {
                    Error::Ambiguous { model, problem, candidates }
                }
            })?;
        let preprocess = match head.kind {
            HeadKind::Yolox => Preprocess::yolox(self.input.size),
            _ => Preprocess::ultralytics(self.input.size),
        };
        let classes = self.classes(&head, options)?;
        Ok(DetectorSpec { head, output, why, classes, preprocess })
    }

    /// The classes: with the caller's names, else the file's, else by convention.
    fn classes(&self, head: &HeadSpec, options: &ModelOptions) -> Result<Classes> {
        // The shape of final boxes does not contain the number of classes.
        let counted = (head.kind != HeadKind::Yolov10).then_some(head.classes);
        if let Some(names) = &options.class_names {
            return match counted.filter(|&count| count != names.len()) {
                Some(count) => {
                    Err(Error::argument("number of class names", &count.to_string(), names.len()))
                }
                None => Ok(Classes::new(names.len(), names, NamesSource::Caller)),
            };
        }
        Ok(match &self.metadata.names {
            Some(names) => {
                let count = counted.unwrap_or(names.len());
                Classes::new(count, names, NamesSource::Metadata)
            }
            // A model with unreadable names does not have COCO's.
            None if self.header.metadata("names").is_some() => {
                tracing::warn!(model = %self.model, "the class names in the metadata can't be parsed; classes are numbered");
                Classes::new(counted.unwrap_or(0), &[], NamesSource::Numbered)
            }
            None => Classes::unnamed(counted.unwrap_or(0)),
        })
    }
}
