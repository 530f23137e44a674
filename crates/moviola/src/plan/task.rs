//! The tasks of a plan, with their options.

use super::{Detect, PlanError, StillOptions};

/// A task that runs on each frame, with its options.
///
/// A new task is a variant here, the field of its options in a plan's text (`plan/text.rs`), and a
/// file in `task/`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Task {
    /// A record of the frame, and optionally an image and a hash.
    Still(StillOptions),
    /// The objects in the frame.
    Detect(Detect),
}

/// The kind of a task, without its options.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TaskKind {
    /// [`Task::Still`].
    Still,
    /// [`Task::Detect`].
    Detect,
}

impl TaskKind {
    /// The stage that error records give for the task.
    pub(crate) fn stage(self) -> &'static str {
        match self {
            Self::Still => "image",
            Self::Detect => "infer",
        }
    }
}

impl Task {
    /// The kind of the task.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Still(_) => TaskKind::Still,
            Self::Detect(_) => TaskKind::Detect,
        }
    }

    /// The file extension of the task's images, without the dot; `None` if it makes none.
    pub fn image_extension(&self) -> Option<&'static str> {
        match self {
            Self::Still(still) => Some(still.image?.extension()),
            Self::Detect(detect) => detect.annotate.map(|_| "jpg"),
        }
    }

    /// Whether the task runs a model, of which each worker may load its own copy.
    pub fn has_model(&self) -> bool {
        match self {
            Self::Still(_) => false,
            Self::Detect(_) => true,
        }
    }

    fn check_max_size(&self) -> Result<(), PlanError> {
        match self {
            Self::Still(still) if still.max_size.is_some_and(|size| size.0 == 0 || size.1 == 0) => {
                Err(PlanError::Impossible(
                    "max_size is zero: images are at least one pixel wide and high",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the options are in their ranges.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let quality = match self {
            Self::Still(still) => Some(still.quality),
            Self::Detect(detect) => detect.annotate,
        };
        match quality {
            Some(quality) if !(1..=100).contains(&quality) => {
                Err(PlanError::Impossible("the quality of a JPEG is 1 to 100"))
            }
            _ => self.check_max_size(),
        }
    }
}
