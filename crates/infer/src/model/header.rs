//! The description of a model in an ONNX file: inputs, outputs, operators and metadata.
//!
//! It is parsed without running the model; weights are skipped. Field numbers are those of
//! `onnx.proto`.

use prost::Message;

/// `ModelProto`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Header {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    pub(crate) producer: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "14")]
    metadata: Vec<Entry>,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializers: Vec<Initializer>,
    #[prost(message, repeated, tag = "11")]
    inputs: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    outputs: Vec<Value>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, tag = "4")]
    operator: String,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, Message)]
struct Initializer {
    #[prost(string, tag = "8")]
    name: String,
    /// Where the weights are, if not in this file: `location`, `offset` and so on.
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<Entry>,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Type>,
}

/// `TypeProto`; the first field is set only for tensors.
#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor: Option<Tensor>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dimensions: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
    #[prost(string, tag = "2")]
    name: String,
}

/// A dimension of a tensor as the file declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Side {
    /// A fixed length.
    Fixed(usize),
    /// A dynamic length, with its name (may be empty). Sides with the same name have the same
    /// length.
    Dynamic(String),
}

/// An input or output as the file declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    pub(crate) name: String,
    /// `TensorProto.DataType`: [`F32`], [`F16`] or another. `None` if it is not a tensor.
    pub(crate) element: Option<i32>,
    pub(crate) sides: Vec<Side>,
}

/// `TensorProto.DataType.FLOAT`.
pub(crate) const F32: i32 = 1;
/// `TensorProto.DataType.FLOAT16`.
pub(crate) const F16: i32 = 10;

impl Header {
    /// Parses a model's description; `None` if the bytes are not an ONNX model.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let header = Self::decode(bytes).ok()?;
        (header.ir_version > 0 && header.graph.is_some()).then_some(header)
    }

    /// The inputs that a caller must fill, without weights, which old files also list as inputs.
    pub(crate) fn inputs(&self) -> Vec<Declared> {
        let Some(graph) = &self.graph else { return Vec::new() };
        let is_weight = |value: &Value| graph.initializers.iter().any(|w| w.name == value.name);
        graph.inputs.iter().filter(|value| !is_weight(value)).map(Value::describe).collect()
    }

    /// The outputs.
    pub(crate) fn outputs(&self) -> Vec<Declared> {
        self.graph.iter().flat_map(|graph| &graph.outputs).map(Value::describe).collect()
    }

    /// Whether the graph has a node with this operator.
    pub(crate) fn has_operator(&self, operator: &str) -> bool {
        self.graph.iter().flat_map(|graph| &graph.nodes).any(|node| node.operator == operator)
    }

    /// The files that hold weights beside the model, by their paths from its folder; sorted, each
    /// once.
    pub(crate) fn external_files(&self) -> Vec<&str> {
        let initializers = self.graph.iter().flat_map(|graph| &graph.initializers);
        let entries = initializers.flat_map(|initializer| &initializer.external_data);
        let locations = entries.filter(|entry| entry.key == "location");
        let mut files: Vec<_> = locations.map(|entry| entry.value.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The value of a metadata entry.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }
}

impl Value {
    fn describe(&self) -> Declared {
        let tensor = self.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
        let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
        let sides = shape.iter().flat_map(|shape| &shape.dimensions).map(Dimension::describe);
        Declared {
            name: self.name.clone(),
            element: tensor.map(|tensor| tensor.element),
            sides: sides.collect(),
        }
    }
}

impl Dimension {
    fn describe(&self) -> Side {
        match self.value.and_then(|value| usize::try_from(value).ok()) {
            Some(length) if length > 0 => Side::Fixed(length),
            _ => Side::Dynamic(self.name.clone()),
        }
    }
}

/// Identifies a file that is not an ONNX model: what it probably is, and the remedy.
pub(crate) fn identify_other_file(bytes: &[u8]) -> (&'static str, &'static str) {
    const EXPORT: &str = "Export it to ONNX and name the .onnx file";
    const AGAIN: &str = "Get the model file again";
    let text = bytes.trim_ascii_start();
    if bytes.is_empty() {
        ("the file is empty", AGAIN)
    } else if bytes.starts_with(b"version https://git-lfs") {
        ("this is a Git LFS pointer, not the model itself", "Run `git lfs pull`")
    } else if text.starts_with(b"<") {
        ("this is a web page or XML, not a model", AGAIN)
    } else if bytes.starts_with(b"PK") {
        ("this is a zip archive, probably PyTorch's .pt, not an ONNX model", EXPORT)
    } else if bytes.get(4..8) == Some(b"TFL3") {
        ("this is a TensorFlow Lite model, not an ONNX model", EXPORT)
    } else if bytes.get(4..8) == Some(b"ORTM") {
        ("this is a model in ONNX Runtime's own .ort format", EXPORT)
    } else {
        ("this is not an ONNX model, or only part of one", AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Vec<u8> {
        let side = |value, name: &str| Dimension { value, name: name.into() };
        let shape = Shape { dimensions: vec![side(Some(1), ""), side(None, "height")] };
        let tensor = Tensor { element: 1, shape: Some(shape) };
        let value = |name: &str, kind| Value { name: name.into(), kind };
        let inputs = vec![
            value("images", Some(Type { tensor: Some(tensor) })),
            value("weight", None),
            value("sequence", Some(Type { tensor: None })),
        ];
        let location = |file: &str| Entry { key: "location".into(), value: file.into() };
        let initializers = vec![Initializer {
            name: "weight".into(),
            external_data: ["b.bin", "a.bin", "b.bin"].map(location).into(),
        }];
        let nodes = vec![Node { operator: "Exp".into() }];
        let metadata = vec![Entry { key: "stride".into(), value: "32".into() }];
        let graph = Some(Graph { nodes, initializers, inputs, outputs: vec![] });
        Header { ir_version: 8, producer: "pytorch".into(), graph, metadata }.encode_to_vec()
    }

    #[test]
    fn inputs_do_not_include_weights() {
        let header = Header::read(&model()).unwrap();
        let inputs = header.inputs();
        assert_eq!(inputs.len(), 2);
        assert_eq!(inputs[0].sides, [Side::Fixed(1), Side::Dynamic("height".into())]);
        assert_eq!((inputs[0].element, inputs[1].element), (Some(1), None));
        assert!(header.has_operator("Exp") && !header.has_operator("Softmax"));
        assert_eq!(header.metadata("stride"), Some("32"));
        assert_eq!(header.metadata("names"), None);
    }

    #[test]
    fn files_with_weights_are_listed_once() {
        assert_eq!(Header::read(&model()).unwrap().external_files(), ["a.bin", "b.bin"]);
    }

    #[test]
    fn other_files_are_identified() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"version https://git-lfs.github.com/spec/v1", "LFS"),
            (b"\n <!DOCTYPE html><html>", "web page"),
            (b"PK\x03\x04archive/data.pkl", "zip"),
            (b"\x1c\0\0\0TFL3", "Lite"),
            (b"\x1c\0\0\0ORTM", ".ort"),
            (b"\x89PNG\r\n\x1a\n", "not an ONNX model"),
        ] {
            assert!(Header::read(bytes).is_none(), "{word}");
            assert!(identify_other_file(bytes).0.contains(word), "{word}");
        }
    }

    #[test]
    fn a_truncated_model_does_not_panic() {
        let whole = model();
        for end in 0..whole.len() {
            let _ = Header::read(&whole[..end]);
        }
    }
}
