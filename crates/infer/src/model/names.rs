//! The names of a model's classes.

use std::sync::Arc;

use crate::model::literal::Literal;

/// The largest number of classes, more than any detector has; metadata with more is rejected.
pub(crate) const MAX_CLASSES: usize = 100_000;

/// The source of the class names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NamesSource {
    /// The caller.
    Caller,
    /// The model's metadata.
    Metadata,
    /// The file has 80 classes without names: assumed to be COCO's, as the YOLO families do.
    AssumedCoco,
    /// No source: the classes are numbered, as in `class 17`.
    Numbered,
}

/// The names of all classes, by number.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// One name per class, shared by all detections of that class.
    pub names: Vec<Arc<str>>,
    /// The source of the names.
    pub source: NamesSource,
}

impl Classes {
    /// Names for `count` classes: those in `known`; numbers for the rest.
    pub(crate) fn new(count: usize, known: &[String], source: NamesSource) -> Self {
        let name = |id: usize| match known.get(id) {
            Some(name) if !name.is_empty() => Arc::from(name.as_str()),
            _ => Arc::from(format!("class {id}")),
        };
        Self { names: (0..count).map(name).collect(), source }
    }

    /// Names for a model without names.
    ///
    /// 80 classes are assumed to be COCO's, because the official YOLOX and YOLOv7 files have no
    /// names and their demos assume the same. The report marks this as an assumption.
    pub(crate) fn unnamed(count: usize) -> Self {
        if count == COCO.len() {
            let names = COCO.iter().map(|&name| Arc::from(name)).collect();
            return Self { names, source: NamesSource::AssumedCoco };
        }
        Self::new(count, &[], NamesSource::Numbered)
    }

    /// The number of the class with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }

    /// The name of a class; a number for one past the last, which an end-to-end model may return.
    pub(crate) fn name(&self, id: usize) -> Arc<str> {
        self.names.get(id).cloned().unwrap_or_else(|| Arc::from(format!("class {id}")))
    }
}

/// Parses the names in a metadata entry: a Python or JSON dictionary by number, or a list.
///
/// Missing numbers get an empty name. `Err` is a message about what is malformed.
pub(crate) fn parse_names(text: &str) -> Result<Vec<String>, String> {
    let entries: Vec<(usize, Literal)> = match Literal::parse(text)? {
        Literal::List(items) => items.into_iter().enumerate().collect(),
        Literal::Dict(entries) => entries
            .into_iter()
            .map(|(key, name)| key.as_index().map(|id| (id, name)))
            .collect::<Option<_>>()
            .ok_or("a class number is not a whole number")?,
        _ => return Err("neither a dictionary nor a list".into()),
    };
    let count = entries.iter().map(|(id, _)| id + 1).max().unwrap_or(0);
    if count > MAX_CLASSES {
        return Err(format!("class number {} is over {MAX_CLASSES}", count - 1));
    }
    let mut names = vec![String::new(); count];
    for (id, name) in entries {
        names[id] = match name {
            Literal::Text(text) | Literal::Other(text) => text,
            Literal::Number(number) => number.to_string(),
            _ => return Err(format!("the name of class {id} is not text")),
        };
    }
    Ok(names)
}

/// COCO's 80 classes in their usual order.
#[rustfmt::skip]
const COCO: [&str; 80] = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_dictionary_json_or_a_list() {
        let want = Ok(vec!["person".to_owned(), "it's".to_owned()]);
        assert_eq!(parse_names(r#"{0: 'person', 1: "it's"}"#), want);
        assert_eq!(parse_names(r#"{"0": "person", "1": "it's"}"#), want);
        assert_eq!(parse_names(r#"['person', "it's"]"#), want);
    }

    #[test]
    fn missing_names_are_numbered() {
        let names = parse_names("{2: 'c', 0: 'a'}").unwrap();
        let classes = Classes::new(4, &names, NamesSource::Metadata);
        let got: Vec<&str> = classes.names.iter().map(|name| &**name).collect();
        assert_eq!(got, ["a", "class 1", "c", "class 3"]);
        assert_eq!(classes.find("c"), Some(2));
        assert_eq!(&*classes.name(9), "class 9");
    }

    #[test]
    fn malformed_names_are_errors_and_take_no_memory() {
        for broken in
            ["", "{'a': 'b'}", "{-1: 'a'}", "{999999999: 'a'}", "3", "{0: [1]}", "{0: 'a'"]
        {
            assert!(parse_names(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn only_eighty_unnamed_classes_are_assumed_to_be_coco() {
        assert_eq!(&*Classes::unnamed(80).names[17], "horse");
        assert_eq!(Classes::unnamed(80).source, NamesSource::AssumedCoco);
        assert_eq!(&*Classes::unnamed(79).names[17], "class 17");
    }
}
