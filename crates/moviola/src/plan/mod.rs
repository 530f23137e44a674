//! Plans: which frames of a source are selected, and which tasks run on each.
//!
//! A plan doesn't contain sources or output paths. [`Fast`](crate::Fast), [`Bulk`](crate::Bulk) and
//! [`Debug`](crate::Debug) give the same records for it.
//!
//! ```
//! use moviola::plan::{Frames, Plan};
//!
//! let plan = Plan::from_toml(
//!     r#"
//!     frames = { every = "0.5s", range = "10s..20s" }
//!
//!     [stills]
//!     format = "jpg"
//!     max_size = [1280, 720]
//!
//!     [detect]
//!     model = "demo"
//!     conf = 0.4
//!     "#,
//! )?;
//! assert!(matches!(plan.frames, Frames::Played(_)));
//! # Ok::<(), moviola::plan::PlanError>(())
//! ```

mod as_text;
mod detect;
mod frames;
mod still;
mod task;
mod text;
pub mod times;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use moviola_av::{error::ErrorKind, remedy::Remedy};
use moviola_media::video::OnDamage;
use serde::{Deserialize, Serialize};

use text::PlanText;

pub use detect::{Detect, Model};
pub use frames::Frames;
pub use still::{ImageFormat, StillOptions};
pub use task::{Task, TaskKind};

/// The frames of a source to read, and the tasks to run on each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "PlanText", into = "PlanText")]
pub struct Plan {
    /// The selected frames. Default: the keyframes.
    pub frames: Frames,
    /// The policy for damaged frames; keyframes only allow [`OnDamage::Keep`], the default.
    pub on_damage: OnDamage,
    /// The tasks to run on each frame: at least one, and each kind at most once. Default: none.
    pub tasks: Vec<Task>,
}

/// Why a plan is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The plan's file can't be read.
    #[error("cannot read the plan {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// The text isn't a valid plan: wrong syntax, an unknown field, or a value of the wrong form.
    #[error("the plan is not valid: {0}")]
    Syntax(String),
    /// Values in the plan are out of range or contradict each other.
    #[error("{0}")]
    Impossible(&'static str),
}

impl PlanError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { cause, .. } => cause.kind().into(),
            Self::Syntax(_) | Self::Impossible(_) => ErrorKind::InvalidArgument,
        }
    }

    /// The change that prevents the error: always `None`, as no option does.
    pub fn remedy(&self) -> Option<Remedy> {
        None
    }
}

