//! Recognising a model's head from the metadata and the shapes of its outputs.
//!
//! The shape alone often fits several heads. These decide, in this order:
//!
//! 1. The caller's choice. It is an error if the shape doesn't fit it.
//! 2. The exporter's metadata: `end2end`, `nms`, and the number of class names.
//! 3. The number of boxes. A head without anchor boxes has one box per cell of the strides 8, 16
//!    and 32 (8400 for 640×640), YOLOv5 and YOLOv7 have three (25200), and final boxes are few.
//! 4. The names of input and output. YOLOX and YOLOv6 have the same shape, but different input
//!    values (BGR 0–255 in a corner; RGB 0–1 centred). A file with the names that YOLOX's exporter
//!    uses (input `images`, output `output`, no metadata) is recognised as YOLOX; any other is
//!    ambiguous.
//!
//! A YOLOX export may decode its boxes in the graph. Only this uses an exponential, so it is
//! recognised by the operator `Exp`.

mod shape;

use moviola_av::remedy::Remedy;

use crate::head::{HeadKind, HeadSpec, Order};
use crate::letterbox::Size;
use crate::model::metadata::Metadata;
use crate::model::recognise::shape::Shape;
use crate::session::OutputSpec;

/// The largest number of final boxes.
const MAX_FINAL_BOXES: usize = 1000;

/// The properties of a model that its head is recognised by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    /// The input size.
    pub(crate) input: Size,
    pub(crate) input_name: &'a str,
    pub(crate) outputs: &'a [OutputSpec],
    pub(crate) metadata: &'a Metadata,
    /// Whether the graph has the operator `Exp`.
    pub(crate) has_exp: bool,
}

/// A recognised head.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recognised {
    pub(crate) head: HeadSpec,
    /// Index of the output with the boxes.
    pub(crate) output: usize,
    /// Why it was chosen, for the report.
    pub(crate) why: String,
}

/// Why no head was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NotRecognised {
    /// The model is not a detector that this crate can run: the problem and the remedy.
    Unsupported { problem: String, remedy: String },
    /// The outputs don't fit the requested head, or no known head fits them.
    Head { problem: String, remedy: Remedy },
    /// Several heads fit.
    Ambiguous { problem: String, candidates: Vec<HeadKind> },
}

/// Recognises the head. `requested` is the caller's choice.
pub(crate) fn recognise(
    evidence: &Evidence<'_>,
    requested: Option<HeadKind>,
) -> Result<Recognised, NotRecognised> {
    refuse_other_tasks(evidence.metadata)?;
    let output = boxes_output(evidence.outputs)?;
    let shape = Shape::of(&evidence.outputs[output], evidence)?;
    let kind = match requested {
        Some(kind) => kind,
        None => decide(&shape, evidence)?,
    };
    let head = shape
        .read_as(kind, evidence)
        .map_err(|problem| NotRecognised::Head { problem, remedy: Remedy::OmitHead })?;
    let why = explain(requested.is_some(), &shape, &head, evidence.metadata);
    Ok(Recognised { head, output, why })
}

fn unsupported(problem: impl Into<String>, remedy: impl Into<String>) -> NotRecognised {
    NotRecognised::Unsupported { problem: problem.into(), remedy: remedy.into() }
}

/// Refuses models whose metadata names another task than detection.
fn refuse_other_tasks(metadata: &Metadata) -> Result<(), NotRecognised> {
    if let Some(task) = metadata.task.as_deref().filter(|task| *task != "detect") {
        let problem = format!("its task is '{task}', not 'detect'");
        return Err(unsupported(problem, "Use a detection model"));
    }
    let description = metadata.description.as_deref().unwrap_or_default().to_ascii_lowercase();
    if description.contains("rtdetr") || description.contains("rt-detr") {
        return Err(unsupported(
            "RT-DETR's output is not supported",
            "Use a model of a YOLO family",
        ));
    }
    Ok(())
}

/// Index of the output with three sides. YOLOv5's older exports also output raw maps with five
/// sides.
fn boxes_output(outputs: &[OutputSpec]) -> Result<usize, NotRecognised> {
    let lists: Vec<usize> = (0..outputs.len())
        .filter(|&index| outputs[index].is_float && outputs[index].shape.len() == 3)
        .collect();
    let described = describe(outputs);
    if outputs.iter().any(|output| output.shape.len() == 4) {
        let problem = format!("its outputs {described} are those of a segmentation model");
        return Err(unsupported(problem, "Use a detection model"));
    }
    match lists.as_slice() {
        [only] => Ok(*only),
        [] if matches!(outputs, [only] if only.shape.len() == 2) => {
            let problem = format!("its output {described} is that of a classifier");
            Err(unsupported(problem, "Use a detection model"))
        }
        [] => {
            let problem = format!("none of its outputs {described} is a list of boxes");
            Err(unsupported(problem, "Use a detection model of a YOLO family, with one output"))
        }
        _ => {
            let problem = format!("its outputs {described} are not those of a YOLO family");
            Err(unsupported(problem, "Export it with one output, without NMS in the graph"))
        }
    }
}

