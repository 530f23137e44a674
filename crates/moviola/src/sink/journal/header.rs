//! The header of a journal: everything that must be equal in all runs into one output.

use std::collections::BTreeMap;

use moviola_av::version;
use moviola_media::source::StreamSelection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    plan::{Plan, Task, TaskKind},
    task::model_digest,
};

/// The version of the journal's format. It is raised when older journals become unreadable.
const VERSION: u32 = 3;

/// What must be equal in all runs into one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    version: u32,
    /// The versions of Moviola and of FFmpeg.
    #[serde(default)]
    made_by: String,
    /// The plan as JSON, so that later versions may add fields.
    #[serde(default)]
    plan: Value,
    /// The digests of the tasks' models whose files can be read.
    #[serde(default)]
    models: BTreeMap<TaskKind, String>,
    /// The streams of the sources that are read; `None` for the default selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    streams: Option<String>,
    /// Whether existing files at the output paths are replaced. Runs that differ in this only are
    /// compatible.
    #[serde(default)]
    pub(super) replaces: bool,
}

impl Header {
    /// The header of a run of `plan` on these `streams` of each source. Reads the models' files.
    pub(crate) fn of(plan: &Plan, streams: &StreamSelection) -> Self {
        let made_by = format!("{} with FFmpeg {}", env!("CARGO_PKG_VERSION"), version::release());
        // A plan contains only names and numbers, so it can always be serialised.
        let plan_json = serde_json::to_value(plan).unwrap_or_default();
        let digest = |task: &Task| Some((task.kind(), model_digest(task)?));
        let models = plan.tasks.iter().filter_map(digest).collect();
        let is_best = *streams == StreamSelection::default();
        let streams = (!is_best).then(|| format!("{} {}", streams.video, streams.audio));
        Self { version: VERSION, made_by, plan: plan_json, models, streams, replaces: false }
    }

    /// Returns the same header for a run that replaces existing files.
    #[must_use]
    pub(crate) fn replacing(self) -> Self {
        Self { replaces: true, ..self }
    }

    /// The first difference from `other`, as a noun; `None` if the runs are compatible.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.version != other.version || self.made_by != other.made_by {
            Some("version of Moviola")
        } else if self.plan != other.plan {
            Some("plan")
        } else if self.streams != other.streams {
            Some("selection of streams")
        } else {
            (self.models != other.models).then_some("model")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use moviola_media::source::VideoChoice;

    use super::*;

    #[test]
    fn a_changed_model_is_a_difference() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.onnx");
        let plan = format!("[detect]\nmodel = '{}'", model.display());
        let plan = Plan::from_toml(&plan).expect("a plan");
        let of = |bytes: &str| {
            fs::write(&model, bytes).expect("there is room");
            Header::of(&plan, &StreamSelection::default())
        };
        let (one, same, other) = (of("one"), of("one"), of("other"));
        assert_eq!(one.difference(&same), None);
        assert_eq!(one.difference(&other), Some("model"));
    }

    #[test]
    fn versions_plans_and_streams_are_compared() {
        let best = StreamSelection::default();
        let of = |plan, streams| Header::of(&Plan::from_toml(plan).expect("a plan"), streams);
        let header = of("[stills]", &best);
        let older = Header { made_by: "0.0.0".into(), ..header.clone() };
        assert_eq!(older.difference(&header), Some("version of Moviola"));
        let all = of("frames = 'all'\n[stills]", &best);
        assert_eq!(header.difference(&all), Some("plan"));
        let second = StreamSelection { video: VideoChoice::Number(1), ..best.clone() };
        let second = of("[stills]", &second);
        assert_eq!(header.difference(&second), Some("selection of streams"));
        assert_eq!(header.difference(&of("[stills]", &best)), None);
    }
}
