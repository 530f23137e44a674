//! The metadata that exporters write: Ultralytics' keys, which YOLOv5 also uses.

use crate::letterbox::Size;
use crate::model::header::Header;
use crate::model::literal::Literal;
use crate::model::names::parse_names;

/// The metadata of a model. Keys that are missing or can't be parsed are `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Metadata {
    /// A description, for example "Ultralytics YOLO11n model trained on coco.yaml".
    pub description: Option<String>,
    /// The exporter, for example "Ultralytics".
    pub author: Option<String>,
    /// The licence's name or URL.
    pub license: Option<String>,
    /// `detect`, `segment`, `pose`, `obb` or `classify`.
    pub task: Option<String>,
    /// The largest stride; the sides of the input must be multiples of it.
    pub stride: Option<usize>,
    /// The input size in pixels.
    pub image_size: Option<Size>,
    /// The names of the classes, by number; empty for missing numbers.
    pub names: Option<Vec<String>>,
    /// Whether the model is end-to-end: its boxes need no NMS (YOLOv10, YOLO26).
    pub end_to_end: Option<bool>,
    /// Whether the exported graph includes NMS.
    pub nms: Option<bool>,
}

impl Metadata {
    /// Parses the metadata entries of a model file.
    pub(crate) fn read(header: &Header) -> Self {
        let text = |key| header.metadata(key).map(str::to_owned);
        let literal = |key| header.metadata(key).and_then(|text| Literal::parse(text).ok());
        Self {
            description: text("description"),
            author: text("author"),
            license: text("license"),
            task: text("task"),
            stride: literal("stride").and_then(|value| largest(&value)),
            image_size: literal("imgsz").and_then(|value| size(&value)),
            names: header.metadata("names").and_then(|text| parse_names(text).ok()),
            end_to_end: literal("end2end").and_then(|value| boolean(&value)),
            nms: literal("args").and_then(|args| boolean(entry(&args, "nms")?)),
        }
    }

    /// Whether Ultralytics' or YOLOv5's exporter wrote the file.
    pub(crate) fn is_ultralytics(&self) -> bool {
        let by_name = self.author.as_deref() == Some("Ultralytics");
        by_name || (self.stride.is_some() && self.names.is_some())
    }
}

/// Parses a positive number, or the largest of a list (YOLOv5 writes either).
fn largest(value: &Literal) -> Option<usize> {
    match value {
        Literal::List(items) => items.iter().filter_map(Literal::as_index).max(),
        other => other.as_index(),
    }
    .filter(|&stride| stride > 0)
}

/// Parses `[height, width]`, or one number for both.
fn size(value: &Literal) -> Option<Size> {
    let (height, width) = match value {
        Literal::List(items) => match items.as_slice() {
            [height, width] => (height.as_index()?, width.as_index()?),
            [side] => (side.as_index()?, side.as_index()?),
            _ => return None,
        },
        side => (side.as_index()?, side.as_index()?),
    };
    (width > 0 && height > 0).then_some(Size { width, height })
}

fn boolean(value: &Literal) -> Option<bool> {
    match value {
        Literal::Bool(value) => Some(*value),
        _ => None,
    }
}

/// The value under a text key of a dictionary.
fn entry<'a>(dict: &'a Literal, key: &str) -> Option<&'a Literal> {
    let Literal::Dict(entries) = dict else { return None };
    let is_key = |found: &Literal| matches!(found, Literal::Text(text) if text == key);
    entries.iter().find(|(found, _)| is_key(found)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Literal {
        Literal::parse(text).unwrap()
    }

    #[test]
    fn sizes_are_height_first() {
        assert_eq!(size(&literal("[480, 640]")), Some(Size { width: 640, height: 480 }));
        assert_eq!(size(&literal("640")), Some(Size { width: 640, height: 640 }));
        assert_eq!(size(&literal("[1, 2, 3]")), None);
        assert_eq!(size(&literal("[0, 640]")), None);
    }

    #[test]
    fn a_stride_is_a_number_or_a_list() {
        assert_eq!(largest(&literal("32")), Some(32));
        assert_eq!(largest(&literal("[8, 16, 32]")), Some(32));
        assert_eq!(largest(&literal("0")), None);
    }

    #[test]
    fn export_arguments_show_whether_the_graph_includes_nms() {
        let args = literal("{'batch': 1, 'half': False, 'nms': True}");
        assert_eq!(entry(&args, "nms").and_then(boolean), Some(true));
        assert_eq!(entry(&args, "absent"), None);
    }
}