fn describe(outputs: &[OutputSpec]) -> String {
    let list: Vec<String> =
        outputs.iter().map(|output| format!("`{}` {:?}", output.name, output.shape)).collect();
    list.join(", ")
}

/// Chooses the head by metadata and shape, in the order in the module's documentation.
fn decide(shape: &Shape<'_>, evidence: &Evidence<'_>) -> Result<HeadKind, NotRecognised> {
    let metadata = evidence.metadata;
    if metadata.end_to_end == Some(true) || metadata.nms == Some(true) {
        return Ok(HeadKind::Yolov10);
    }
    let fitting: Vec<HeadKind> =
        HeadKind::ALL.into_iter().filter(|&kind| fits(kind, shape, evidence)).collect();
    match fitting.as_slice() {
        [only] => Ok(*only),
        [] => Err(no_fit(shape, evidence)),
        _ if fitting.contains(&HeadKind::Yolox) && is_named_as_yolox(shape, evidence) => {
            Ok(HeadKind::Yolox)
        }
        _ => {
            let problem = format!("its output {} fits several heads", shape.text);
            Err(NotRecognised::Ambiguous { problem, candidates: fitting })
        }
    }
}

/// Whether a head fits the shape and the class names.
fn fits(kind: HeadKind, shape: &Shape<'_>, evidence: &Evidence<'_>) -> bool {
    if shape.read_as(kind, evidence).is_err() {
        return false;
    }
    // The exporter's class names determine the number of values, whatever the strides are.
    let is_named = evidence.metadata.is_ultralytics() && evidence.metadata.names.is_some();
    let (rows, columns) = (shape.rows, shape.columns);
    let one_per_cell = shape.is_one_per_cell(rows);
    let three_per_cell = shape.is_three_per_cell(rows);
    match kind {
        HeadKind::Yolov10 => rows <= MAX_FINAL_BOXES && !one_per_cell && !three_per_cell,
        HeadKind::Yolov8 if shape.is_in_rows(evidence.metadata.names.as_ref().map(Vec::len)) => {
            one_per_cell
        }
        HeadKind::Yolov8 => shape.is_one_per_cell(columns) || (is_named && columns > rows),
        // Without three boxes per cell it may be YOLOv6, which is decoded the same way.
        HeadKind::Yolov5 => three_per_cell || one_per_cell || (is_named && rows > MAX_FINAL_BOXES),
        HeadKind::Yolox => one_per_cell && !three_per_cell,
    }
}

/// Whether input and output have the names that YOLOX's exporter uses.
fn is_named_as_yolox(shape: &Shape<'_>, evidence: &Evidence<'_>) -> bool {
    let metadata = evidence.metadata;
    let has_metadata = metadata.names.is_some() || metadata.author.is_some();
    !has_metadata && evidence.input_name == "images" && shape.name == "output"
}

/// The refusal if no head fits, with the probable kind of model.
fn no_fit(shape: &Shape<'_>, evidence: &Evidence<'_>) -> NotRecognised {
    let Size { width, height } = evidence.input;
    let text = &shape.text;
    let names = evidence.metadata.names.as_ref().map(Vec::len);
    let extra =
        names.and_then(|names| shape.rows.checked_sub(names + 4)).filter(|&extra| extra > 0);
    if let Some(extra) = extra.filter(|_| shape.is_one_per_cell(shape.columns)) {
        let problem = format!(
            "its output {text} has {extra} values per box beyond the box and its classes, as \
             segmentation, pose and oriented-box models have"
        );
        return unsupported(problem, "Use a detection model");
    }
    let problem = format!("its output {text} fits no known head for an input of {width}x{height}");
    let heads = HeadKind::ALL.iter().map(HeadKind::to_string).collect();
    NotRecognised::Head { problem, remedy: Remedy::ChooseHead(heads) }
}

/// Explains the choice in a sentence.
fn explain(is_requested: bool, shape: &Shape<'_>, head: &HeadSpec, metadata: &Metadata) -> String {
    let mut reasons = Vec::new();
    if is_requested {
        reasons.push("the head was given".to_owned());
    }
    if metadata.end_to_end == Some(true) || metadata.nms == Some(true) {
        reasons.push("the metadata says that the boxes are finished".into());
    }
    let boxes = if head.order == Order::Rows { shape.rows } else { shape.columns };
    if shape.is_one_per_cell(boxes) {
        reasons.push(format!("{boxes} boxes are one per cell"));
    } else if shape.is_three_per_cell(boxes) {
        reasons.push(format!("{boxes} boxes are three per cell"));
    } else {
        reasons.push(format!("{boxes} boxes"));
    }
    if let Some(names) = metadata.names.as_ref() {
        reasons.push(format!("{} classes have names", names.len()));
    }
    if head.kind == HeadKind::Yolox {
        reasons.push(match head.grid {
            Some(_) => "the boxes are relative to the grid".into(),
            None => "the graph decodes the boxes itself".into(),
        });
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests;
