//! The geometry of an image: its size, chroma subsampling and orientation.

use crate::frame_view::{FrameView, Layout, Orientation};

use super::{ImageError, Result};

/// Width and height in pixels.
pub(super) type Size = (usize, usize);

/// libjpeg's largest side in pixels (`JPEG_MAX_DIMENSION`).
const MAX_SIDE: usize = 65_500;

/// The most pixels of an image: 268 million, more than usual cameras have.
const MAX_PIXELS: usize = 1 << 28;

/// The size in pixels of the image that an encoder makes of a frame.
///
/// The image is upright with square pixels, or as coded if `coded`. It is then shrunk to fit into
/// `max_size` (width and height), keeping its aspect ratio; it is never enlarged.
pub fn image_size(view: &FrameView<'_>, max_size: Option<Size>, coded: bool) -> Size {
    let size = if coded { (view.width, view.height) } else { view.display_size() };
    let Some(limit) = max_size else { return size };
    let ratio = |limit: usize, side: usize| limit as f64 / side.max(1) as f64;
    let factor = ratio(limit.0, size.0).min(ratio(limit.1, size.1)).min(1.0);
    let shrink = |side: usize| {
        #[expect(clippy::cast_sign_loss, reason = "both factors are positive")]
        let side = (side as f64 * factor).round() as usize;
        side.max(1)
    };
    (shrink(size.0), shrink(size.1))
}

/// Refuses a `max_size` that no image fits into.
pub(super) fn check_max_size(max_size: Option<Size>) -> Result<()> {
    match max_size {
        Some((width, height)) if width == 0 || height == 0 => Err(ImageError::InvalidArgument {
            what: "max_size",
            expected: "1 pixel or more both ways",
            got: format!("{width}x{height}"),
        }),
        _ => Ok(()),
    }
}

/// Whether an image of that size is within the limits.
pub(super) fn fits((width, height): Size) -> bool {
    width.max(height) <= MAX_SIDE && width.saturating_mul(height) <= MAX_PIXELS
}

/// The sizes, subsampling and orientation in the steps from a frame to its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImageGeometry {
    /// Size of the image.
    pub(super) size: Size,
    /// Size of the image before shrinking.
    pub(super) full: Size,
    /// Size of the image after shrinking, before turning.
    pub(super) unturned: Size,
    /// How many times chroma is halved across and down before turning; `None` without chroma.
    pub(super) chroma: Option<(u8, u8)>,
    /// The steps that make the frame upright.
    pub(super) orientation: Orientation,
}

impl ImageGeometry {
    /// The geometry of the image of a frame.
    ///
    /// # Errors
    ///
    /// [`ImageError::TooLarge`]; [`ImageError::InvalidArgument`] if a side of `max_size` is 0.
    pub(super) fn new(view: &FrameView<'_>, max_size: Option<Size>, coded: bool) -> Result<Self> {
        check_max_size(max_size)?;
        let size = image_size(view, max_size, coded);
        if !fits(size) {
            return Err(ImageError::TooLarge { width: size.0, height: size.1 });
        }
        let full = image_size(view, None, coded);
        let orientation = if coded { Orientation::default() } else { view.orientation };
        let unturned = if orientation.swaps_axes() { (size.1, size.0) } else { size };
        let chroma = subsampling(view.layout).map(|log2| storable(log2, unturned, orientation));
        Ok(Self { size, full, unturned, chroma, orientation })
    }

    /// How many times chroma is halved across and down after turning.
    pub(super) fn turned_chroma(&self) -> Option<(u8, u8)> {
        self.chroma.map(|(x, y)| if self.orientation.swaps_axes() { (y, x) } else { (x, y) })
    }
}

/// How many times a layout halves its chroma across and down; `None` without chroma.
pub(super) fn subsampling(layout: Layout) -> Option<(u8, u8)> {
    match layout {
        Layout::Gray(_) => None,
        Layout::Yuv { log2_width, log2_height, .. } => Some((log2_width, log2_height)),
        Layout::SemiPlanar { .. } => Some((1, 1)),
        Layout::Packed { .. } | Layout::PlanarRgb(_) => Some((0, 0)),
    }
}

/// The nearest subsampling that JPEG supports after turning.
///
/// JPEG pairs chroma with luma starting at the first column and row. If an axis is reversed and
/// its length is odd, pairs would shift by one pixel, so that axis is not halved.
fn storable(log2: (u8, u8), size: Size, orientation: Orientation) -> (u8, u8) {
    let halved = match log2 {
        (0 | 1, 0 | 1) => log2,
        // A quarter only across: the compressor takes no chroma that covers four rows.
        (2, 0) if !orientation.swaps_axes() => log2,
        (0, 2) if orientation.swaps_axes() => log2,
        (x, y) => (x.min(1), y.min(1)),
    };
    let flips = Flips::new(orientation);
    let keep = |log2: u8, is_flipped: bool, side: usize| {
        if is_flipped && !side.is_multiple_of(1 << log2) { 0 } else { log2 }
    };
    (
        keep(halved.0, flips.has_reversed_columns, size.0),
        keep(halved.1, flips.has_reversed_rows, size.1),
    )
}

