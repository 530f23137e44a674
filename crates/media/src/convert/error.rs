//! What can be wrong with a conversion that was asked for.

use crate::frame_view::Layout;

/// Why a picture can't be converted. Nothing was written, unless the message says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A width or height is 0 or larger than any picture this crate handles.
    #[error("{what} must be 1 to {}, got {got}", super::MAX_SIDE)]
    Side {
        /// Which side.
        what: &'static str,
        /// Its value in pixels.
        got: usize,
    },
    /// The picture's place reaches outside the tensor.
    #[error("the picture's place ends at {right}×{bottom}, outside the {width}×{height} tensor")]
    PlacementOutside {
        /// First column right of the place.
        right: usize,
        /// First row below the place.
        bottom: usize,
        /// Columns of the tensor.
        width: usize,
        /// Rows of the tensor.
        height: usize,
    },
    /// The part to show reaches outside the picture, or is empty.
    #[error("the crop ends at {right}×{bottom}, outside the {width}×{height} picture, or is empty")]
    CropOutside {
        /// First column right of the crop.
        right: usize,
        /// First row below the crop.
        bottom: usize,
        /// Columns of the upright picture.
        width: usize,
        /// Rows of the upright picture.
        height: usize,
    },
    /// The caller's output has the wrong length.
    #[error("the output holds {got} values, but {expected} are needed")]
    OutputLength {
        /// Values needed.
        expected: usize,
        /// Values there.
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
    /// A plane of the picture is missing, or smaller than the picture's size says.
    #[error("plane {index} is missing or smaller than {row_bytes} bytes by {rows} rows")]
    Plane {
        /// Index of the plane.
        index: usize,
        /// Bytes needed in each row.
        row_bytes: usize,
        /// Rows needed.
        rows: usize,
    },
    /// Samples don't lie as any kernel expects.
    #[error("no kernel reads {0:?}")]
    Layout(Layout),
    /// The converter was made for pictures of another size, layout, colour or orientation.
    #[error("the picture differs from the one that the converter was made for")]
    OtherGeometry,
}
