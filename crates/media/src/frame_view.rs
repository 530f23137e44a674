//! A frame's samples as the kernels take them: planes, their layout, colour and orientation.
//!
//! A [`FrameView`] borrows its planes from a decoded frame or from the caller's own memory.

use moviola_av::plane::Plane;

/// The arrangement of samples in planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// One plane of luma.
    Gray(Depth),
    /// Three planes Y, U, V; chroma is halved `log2_width` times across and `log2_height` down.
    Yuv {
        /// Bits and position of a sample.
        depth: Depth,
        /// 1 if a chroma sample covers two luma columns, 0 if one.
        log2_width: u8,
        /// 1 if a chroma sample covers two luma rows, 0 if one.
        log2_height: u8,
    },
    /// A plane of Y and a plane of interleaved chroma at half size both ways: NV12, NV21, P010.
    SemiPlanar {
        /// Bits and position of a sample.
        depth: Depth,
        /// Whether V comes before U, as in NV21.
        is_v_first: bool,
    },
    /// One plane of interleaved 8-bit RGB.
    Packed {
        /// Bytes per pixel: 3 or 4.
        bytes: u8,
        /// Offsets of red, green and blue in a pixel, in bytes.
        rgb: [u8; 3],
    },
    /// Three planes G, B, R (FFmpeg's order for planar RGB).
    PlanarRgb(Depth),
}

/// The number of bits of a sample and their position in its bytes.
///
/// A sample of 8 bits is one byte; one of more bits is two bytes, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Depth {
    /// Significant bits: 8 to 16.
    pub bits: u8,
    /// Number of unused low bits in the sample's 16-bit word: 6 for P010, 0 for planar formats.
    pub shift: u8,
}

impl Depth {
    /// Samples of 8 bits.
    pub const EIGHT: Self = Self { bits: 8, shift: 0 };

    /// Bytes of a sample: 1 or 2.
    pub fn bytes(self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }
}

/// The matrix between RGB and YUV, from ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Matrix {
    /// BT.601; also assumed for untagged frames, as FFmpeg does.
    #[default]
    Bt601,
    /// BT.709.
    Bt709,
    /// BT.2020, non-constant luminance.
    Bt2020,
    /// SMPTE 240M.
    Smpte240,
    /// FCC 73.682.
    Fcc,
    /// YCgCo.
    YCgCo,
}

/// The part of the code range that samples use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// Luma 16–235, chroma 16–240 (of 8 bits): "tv", "mpeg".
    #[default]
    Limited,
    /// All codes: "pc", "jpeg".
    Full,
}

/// The position of a subsampled chroma sample among the luma samples that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ChromaSiting {
    /// On the left luma column, between two rows: MPEG-2, H.264, HEVC unless they say otherwise.
    #[default]
    Left,
    /// In the middle of them: JPEG, MPEG-1, and untagged frames.
    Center,
    /// On the top left luma sample: BT.2020.
    TopLeft,
    /// On the upper luma row, between two columns.
    Top,
    /// On the bottom left luma sample.
    BottomLeft,
    /// On the lower luma row, between two columns.
    Bottom,
}

/// The colour that samples stand for: matrix, range and chroma siting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FrameColor {
    /// Matrix between RGB and YUV; ignored for RGB layouts.
    pub matrix: Matrix,
    /// Range of the codes.
    pub range: Range,
    /// Position of the chroma samples.
    pub siting: ChromaSiting,
}

/// The steps that make a frame upright: it is mirrored first, then turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Orientation {
    /// Clockwise quarter turns, 0 to 3.
    pub quarter_turns: u8,
    /// Whether left and right are exchanged before turning.
    pub is_mirrored: bool,
}

impl Orientation {
    /// The orientation nearest to a display matrix of ISO/IEC 14496-12 (`matrix` of `tkhd`) in
    /// FFmpeg's order: 3×3, rows of (a, b, u), (c, d, v), (x, y, w).
    ///
    /// A point (p, q) of the decoded frame is shown at (a·p + c·q, b·p + d·q).
    pub fn of_matrix(matrix: [i32; 9]) -> Self {
        let [a, b, _, c, d, ..] = matrix.map(i64::from);
        let is_mirrored = a * d - b * c < 0;
        // Mirroring left and right before turning negates the first row.
        let (a, b) = if is_mirrored { (-a, -b) } else { (a, b) };
        let quarter_turns = match (a.abs() >= b.abs(), a >= 0, b >= 0) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        Self { quarter_turns, is_mirrored }
    }

    /// Whether turning exchanges width and height.
    pub fn swaps_axes(self) -> bool {
        self.quarter_turns % 2 == 1
    }
}

/// A frame's borrowed planes with the properties that are needed to show them.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// Width in pixels before turning.
    pub width: usize,
    /// Height in pixels before turning.
    pub height: usize,
    /// The arrangement of samples in the planes.
    pub layout: Layout,
    /// As many planes as the layout has; the rest are `None`.
    pub planes: [Option<Plane<'a>>; 3],
    /// The colour that the samples stand for.
    pub color: FrameColor,
    /// The steps that make the frame upright.
    pub orientation: Orientation,
    /// Ratio of a pixel's width to its height; (1, 1) for square pixels and when unknown.
    pub sample_aspect: (u32, u32),
}

impl FrameView<'_> {
    /// Width and height in pixels of the frame as shown: upright, with square pixels.
    ///
    /// Pixels that are wider than high widen the frame and pixels that are higher than wide
    /// heighten it, so that no detail is lost. Each side is rounded to the nearest pixel and at
    /// least 1.
    pub fn display_size(&self) -> (usize, usize) {
        let (num, den) = self.sample_aspect;
        let (num, den) = (num.max(1) as f64, den.max(1) as f64);
        #[expect(clippy::cast_sign_loss, reason = "neither side nor ratio is negative")]
        let stretch = |side: usize, by: f64| ((side as f64 * by).round() as usize).max(1);
        let (width, height) = match num >= den {
            true => (stretch(self.width, num / den), self.height),
            false => (self.width, stretch(self.height, den / num)),
        };
        if self.orientation.swaps_axes() { (height, width) } else { (width, height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << 16;

    #[track_caller]
    fn check_matrix([a, b, c, d]: [i32; 4], quarter_turns: u8, is_mirrored: bool) {
        let matrix = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30];
        assert_eq!(Orientation::of_matrix(matrix), Orientation { quarter_turns, is_mirrored });
    }

    #[test]
    fn display_matrices_are_read_as_clockwise_turns() {
        check_matrix([1, 0, 0, 1], 0, false);
        check_matrix([0, 1, -1, 0], 1, false); // recorded with a phone held upright
        check_matrix([-1, 0, 0, -1], 2, false);
        check_matrix([0, -1, 1, 0], 3, false);
        check_matrix([-1, 0, 0, 1], 0, true);
        check_matrix([1, 0, 0, -1], 2, true);
    }

    #[test]
    fn a_matrix_of_zeros_turns_nothing() {
        assert_eq!(Orientation::of_matrix([0; 9]), Orientation::default());
    }
}