impl Plan {
    /// Reads a plan from a file: JSON if its name ends so, else TOML.
    ///
    /// # Errors
    ///
    /// [`PlanError::Read`], or as [`from_toml`](Self::from_toml).
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|cause| PlanError::Read { path: path.into(), cause })?;
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        if is_json { Self::from_json(&text) } else { Self::from_toml(&text) }
    }

    /// Reads a plan from TOML.
    ///
    /// # Errors
    ///
    /// [`PlanError::Syntax`] with the place and what is expected there, or as
    /// [`check`](Self::check).
    pub fn from_toml(text: &str) -> Result<Self, PlanError> {
        let plan: Self =
            toml::from_str(text).map_err(|error| PlanError::Syntax(error.to_string()))?;
        plan.check().map(|()| plan)
    }

    /// Reads a plan from JSON. Errors are those of [`from_toml`](Self::from_toml).
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        let plan: Self =
            serde_json::from_str(text).map_err(|error| PlanError::Syntax(error.to_string()))?;
        plan.check().map(|()| plan)
    }

    /// Checks that the plan can run: it has tasks, each once, and all options are in range.
    ///
    /// # Errors
    ///
    /// [`PlanError::Impossible`], which says what to change.
    pub fn check(&self) -> Result<(), PlanError> {
        let replaces_keyframes =
            self.frames == Frames::Keyframes && self.on_damage != OnDamage::Keep;
        let impossible = if self.tasks.is_empty() {
            "nothing is wanted: the plan has no task; add stills, or detect with a model"
        } else if self.has_repeated_task() {
            "the plan has a task twice: remove one, as each kind of task runs once"
        } else if replaces_keyframes {
            "keyframes come as they are: to replace or skip damaged frames, select all frames, or \
             frames by time"
        } else {
            self.tasks.iter().try_for_each(Task::check)?;
            return self.frames.check();
        };
        Err(PlanError::Impossible(impossible))
    }

    fn has_repeated_task(&self) -> bool {
        let is_repeated = |(index, task): (usize, &Task)| {
            self.tasks[..index].iter().any(|earlier| earlier.kind() == task.kind())
        };
        self.tasks.iter().enumerate().any(is_repeated)
    }

    /// The options of the still task, if the plan has one.
    pub fn still(&self) -> Option<&StillOptions> {
        self.tasks.iter().find_map(|task| match task {
            Task::Still(still) => Some(still),
            _ => None,
        })
    }

    /// The mutable options of the still task, if the plan has one.
    pub fn still_mut(&mut self) -> Option<&mut StillOptions> {
        self.tasks.iter_mut().find_map(|task| match task {
            Task::Still(still) => Some(still),
            _ => None,
        })
    }

    /// The mutable options of the detection task, if the plan has one.
    pub fn detect_mut(&mut self) -> Option<&mut Detect> {
        self.tasks.iter_mut().find_map(|task| match task {
            Task::Detect(detect) => Some(detect),
            _ => None,
        })
    }

    /// The options of the detection task, if the plan has one.
    pub fn detect(&self) -> Option<&Detect> {
        self.tasks.iter().find_map(|task| match task {
            Task::Detect(detect) => Some(detect),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use moviola_media::video::TimeSelection;

    use super::*;

    #[track_caller]
    fn frames(text: &str, want: Frames) {
        let plan = Plan::from_toml(&format!("frames = {text}\n[stills]\n")).unwrap();
        assert_eq!(plan.frames, want);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(Plan::from_json(&json).unwrap(), plan, "{json}");
    }

    #[test]
    fn frames_are_a_name_or_a_table() {
        frames("'keyframes'", Frames::Keyframes);
        frames("'all'", Frames::All);
        let every = TimeSelection { every: Some(0.5), ..TimeSelection::default() };
        frames("'every:0.5s'", Frames::Played(every.clone()));
        frames("{ every = 0.5 }", Frames::Played(every));
        let range = |range, every| Frames::Played(TimeSelection { range, every });
        frames("{ range = '1m..' }", range(60.0..f64::INFINITY, None));
        frames("{ range = '-1s..2.5s', every = '40ms' }", range(-1.0..2.5, Some(0.04)));
        frames("{ at = ['01:00', 2] }", Frames::At(vec![60.0, 2.0]));
        frames("{ index = [0, -1] }", Frames::Index(vec![0, -1]));
    }

    #[test]
    fn missing_fields_have_their_defaults() {
        let plan = Plan::from_toml("[stills]\nformat = 'png'\n[detect]\nmodel = 'demo'").unwrap();
        let stills = StillOptions { image: Some(ImageFormat::Png), ..StillOptions::default() };
        let detect = Detect::new(Model::Demo);
        assert_eq!(plan.tasks, [Task::Still(stills), Task::Detect(detect)]);
        assert_eq!((plan.frames, plan.on_damage), (Frames::Keyframes, OnDamage::Keep));
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let text = "frames = 'all'\non_damage = 'skip'\n[stills]\nquality = 7\nmax_size = [8, 9]\n\
                    [detect]\nmodel = 'a.onnx'\nclasses = 'car,3'\nprovider = 'cpu'\n\
                    precision = 'bf16'\nhead = 'yolox'\nannotate = 80";
        let plan = Plan::from_toml(text).unwrap();
        assert_eq!(Plan::from_toml(&toml::to_string(&plan).unwrap()).unwrap(), plan);
        assert_eq!(Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
    }

    #[test]
    fn invalid_plans_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "nothing is wanted"),
            ("frames = 'some'\n[stills]", "keyframes, all"),
            ("frames = { every = '0s' }\n[stills]", "longer than 0s"),
            ("frames = { at = [1], index = [1] }\n[stills]", "one of"),
            ("frames = { every = 1, at = [1] }\n[stills]", "one of"),
            ("frames = { at = [] }\n[stills]", "at least one"),
            ("on_damage = 'skip'\n[stills]", "keyframes come as they are"),
            ("on_damage = 'hide'\n[stills]", "expected keep"),
            ("[stills]\nquality = 0", "1 to 100"),
            ("[stills]\ncolour = 'red'", "colour"),
            ("[detect]", "model"),
            ("[detect]\nmodel = 'a'\nprovider = 'gpu'", "cuda"),
        ] {
            let error = Plan::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