/// An orientation as flips of the unturned image: columns and rows are reversed, then transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flips {
    /// Whether the last column comes first.
    pub(super) has_reversed_columns: bool,
    /// Whether the last row comes first.
    pub(super) has_reversed_rows: bool,
    /// Whether columns become rows.
    pub(super) is_transposed: bool,
}

impl Flips {
    /// The flips that equal `orientation`.
    pub(super) fn new(orientation: Orientation) -> Self {
        let Orientation { quarter_turns, is_mirrored } = orientation;
        let (has_reversed_columns, has_reversed_rows) = match quarter_turns % 4 {
            0 => (is_mirrored, false),
            1 => (is_mirrored, true),
            2 => (!is_mirrored, true),
            _ => (!is_mirrored, false),
        };
        let is_transposed = orientation.swaps_axes();
        Self { has_reversed_columns, has_reversed_rows, is_transposed }
    }

    /// Whether nothing is flipped or transposed.
    pub(super) fn is_identity(self) -> bool {
        !(self.has_reversed_columns || self.has_reversed_rows || self.is_transposed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_view::{Depth, FrameColor};

    fn view(size: Size, sample_aspect: (u32, u32), quarter_turns: u8) -> FrameView<'static> {
        FrameView {
            width: size.0,
            height: size.1,
            layout: Layout::Gray(Depth::EIGHT),
            planes: [None; 3],
            color: FrameColor::default(),
            orientation: Orientation { quarter_turns, is_mirrored: false },
            sample_aspect,
        }
    }

    #[track_caller]
    fn check_size(view: &FrameView<'_>, max_size: Option<Size>, want: Size) {
        assert_eq!(image_size(view, max_size, false), want);
    }

    #[test]
    fn images_fit_into_the_largest_size_and_are_never_enlarged() {
        let hd = view((1920, 1080), (1, 1), 0);
        check_size(&hd, None, (1920, 1080));
        check_size(&hd, Some((1280, 720)), (1280, 720));
        check_size(&hd, Some((640, 640)), (640, 360));
        check_size(&hd, Some((4000, 540)), (960, 540));
        check_size(&hd, Some((4000, 4000)), (1920, 1080));
        check_size(&hd, Some((0, 0)), (1, 1));
        check_size(&view((10_000, 1), (1, 1), 0), Some((100, 100)), (100, 1));
    }

    #[test]
    fn the_largest_size_is_that_of_the_upright_image() {
        check_size(&view((1920, 1080), (1, 1), 1), Some((540, 2000)), (540, 960));
        check_size(&view((720, 576), (16, 11), 1), None, (576, 1047));
    }

    #[test]
    fn coded_images_keep_their_size_and_orientation() {
        let turned = view((720, 576), (16, 11), 1);
        assert_eq!(image_size(&turned, None, true), (720, 576));
        assert!(
            Flips::new(ImageGeometry::new(&turned, None, true).unwrap().orientation).is_identity()
        );
    }

    #[test]
    fn too_large_sizes_are_errors_that_name_the_remedy() {
        for wide in [view((70_000, 1), (1, 1), 0), view((60_000, 60_000), (1, 1), 0)] {
            let error = ImageGeometry::new(&wide, None, false).unwrap_err();
            assert!(error.to_string().contains("with max_size"), "{error}");
            assert!(ImageGeometry::new(&wide, Some((640, 640)), false).is_ok());
        }
        let pixels = view((100, 100), (u32::MAX, 1), 0);
        assert!(ImageGeometry::new(&pixels, None, false).is_err());
    }

    #[track_caller]
    fn check_chroma(log2: (u8, u8), size: Size, quarter_turns: u8, want: (u8, u8)) {
        let (log2_width, log2_height) = log2;
        let layout = Layout::Yuv { depth: Depth::EIGHT, log2_width, log2_height };
        let view = FrameView { layout, ..view(size, (1, 1), quarter_turns) };
        let geometry = ImageGeometry::new(&view, None, false).unwrap();
        assert_eq!(geometry.turned_chroma(), Some(want));
    }

    #[test]
    fn a_quarter_turn_swaps_the_subsampled_axes() {
        check_chroma((1, 0), (64, 64), 1, (0, 1));
        check_chroma((0, 1), (64, 64), 3, (1, 0));
        check_chroma((0, 2), (64, 64), 3, (2, 0));
        check_chroma((1, 1), (64, 64), 1, (1, 1));
    }

    #[test]
    fn subsampling_that_jpeg_lacks_becomes_the_nearest_finer_one() {
        check_chroma((2, 2), (64, 64), 0, (1, 1));
        check_chroma((2, 0), (64, 64), 3, (0, 1));
        check_chroma((2, 1), (64, 64), 0, (1, 1));
    }

    #[test]
    fn an_odd_axis_that_is_flipped_is_not_subsampled() {
        check_chroma((1, 1), (65, 64), 0, (1, 1));
        check_chroma((1, 1), (65, 64), 2, (0, 1));
        check_chroma((1, 1), (64, 65), 1, (0, 1));
        check_chroma((2, 0), (66, 64), 2, (0, 0));
    }
}
