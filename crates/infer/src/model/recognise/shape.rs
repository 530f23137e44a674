//! The shape of the output with the boxes, and the heads that it fits.

use crate::head::{Grid, HeadKind, HeadSpec, Order};
use crate::letterbox::Size;
use crate::model::names::MAX_CLASSES;
use crate::model::recognise::{Evidence, NotRecognised, unsupported};
use crate::session::OutputSpec;

/// The largest size of an output in numbers, more than twice that of real models. Larger ones are
/// refused before they take memory.
const MAX_NUMBERS: usize = 1 << 26;

/// The shape `[1, rows, columns]` of an output, and the numbers of cells it is compared with.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Name and shape, for messages.
    pub(super) text: String,
    pub(super) name: &'a str,
    /// Numbers of cells: with the usual strides, those for large images, those for small objects.
    cells: [usize; 3],
}

impl<'a> Shape<'a> {
    /// Checks an output's shape.
    pub(super) fn of(
        output: &'a OutputSpec,
        evidence: &Evidence<'_>,
    ) -> Result<Self, NotRecognised> {
        let text = format!("`{}` {:?}", output.name, output.shape);
        let &[1, rows, columns] = output.shape.as_slice() else {
            let problem = format!("its output {text} is not for one image");
            return Err(unsupported(problem, "Export it for a batch of 1 or of any size"));
        };
        if rows.saturating_mul(columns) > MAX_NUMBERS {
            return Err(unsupported(
                format!("its output {text} is too large"),
                "Get the model again",
            ));
        }
        let grids: [&'static [usize]; 3] = [Grid::P5, Grid::P6, &[4, 8, 16, 32]];
        let cells = grids.map(|strides| Grid { input: evidence.input, strides }.cells());
        Ok(Self { rows, columns, text, name: &output.name, cells })
    }

    /// Whether this number of boxes is one per cell.
    pub(super) fn is_one_per_cell(&self, boxes: usize) -> bool {
        self.cells.contains(&boxes)
    }

    /// Whether this number of boxes is three per cell, as with YOLOv5's anchor boxes.
    pub(super) fn is_three_per_cell(&self, boxes: usize) -> bool {
        boxes.is_multiple_of(3) && self.cells.contains(&(boxes / 3))
    }

    /// Interprets the shape as that of a head; `Err` is a message about what does not fit.
    pub(super) fn read_as(
        &self,
        kind: HeadKind,
        evidence: &Evidence<'_>,
    ) -> Result<HeadSpec, String> {
        let named = evidence.metadata.names.as_ref().map(Vec::len);
        let spec = |classes, order, grid| HeadSpec { kind, classes, order, grid };
        let head = match kind {
            HeadKind::Yolov10 if self.columns == 6 => {
                spec(named.unwrap_or(MAX_CLASSES), Order::Rows, None)
            }
            HeadKind::Yolov8 if self.rows > 4 && !self.is_in_rows(named) => {
                spec(self.rows - 4, Order::Planes, None)
            }
            HeadKind::Yolov8 if self.columns > 4 && self.is_in_rows(named) => {
                spec(self.columns - 4, Order::Rows, None)
            }
            HeadKind::Yolov5 if self.columns > 5 => spec(self.columns - 5, Order::Rows, None),
            HeadKind::Yolox if self.columns > 5 => {
                spec(self.columns - 5, Order::Rows, self.grid(evidence)?)
            }
            _ => return Err(format!("its output {} does not fit the head {kind}", self.text)),
        };
        match named {
            Some(names) if kind != HeadKind::Yolov10 && names != head.classes => Err(format!(
                "its output {} has {} classes as {kind}, but {names} names",
                self.text, head.classes
            )),
            _ => Ok(head),
        }
    }

    /// Whether YOLOv8's values are in rows, as some exporters write them.
    pub(super) fn is_in_rows(&self, names: Option<usize>) -> bool {
        match names {
            Some(names) if self.rows == names + 4 => false,
            Some(names) if self.columns == names + 4 => true,
            _ if self.is_one_per_cell(self.columns) => false,
            _ => self.is_one_per_cell(self.rows) || self.rows > self.columns,
        }
    }

    /// YOLOX's grid; `None` if the graph decodes the boxes itself.
    fn grid(&self, evidence: &Evidence<'_>) -> Result<Option<Grid>, String> {
        if evidence.has_exp {
            return Ok(None);
        }
        let input = evidence.input;
        let fits = |strides: &&'static [usize]| Grid { input, strides }.cells() == self.rows;
        let strides = [Grid::P5, Grid::P6].into_iter().find(fits);
        strides.map(|strides| Some(Grid { input, strides })).ok_or_else(|| {
            let Size { width, height } = input;
            format!("its output {} does not fit YOLOX's grid for {width}x{height}", self.text)
        })
    }
}
