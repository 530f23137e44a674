//! A picture as the kernels see it: planes, their layout, colour and orientation.
//!
//! Who owns the bytes does not matter here: a [`FrameView`] is made from a decoded frame or from
//! the caller's own memory, and every kernel takes it.

use moviola_av::plane::Plane;

/// How samples lie in the planes.
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
        /// Whether V comes before U (NV21).
        swapped: bool,
    },
    /// One plane of interleaved 8-bit colour; bytes per pixel and where R, G, B stand in it.
    Packed {
        /// Bytes per pixel: 3 or 4.
        bytes: u8,
        /// Offset of red, green and blue in the pixel.
        rgb: [u8; 3],
    },
    /// Three planes G, B, R (FFmpeg's order for planar RGB).
    PlanarRgb(Depth),
}

/// Bits of a sample and where they stand in its bytes.
///
/// Up to 8 bits a sample is one byte, above two bytes, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Depth {
    /// Significant bits: 8 to 16.
    pub bits: u8,
    /// How far the sample is shifted up in its word: 6 for P010, else 0.
    pub shift: u8,
}

impl Depth {
    /// One byte a sample.
    pub const EIGHT: Self = Self { bits: 8, shift: 0 };

    /// Bytes a sample takes.
    pub fn bytes(self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }
}

/// The matrix between RGB and YUV, from ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Matrix {
    /// BT.601; also what untagged pictures are taken for, as FFmpeg does.
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

/// Which codes of the samples' range are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// Luma 16–235, chroma 16–240 (of 8 bits): "tv", "mpeg".
    #[default]
    Limited,
    /// All codes: "pc", "jpeg".
    Full,
}

/// Where a chroma sample of a subsampled picture sits among the luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ChromaSiting {
    /// On the left luma column, between two rows: MPEG-2, H.264, HEVC unless they say otherwise.
    #[default]
    Left,
    /// In the middle of the luma samples it covers: JPEG, MPEG-1, and what says nothing.
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

/// What the samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FrameColor {
    /// Matrix between RGB and YUV; without meaning for RGB layouts.
    pub matrix: Matrix,
    /// Range of the codes.
    pub range: Range,
    /// Place of the chroma samples.
    pub siting: ChromaSiting,
}

/// How a coded picture must be turned to stand upright: mirrored first, then turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Orientation {
    /// Clockwise quarter turns, 0 to 3.
    pub quarter_turns: u8,
    /// Mirror left and right before turning.
    pub mirrored: bool,
}

impl Orientation {
    /// The orientation nearest to a display matrix of ISO/IEC 14496-12 (`matrix` of `tkhd`), as
    /// FFmpeg hands it on: 3×3, rows of (a, b, u), (c, d, v), (x, y, w).
    ///
    /// A point (p, q) of the coded picture is shown at (a·p + c·q, b·p + d·q).
    pub fn of_matrix(matrix: [i32; 9]) -> Self {
        let [a, b, _, c, d, ..] = matrix.map(i64::from);
        let mirrored = a * d - b * c < 0;
        // Mirroring left and right first negates the first row.
        let (a, b) = if mirrored { (-a, -b) } else { (a, b) };
        let quarter_turns = match (a.abs() >= b.abs(), a >= 0, b >= 0) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        Self { quarter_turns, mirrored }
    }

    /// Whether width and height change places.
    pub fn swaps_axes(self) -> bool {
        self.quarter_turns % 2 == 1
    }
}

/// One picture, borrowed: coded planes plus what is needed to show them right.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// Coded width in pixels.
    pub width: usize,
    /// Coded height in pixels.
    pub height: usize,
    /// How samples lie in the planes.
    pub layout: Layout,
    /// As many planes as the layout has; the rest are `None`.
    pub planes: [Option<Plane<'a>>; 3],
    /// What the samples mean.
    pub color: FrameColor,
    /// How to turn the picture upright.
    pub orientation: Orientation,
    /// Width and height of a pixel, as a ratio; (1, 1) for square pixels and when unknown.
    pub sample_aspect: (u32, u32),
}

impl FrameView<'_> {
    /// Width and height as shown: upright, with square pixels, in pixels.
    ///
    /// A pixel wider than high widens the picture and a pixel higher than wide heightens it, so
    /// that no coded detail is lost. Each side is rounded to the nearest pixel and at least 1.
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
    fn check_matrix([a, b, c, d]: [i32; 4], quarter_turns: u8, mirrored: bool) {
        let matrix = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30];
        assert_eq!(Orientation::of_matrix(matrix), Orientation { quarter_turns, mirrored });
    }

    #[test]
    fn display_matrices_are_read_as_clockwise_turns() {
        check_matrix([1, 0, 0, 1], 0, false);
        check_matrix([0, 1, -1, 0], 1, false); // a phone held upright
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
