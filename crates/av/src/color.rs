//! Colour description of a frame or stream: matrix, range, primaries, transfer, chroma location.

use std::ffi::c_int;

#[cfg(test)]
mod tests;

/// Defines an enum over the code points of a standard, with FFmpeg's names.
macro_rules! code_points {
    ($(#[$doc:meta])* $name:ident, unspecified = $unspecified:literal,
     $($(#[$item_doc:meta])* $item:ident = $value:literal, $text:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            /// The stream does not specify it.
            #[default]
            Unspecified,
            $($(#[$item_doc])* $item,)*
            /// A number that this crate does not know.
            Other(u32),
        }

        impl $name {
            /// The name in records and options.
            pub fn name(self) -> &'static str {
                match self {
                    Self::Unspecified => "unspecified",
                    $(Self::$item => $text,)*
                    Self::Other(_) => "other",
                }
            }

            /// The variant for FFmpeg's number.
            pub(crate) fn from_raw(value: c_int) -> Self {
                match value {
                    $unspecified => Self::Unspecified,
                    $($value => Self::$item,)*
                    other => Self::Other(other.cast_unsigned()),
                }
            }

            /// FFmpeg's number.
            pub(crate) fn to_raw(self) -> c_int {
                match self {
                    Self::Unspecified => $unspecified,
                    $(Self::$item => $value,)*
                    Self::Other(value) => value.cast_signed(),
                }
            }
        }
    };
}

code_points! {
    /// The matrix between RGB and YUV (ISO/IEC 23091-2, `MatrixCoefficients`).
    ColorMatrix, unspecified = 2,
    /// The components are red, green and blue.
    Rgb = 0, "gbr";
    /// ITU-R BT.709: HD.
    Bt709 = 1, "bt709";
    /// FCC, 1953.
    Fcc = 4, "fcc";
    /// ITU-R BT.601, 625 lines.
    Bt470bg = 5, "bt470bg";
    /// ITU-R BT.601, 525 lines: the same numbers as 625 lines.
    Smpte170m = 6, "smpte170m";
    /// SMPTE 240M.
    Smpte240m = 7, "smpte240m";
    /// YCgCo: luma and the differences to green and orange.
    Ycgco = 8, "ycgco";
    /// ITU-R BT.2020, non-constant luminance: UHD.
    Bt2020Ncl = 9, "bt2020nc";
    /// ITU-R BT.2020, constant luminance.
    Bt2020Cl = 10, "bt2020c";
    /// SMPTE 2085, Y'D'zD'x.
    Smpte2085 = 11, "smpte2085";
    /// Derived from the primaries, non-constant luminance.
    ChromaDerivedNcl = 12, "chroma-derived-nc";
    /// Derived from the primaries, constant luminance.
    ChromaDerivedCl = 13, "chroma-derived-c";
    /// ITU-R BT.2100 ICtCp.
    Ictcp = 14, "ictcp";
    /// SMPTE ST 2128 IPT-C2.
    IptC2 = 15, "ipt-c2";
    /// YCgCo-R with an even number of extra bits.
    YcgcoRe = 16, "ycgco-re";
    /// YCgCo-R with an odd number of extra bits.
    YcgcoRo = 17, "ycgco-ro";
}

code_points! {
    /// The sample values of black and white.
    ColorRange, unspecified = 0,
    /// 16 to 235 for luma in 8 bits.
    Limited = 1, "limited";
    /// 0 to 255 in 8 bits.
    Full = 2, "full";
}

code_points! {
    /// The colours of red, green and blue (ISO/IEC 23091-2, `ColourPrimaries`).
    ColorPrimaries, unspecified = 2,
    /// ITU-R BT.709 and sRGB.
    Bt709 = 1, "bt709";
    /// ITU-R BT.470 System M, 1953.
    Bt470m = 4, "bt470m";
    /// ITU-R BT.470 System B, G: PAL.
    Bt470bg = 5, "bt470bg";
    /// SMPTE 170M: NTSC.
    Smpte170m = 6, "smpte170m";
    /// SMPTE 240M.
    Smpte240m = 7, "smpte240m";
    /// Film, illuminant C.
    Film = 8, "film";
    /// ITU-R BT.2020 and BT.2100.
    Bt2020 = 9, "bt2020";
    /// SMPTE 428, CIE XYZ.
    Smpte428 = 10, "smpte428";
    /// SMPTE 431, DCI P3.
    Smpte431 = 11, "smpte431";
    /// SMPTE 432, Display P3.
    Smpte432 = 12, "smpte432";
    /// EBU Tech 3213.
    Ebu3213 = 22, "ebu3213";
}

code_points! {
    /// The transfer function from light to sample values (ISO/IEC 23091-2,
    /// `TransferCharacteristics`).
    ColorTransfer, unspecified = 2,
    /// ITU-R BT.709.
    Bt709 = 1, "bt709";
    /// Gamma 2.2.
    Gamma22 = 4, "bt470m";
    /// Gamma 2.8.
    Gamma28 = 5, "bt470bg";
    /// SMPTE 170M, BT.601.
    Smpte170m = 6, "smpte170m";
    /// SMPTE 240M.
    Smpte240m = 7, "smpte240m";
    /// Linear light.
    Linear = 8, "linear";
    /// Logarithmic, 100:1.
    Log = 9, "log100";
    /// Logarithmic, 316:1.
    LogSqrt = 10, "log316";
    /// IEC 61966-2-4, xvYCC.
    Iec61966_2_4 = 11, "iec61966-2-4";
    /// ITU-R BT.1361, extended gamut.
    Bt1361Ecg = 12, "bt1361e";
    /// IEC 61966-2-1, sRGB.
    Srgb = 13, "iec61966-2-1";
    /// ITU-R BT.2020, 10 bits.
    Bt2020_10 = 14, "bt2020-10";
    /// ITU-R BT.2020, 12 bits.
    Bt2020_12 = 15, "bt2020-12";
    /// SMPTE 2084, PQ.
    Pq = 16, "smpte2084";
    /// SMPTE 428.
    Smpte428 = 17, "smpte428";
    /// ARIB STD-B67, HLG.
    Hlg = 18, "arib-std-b67";
}

code_points! {
    /// The position of chroma samples relative to luma samples.
    ChromaLocation, unspecified = 0,
    /// Between two rows, at the left column: MPEG-2 and later.
    Left = 1, "left";
    /// Between rows and columns: JPEG, MPEG-1.
    Center = 2, "center";
    /// On the top left luma sample.
    TopLeft = 3, "topleft";
    /// At the top row, between two columns.
    Top = 4, "top";
    /// On the bottom left luma sample.
    BottomLeft = 5, "bottomleft";
    /// At the bottom row, between two columns.
    Bottom = 6, "bottom";
}

/// The colour description of a frame or stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// The matrix between RGB and YUV.
    pub matrix: ColorMatrix,
    /// The sample values of black and white.
    pub range: ColorRange,
    /// The colours of red, green and blue.
    pub primaries: ColorPrimaries,
    /// The transfer function from light to sample values.
    pub transfer: ColorTransfer,
    /// The position of chroma samples.
    pub chroma_location: ChromaLocation,
}
