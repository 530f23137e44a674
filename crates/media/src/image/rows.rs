//! Rows of samples for the kernels of the conversion to JFIF.

use crate::frame_view::{Depth, Layout};
use crate::simd::jfif::{
    ChromaRow, ChromaWeights, LumaRow, WidenBytePairs, WidenBytes, WidenPixels, WidenWordPairs,
    WidenWords, run,
};

use super::checked_frame::CheckedFrame;

/// A row of samples as a kernel takes it.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    /// 8-bit samples, directly from the plane.
    Bytes(&'a [u8]),
    /// Samples of any depth, already centred.
    Centred(&'a [i16]),
}

/// Row buffers that are kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct RowBuffers {
    /// Centred samples of up to three components.
    pub(super) centred: [Vec<i16>; 3],
    /// Contribution of chroma to luma, for each column.
    pub(super) tint: Vec<i16>,
}

impl RowBuffers {
    /// Sets the rows' length to `width` samples; the tint's to whole chroma samples.
    pub(super) fn reset(&mut self, width: usize) {
        self.centred.iter_mut().for_each(|row| row.resize(width, 0));
        self.tint.resize(width.next_multiple_of(4), 0);
    }
}

/// Row `y` of a plane that isn't interleaved; centred in `buffer` unless its samples are bytes.
pub(super) fn plane_row<'a>(
    frame: &CheckedFrame<'a>,
    plane: usize,
    (y, width): (usize, usize),
    buffer: &'a mut [i16],
) -> Row<'a> {
    let row = frame.row(plane, y);
    let depth = frame.depth();
    if depth.bytes() == 1 {
        return Row::Bytes(row.get(..width).unwrap_or_default());
    }
    let out = &mut buffer[..width];
    run(WidenWords { row, up: up(depth), out });
    Row::Centred(out)
}

/// Rows `y` of Cb and Cr.
pub(super) fn chroma_rows<'a>(
    frame: &CheckedFrame<'a>,
    (y, width): (usize, usize),
    buffers: [&'a mut [i16]; 2],
) -> (Row<'a>, Row<'a>) {
    let [cb, cr] = buffers;
    let Layout::SemiPlanar { depth, is_v_first } = frame.layout else {
        return (plane_row(frame, 1, (y, width), cb), plane_row(frame, 2, (y, width), cr));
    };
    let (cb, cr) = (&mut cb[..width], &mut cr[..width]);
    let row = frame.row(1, y);
    let out = if is_v_first { [&mut *cr, &mut *cb] } else { [&mut *cb, &mut *cr] };
    match depth.bytes() {
        1 => run(WidenBytePairs { row, out }),
        _ => run(WidenWordPairs { row, up: up(depth), out }),
    }
    (Row::Centred(cb), Row::Centred(cr))
}

/// Fills `buffers` with row `y` of R, G and B, centred.
pub(super) fn rgb_rows(frame: &CheckedFrame<'_>, y: usize, buffers: &mut [Vec<i16>; 3]) {
    let [red, green, blue] = buffers;
    let row = frame.row(0, y);
    if let Layout::Packed { bytes, rgb: offsets } = frame.layout {
        let out = [&mut red[..], &mut green[..], &mut blue[..]];
        return match bytes {
            3 => run(WidenPixels::<3> { row, offsets, out }),
            _ => run(WidenPixels::<4> { row, offsets, out }),
        };
    }
    let depth = frame.depth();
    for (plane, out) in [green, blue, red].into_iter().enumerate() {
        let row = frame.row(plane, y);
        match depth.bytes() {
            1 => run(WidenBytes { row, out }),
            _ => run(WidenWords { row, up: up(depth), out }),
        }
    }
}

/// Computes a row of JFIF luma.
pub(super) fn luma(row: Row<'_>, tint: &[i16], weight: i16, out: &mut [u8]) {
    match row {
        Row::Bytes(luma) => run(LumaRow { luma, tint, weight, out }),
        Row::Centred(luma) => run(LumaRow { luma, tint, weight, out }),
    }
}

/// The outputs of a row of chroma.
pub(super) struct ChromaOut<'a> {
    pub(super) cb: &'a mut [u8],
    pub(super) cr: &'a mut [u8],
    pub(super) tint: &'a mut [i16],
}

/// Computes a row of JFIF chroma and the tint of its luma; each chroma sample covers
/// `1 << log2_across` columns of luma.
pub(super) fn chroma(
    rows: (Row<'_>, Row<'_>),
    weights: &ChromaWeights,
    log2_across: u8,
    out: ChromaOut<'_>,
) {
    let ChromaOut { cb: out_cb, cr: out_cr, tint } = out;
    match rows {
        (Row::Bytes(cb), Row::Bytes(cr)) => {
            run(ChromaRow { cb, cr, weights, log2_across, out_cb, out_cr, tint });
        }
        (Row::Centred(cb), Row::Centred(cr)) => {
            run(ChromaRow { cb, cr, weights, log2_across, out_cb, out_cr, tint });
        }
        // Both planes of a frame have one depth.
        (Row::Bytes(_), Row::Centred(_)) | (Row::Centred(_), Row::Bytes(_)) => {}
    }
}

/// By how many bits a stored word must be shifted up so that its code fills 16 bits.
fn up(depth: Depth) -> u32 {
    u32::from(16_u8.saturating_sub(depth.bits + depth.shift))
}
