//! The TOML and JSON form of a plan: each task has its own section.

use moviola_media::video::OnDamage;
use serde::{Deserialize, Serialize};

use super::{Detect, Frames, Plan, StillOptions, Task, as_text};

/// The fields of a plan's text, in their order.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PlanText {
    frames: Frames,
    #[serde(with = "as_text")]
    on_damage: OnDamage,
    #[serde(skip_serializing_if = "Option::is_none")]
    stills: Option<StillOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detect: Option<Detect>,
}

impl From<PlanText> for Plan {
    fn from(text: PlanText) -> Self {
        let PlanText { frames, on_damage, stills, detect } = text;
        let tasks = stills.map(Task::Still).into_iter().chain(detect.map(Task::Detect));
        Self { frames, on_damage, tasks: tasks.collect() }
    }
}

/// Of two tasks of one kind, which [`Plan::check`] rejects, the last is kept.
impl From<Plan> for PlanText {
    fn from(Plan { frames, on_damage, tasks }: Plan) -> Self {
        let mut text = Self { frames, on_damage, ..Self::default() };
        for task in tasks {
            match task {
                Task::Still(still) => text.stills = Some(still),
                Task::Detect(detect) => text.detect = Some(detect),
            }
        }
        text
    }
}
