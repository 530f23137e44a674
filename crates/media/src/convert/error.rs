//! The errors of a conversion.

use moviola_av::{error::ErrorKind, remedy::Remedy};

use crate::frame_view::Layout;

/// Why a frame can't be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A width or height is 0 or above [`MAX_SIDE`](super::MAX_SIDE).
    #[error("{what} must be 1 to {} pixels, got {got}", super::MAX_SIDE)]
    Side {
        /// Which side.
        what: &'static str,
        /// Its value in pixels.
        got: usize,
    },
    /// The placement reaches outside the tensor.
    #[error("the placement ends at {right}×{bottom}, outside the {width}×{height} tensor")]
    PlacementOutside {
        /// First column right of the placement.
        right: usize,
        /// First row below the placement.
        bottom: usize,
        /// Columns of the tensor.
        width: usize,
        /// Rows of the tensor.
        height: usize,
    },
    /// The crop reaches outside the frame or is empty.
    #[error("the crop ends at {right}×{bottom}, outside the {width}×{height} frame, or is empty")]
    CropOutside {
        /// First column right of the crop.
        right: usize,
        /// First row below the crop.
        bottom: usize,
        /// Columns of the upright frame.
        width: usize,
        /// Rows of the upright frame.
        height: usize,
    },
    /// The caller's output has the wrong length.
    #[error("the output holds {got} values, but {expected} are needed")]
    OutputLength {
        /// Values needed.
        expected: usize,
        /// Length of the output.
        got: usize,
    },
    /// Rows of the caller's output would overlap.
    #[error("rows {got} bytes apart overlap: a row takes {expected} bytes")]
    RowStride {
        /// Bytes of a row.
        expected: usize,
        /// The stride given, in bytes.
        got: usize,
    },
    /// A plane of the frame is missing, or smaller than the frame's size requires.
    #[error("plane {index} is missing or smaller than {row_bytes} bytes by {rows} rows")]
    Plane {
        /// Index of the plane.
        index: usize,
        /// Bytes needed in each row.
        row_bytes: usize,
        /// Rows needed.
        rows: usize,
    },
    /// No kernel takes the layout.
    #[error("the layout {0:?} is not supported: convert the frame to another pixel format first")]
    Layout(Layout),
    /// The converter was made for frames of another size, layout, colour or orientation.
    #[error("the frame differs in geometry from the one that the converter was made for")]
    OtherGeometry,
}

impl ConvertError {
    /// The class of the error: what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Layout(_) => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidArgument,
        }
    }

    /// What the caller can change to avoid the error; at present always `None`.
    pub fn remedy(&self) -> Option<Remedy> {
        None
    }
}
