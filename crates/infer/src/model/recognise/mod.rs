//! Which head a model has: decided from what the file says and from the shapes, or refused.
//!
//! The shape alone often fits several heads. What decides, strongest first:
//!
//! 1. The caller's word, if the shape allows it.
//! 2. The exporter's metadata: `end2end`, `nms`, and how many classes have names.
//! 3. The number of boxes. A head without anchor boxes has one box per cell of the strides 8, 16
//!    and 32 (8400 for 640×640), YOLOv5 and YOLOv7 have three (25200), and finished boxes are few.
//! 4. YOLOX and YOLOv6 have the same shape, but other input values (BGR 0–255 in a corner against
//!    RGB 0–1 in the middle). Only a file that is named as YOLOX's own exporter names it (input
//!    `images`, output `output`, no metadata) is taken for YOLOX; any other is refused.
//!
//! A YOLOX export may decode its boxes in the graph. That takes an exponential, which nothing else
//! in such a graph uses, so the presence of `Exp` tells.

mod shape;

use moviola_av::remedy::Remedy;

use crate::detect::head::{HeadKind, HeadSpec, Order};
use crate::letterbox::Size;
use crate::model::metadata::Metadata;
use crate::model::recognise::shape::Shape;
use crate::session::Output;

/// Finished boxes are at most this many.
const MOST_FINISHED: usize = 1000;

/// Everything that speaks for one head or another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    /// The input's size.
    pub(crate) input: Size,
    /// The input's name.
    pub(crate) input_name: &'a str,
    pub(crate) outputs: &'a [Output],
    pub(crate) metadata: &'a Metadata,
    /// Whether the graph computes an exponential.
    pub(crate) has_exp: bool,
}

/// A recognised head.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recognised {
    pub(crate) head: HeadSpec,
    /// Which output holds it.
    pub(crate) output: usize,
    /// What decided, for the report.
    pub(crate) why: String,
}

/// Why no head was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No detector that this crate can run: the problem and the remedy.
    Unfit(String, String),
    /// It doesn't fit the head that was asked for, or none: the problem and the remedy.
    Head(String, Remedy),
    /// Several heads fit.
    Ambiguous(String, Vec<HeadKind>),
}

/// Chooses the head, or says why not.
pub(crate) fn recognise(
    evidence: &Evidence<'_>,
    asked: Option<HeadKind>,
) -> Result<Recognised, Refusal> {
    refuse_other_tasks(evidence.metadata)?;
    let output = boxes_output(evidence.outputs)?;
    let shape = Shape::of(&evidence.outputs[output], evidence)?;
    let kind = match asked {
        Some(kind) => kind,
        None => decide(&shape, evidence)?,
    };
    let head = shape
        .read_as(kind, evidence)
        .map_err(|problem| Refusal::Head(problem, Remedy::OmitHead))?;
    let why = explain(asked.is_some(), &shape, &head, evidence.metadata);
    Ok(Recognised { head, output, why })
}

fn unfit(problem: impl Into<String>, remedy: impl Into<String>) -> Refusal {
    Refusal::Unfit(problem.into(), remedy.into())
}

/// The metadata may say outright that this is no detector.
fn refuse_other_tasks(metadata: &Metadata) -> Result<(), Refusal> {
    if let Some(task) = metadata.task.as_deref().filter(|task| *task != "detect") {
        let problem = format!("its task is '{task}', not 'detect'");
        return Err(unfit(problem, "Use a detection model"));
    }
    let description = metadata.description.as_deref().unwrap_or_default().to_ascii_lowercase();
    if description.contains("rtdetr") || description.contains("rt-detr") {
        return Err(unfit("RT-DETR's output is not supported", "Use a model of a YOLO family"));
    }
    Ok(())
}

