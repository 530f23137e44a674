//! What a detector says about a picture.

use std::sync::Arc;

/// One object in one picture.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Detection {
    /// The class's number in the model.
    pub class_id: usize,
    /// The class's name; shared by all detections of the model.
    pub class: Arc<str>,
    /// 0.0 to 1.0.
    pub confidence: f32,
    /// `[x1, y1, x2, y2]` in pixels of the upright, displayed picture, clipped to it.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
}
