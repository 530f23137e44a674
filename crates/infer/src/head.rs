//! The heads of the YOLO families: how a model's output encodes boxes.
//!
//! | head | output | box | confidence |
//! |---|---|---|---|
//! | `yolov5` (also v7) | `[1, anchors, 5 + classes]` | centre, size, input pixels | objectness × class |
//! | `yolov8` (also v9, 11, 12) | `[1, 4 + classes, anchors]` | centre, size, input pixels | class |
//! | `yolov10` (also 26) | `[1, boxes, 6]` | two corners, input pixels | stored with the class; needs no NMS |
//! | `yolox` | `[1, anchors, 5 + classes]` | offsets in the anchor grid, log size | objectness × class |

pub use crate::head_kind::HeadKind;
use crate::letterbox::Size;

/// The memory layout of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `[1, anchors, values]`: the values of a box are adjacent.
    Rows,
    /// `[1, values, anchors]`: each value has a plane.
    Planes,
}

/// The anchor grid of a head whose boxes are decoded outside the graph: one anchor per cell, coarse
/// strides last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The model's input size.
    pub input: Size,
    /// The sizes of cells in input pixels.
    pub strides: &'static [usize],
}

impl Grid {
    /// The strides of almost all models.
    pub const P5: &'static [usize] = &[8, 16, 32];
    /// The strides of models for large images.
    pub const P6: &'static [usize] = &[8, 16, 32, 64];

    /// Number of cells of all strides together.
    pub fn cells(&self) -> usize {
        self.strides
            .iter()
            .map(|stride| (self.input.width / stride).saturating_mul(self.input.height / stride))
            .fold(0, usize::saturating_add)
    }

    /// Column, row and stride of every cell, in the output's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = [f32; 3]> + use<> {
        let input = self.input;
        self.strides.iter().flat_map(move |&stride| {
            let (across, down) = (input.width / stride, input.height / stride);
            (0..down)
                .flat_map(move |y| (0..across).map(move |x| [x as f32, y as f32, stride as f32]))
        })
    }
}

/// What is needed to decode a model's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSpec {
    /// The head.
    pub kind: HeadKind,
    /// Number of classes.
    pub classes: usize,
    /// The output's memory layout.
    pub order: Order,
    /// The grid that the boxes are relative to, if any.
    pub grid: Option<Grid>,
}

/// A box before non-maximum suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The class's number.
    pub class: usize,
    /// Confidence, 0.0 to 1.0.
    pub confidence: f32,
    /// The corners `[x1, y1, x2, y2]` in pixels of the model's input.
    pub bounds: [f32; 4],
}