/// The one output with three sides. YOLOv5's older exports add its raw maps, which have five.
fn boxes_output(outputs: &[Output]) -> Result<usize, Refusal> {
    let lists: Vec<usize> = (0..outputs.len())
        .filter(|&at| outputs[at].float && outputs[at].shape.len() == 3)
        .collect();
    let described = describe(outputs);
    if outputs.iter().any(|output| output.shape.len() == 4) {
        let problem = format!("its outputs {described} are those of a segmentation model");
        return Err(unfit(problem, "Use a detection model"));
    }
    match lists.as_slice() {
        [only] => Ok(*only),
        [] if matches!(outputs, [only] if only.shape.len() == 2) => {
            let problem = format!("its output {described} is that of a classifier");
            Err(unfit(problem, "Use a detection model"))
        }
        [] => {
            let problem = format!("none of its outputs {described} is a list of boxes");
            Err(unfit(problem, "Use a detection model of a YOLO family, with one output"))
        }
        _ => {
            let problem = format!("its outputs {described} are not those of a YOLO family");
            Err(unfit(problem, "Export it with one output, without NMS in the graph"))
        }
    }
}

fn describe(outputs: &[Output]) -> String {
    let list: Vec<String> =
        outputs.iter().map(|output| format!("`{}` {:?}", output.name, output.shape)).collect();
    list.join(", ")
}

/// Chooses by metadata and shape, in the order that the module's text gives.
fn decide(shape: &Shape<'_>, evidence: &Evidence<'_>) -> Result<HeadKind, Refusal> {
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
            let text = &shape.text;
            Err(Refusal::Ambiguous(format!("its output {text} fits several heads"), fitting))
        }
    }
}

/// Whether shape and class names agree with a head.
fn fits(kind: HeadKind, shape: &Shape<'_>, evidence: &Evidence<'_>) -> bool {
    if shape.read_as(kind, evidence).is_err() {
        return false;
    }
    // The exporter's class names make the number of values certain, whatever the strides are.
    let certain = evidence.metadata.is_ultralytics() && evidence.metadata.names.is_some();
    let (rows, columns) = (shape.rows, shape.columns);
    let per_cell = shape.per_cell(rows);
    let three_per_cell = shape.three_per_cell(rows);
    match kind {
        HeadKind::Yolov10 => rows <= MOST_FINISHED && !per_cell && !three_per_cell,
        HeadKind::Yolov8 if shape.lies_in_rows(evidence.metadata.names.as_ref().map(Vec::len)) => {
            per_cell
        }
        HeadKind::Yolov8 => shape.per_cell(columns) || (certain && columns > rows),
        // Without three boxes per cell it may be YOLOv6, which reads the same.
        HeadKind::Yolov5 => three_per_cell || per_cell || (certain && rows > MOST_FINISHED),
        HeadKind::Yolox => per_cell && !three_per_cell,
    }
}

/// Whether the file is named as YOLOX's own exporter names it.
fn is_named_as_yolox(shape: &Shape<'_>, evidence: &Evidence<'_>) -> bool {
    let metadata = evidence.metadata;
    let silent = metadata.names.is_none() && metadata.author.is_none();
    silent && evidence.input_name == "images" && shape.name == "output"
}

/// The refusal if no head fits, with a guess at what the model is.
fn no_fit(shape: &Shape<'_>, evidence: &Evidence<'_>) -> Refusal {
    let Size { width, height } = evidence.input;
    let text = &shape.text;
    let names = evidence.metadata.names.as_ref().map(Vec::len);
    let extra =
        names.and_then(|names| shape.rows.checked_sub(names + 4)).filter(|&extra| extra > 0);
    if let Some(extra) = extra.filter(|_| shape.per_cell(shape.columns)) {
        let problem = format!(
            "its output {text} has {extra} values per box beyond the box and its classes, as \
             segmentation, pose and oriented-box models do"
        );
        return unfit(problem, "Use a detection model");
    }
    let problem = format!("its output {text} fits no known head for an input of {width}x{height}");
    let heads = HeadKind::ALL.iter().map(HeadKind::to_string).collect();
    Refusal::Head(problem, Remedy::ChooseHead(heads))
}

/// What decided, in a sentence.
fn explain(asked: bool, shape: &Shape<'_>, head: &HeadSpec, metadata: &Metadata) -> String {
    let mut reasons = Vec::new();
    if asked {
        reasons.push("the head was given".to_owned());
    }
    if metadata.end_to_end == Some(true) || metadata.nms == Some(true) {
        reasons.push("the metadata says that the boxes are finished".into());
    }
    let boxes = if head.order == Order::Rows { shape.rows } else { shape.columns };
    if shape.per_cell(boxes) {
        reasons.push(format!("{boxes} boxes are one per cell"));
    } else if shape.three_per_cell(boxes) {
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
