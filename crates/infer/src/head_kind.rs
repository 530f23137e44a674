//! The families of detectors, by the format of their output.

use std::fmt;
use std::str::FromStr;

use crate::unknown_name::UnknownName;

/// A head: a family of models with the same output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadKind {
    /// YOLOv5 and YOLOv7: boxes with objectness.
    Yolov5,
    /// YOLOv8, v9, 11 and 12: boxes without objectness.
    Yolov8,
    /// YOLOv10, YOLO26 and exports with NMS in the graph: final boxes.
    Yolov10,
    /// YOLOX: boxes with objectness, relative to a grid unless the graph decodes them.
    Yolox,
}

impl HeadKind {
    /// All heads.
    pub const ALL: [Self; 4] = [Self::Yolov5, Self::Yolov8, Self::Yolov10, Self::Yolox];

    /// Whether its boxes need non-maximum suppression.
    pub fn needs_nms(self) -> bool {
        self != Self::Yolov10
    }
}

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yolov5 => "yolov5",
            Self::Yolov8 => "yolov8",
            Self::Yolov10 => "yolov10",
            Self::Yolox => "yolox",
        })
    }
}

impl FromStr for HeadKind {
    type Err = UnknownName;

    /// Parses the head's name, or that of another family with the same head.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "yolov5" | "yolov7" => Self::Yolov5,
            "yolov8" | "yolov9" | "yolo11" | "yolo12" => Self::Yolov8,
            "yolov10" | "yolo26" => Self::Yolov10,
            "yolox" => Self::Yolox,
            _ => return Err(UnknownName::new("head", "yolov5, yolov8, yolov10 or yolox", name)),
        })
    }
}
