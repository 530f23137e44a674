//! The results of a detector.

use std::sync::Arc;

/// A detected object in an image.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Detection {
    /// The class's number in the model.
    pub class_id: usize,
    /// The class's name, shared by all detections of the class.
    pub class: Arc<str>,
    /// Confidence, 0.0 to 1.0.
    pub confidence: f32,
    /// The box `[x1, y1, x2, y2]` in pixels of the upright image as displayed, clipped to it.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
}
