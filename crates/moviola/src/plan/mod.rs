//! What is wanted of a source: which frames, and what to make of each.
//!
//! A plan says nothing of where sources come from and where results go. Whatever runs it, the
//! records are the same.
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

/// What is wanted of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "PlanText", into = "PlanText")]
pub struct Plan {
    /// Which frames. Default: the keyframes.
    pub frames: Frames,
    /// What to do about frames that are damaged; keyframes always come as they are. Default: keep
    /// them.
    pub on_damage: OnDamage,
    /// What to make of each frame: at least one task, and each kind of task once. Default: none.
    pub tasks: Vec<Task>,
}

/// What is wrong with a plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Its file can't be read.
    #[error("cannot read the plan {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It isn't what a plan looks like.
    #[error("the plan can't be understood: {0}")]
    Syntax(String),
    /// It can't be done.
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

    /// What the caller can change so that it does not come again: nothing that has a name.
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

    /// Whether it can be carried out.
    ///
    /// # Errors
    ///
    /// [`PlanError::Impossible`], with the remedy.
    pub fn check(&self) -> Result<(), PlanError> {
        let mends_keyframes = self.frames == Frames::Keyframes && self.on_damage != OnDamage::Keep;
        let impossible = if self.tasks.is_empty() {
            "nothing is wanted of the frames: ask for stills, or for objects with a model"
        } else if self.repeats_a_task() {
            "a task is there twice: each kind of task can be done once"
        } else if mends_keyframes {
            "keyframes come as they are: damaged frames can be replaced or left out where all, or \
             those at given times, are wanted"
        } else {
            self.tasks.iter().try_for_each(Task::check)?;
            return self.frames.check();
        };
        Err(PlanError::Impossible(impossible))
    }

    fn repeats_a_task(&self) -> bool {
        let is_repeated = |(index, task): (usize, &Task)| {
            self.tasks[..index].iter().any(|earlier| earlier.kind() == task.kind())
        };
        self.tasks.iter().enumerate().any(is_repeated)
    }

    /// The options of its stills, if those are wanted.
    pub fn still(&self) -> Option<&StillOptions> {
        self.tasks.iter().find_map(|task| match task {
            Task::Still(still) => Some(still),
            _ => None,
        })
    }

    /// The options of its stills, to change.
    pub fn still_mut(&mut self) -> Option<&mut StillOptions> {
        self.tasks.iter_mut().find_map(|task| match task {
            Task::Still(still) => Some(still),
            _ => None,
        })
    }

    /// How objects are found, to change.
    pub fn detect_mut(&mut self) -> Option<&mut Detect> {
        self.tasks.iter_mut().find_map(|task| match task {
            Task::Detect(detect) => Some(detect),
            _ => None,
        })
    }

    /// How objects are found, if they are wanted.
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
    fn frames_are_named_or_described() {
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
    fn what_a_plan_leaves_out_is_the_usual() {
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
    fn what_cannot_be_meant_is_refused_with_a_reason() {
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
