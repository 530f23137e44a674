//! Frames in a device's memory, and their download to main memory.

use ffmpeg_sys_next as ffi;

use super::{RawFrame, VideoFrame, VideoFrameMut};
use crate::{
    error::{Error, Result, check},
    pixel::PixelFormat,
};

/// A function that copies one component of a row of interleaved components. Arguments: the row, the
/// target, the number of components, and the number of the wanted one from 0.
type CopyComponent = fn(&[u8], &mut [u8], usize, usize);

impl VideoFrame {
    /// Whether the pixels are in a device's memory, and must be [downloaded](Self::download).
    pub fn is_hardware(&self) -> bool {
        self.format().is_hardware()
    }

    /// Copies the frame to main memory.
    ///
    /// Its format is the first that the device offers (mostly NV12 or P010). The copy in the device
    /// is freed with `self`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if it is in main memory already; [`Error::Ffmpeg`] if the device
    /// fails.
    pub fn download(&self) -> Result<Self> {
        if !self.is_hardware() {
            return Err(Error::InvalidArgument {
                what: "the frame to download",
                expected: "in a device's memory",
                got: self.format().to_string(),
            });
        }
        let raw_frame = RawFrame::new()?;
        // SAFETY: `raw_frame` is empty, so the call gives it memory; `self` is valid and only read.
        let code = unsafe { ffi::av_hwframe_transfer_data(raw_frame.as_ptr(), self.raw(), 0) };
        check("av_hwframe_transfer_data", code)?;
        // SAFETY: both frames are valid.
        let code = unsafe { ffi::av_frame_copy_props(raw_frame.as_ptr(), self.raw()) };
        check("av_frame_copy_props", code)?;
        // In a device, decoders crop frames at the right and bottom edges only.
        // SAFETY: the frame is valid and in memory; the call moves its pointers inside its buffers.
        let code = unsafe { ffi::av_frame_apply_cropping(raw_frame.as_ptr(), 0) };
        check("av_frame_apply_cropping", code)?;
        Self::from_raw_frame(raw_frame)
    }

    /// Converts NV12 and P010 to the planar formats of software decoders; `None` for other formats.
    ///
    /// NV12 and P010 are the formats of hardware decoders.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn to_planar(&self) -> Result<Option<Self>> {
        let (target, copy): (_, CopyComponent) = match self.format() {
            PixelFormat::NV12 => (PixelFormat::YUV420P, copy_bytes),
            PixelFormat::P010 => (PixelFormat::YUV420P10, copy_words),
            _ => return Ok(None),
        };
        let mut planar = VideoFrameMut::new(target, self.width(), self.height())?;
        // For each target plane: the source plane, its number of components, and which one to copy.
        let components = [(0, 1, 0), (1, 2, 0), (1, 2, 1)];
        for (index, (plane, count, number)) in components.into_iter().enumerate() {
            let Some((from, mut to)) = self.plane(plane).zip(planar.plane_mut(index)) else {
                continue;
            };
            for (y, row) in from.iter().enumerate() {
                if let Some(target) = to.row_mut(y) {
                    copy(row, target, count, number);
                }
            }
        }
        // SAFETY: both frames are valid; the target has one owner.
        let code = unsafe { ffi::av_frame_copy_props(planar.raw_mut(), self.raw()) };
        check("av_frame_copy_props", code)?;
        Ok(Some(planar.freeze()))
    }
}

/// Copies every `count`-th byte, starting at byte `number`.
fn copy_bytes(from: &[u8], to: &mut [u8], count: usize, number: usize) {
    for (to, from) in to.iter_mut().zip(from.iter().skip(number).step_by(count)) {
        *to = *from;
    }
}

/// Copies every `count`-th 16-bit word, starting at word `number`.
///
/// Moves its ten bits from the top to the bottom.
fn copy_words(from: &[u8], to: &mut [u8], count: usize, number: usize) {
    const UNUSED_LOW_BITS: u32 = 6;
    let (from, _) = from.as_chunks::<2>();
    let (to, _) = to.as_chunks_mut::<2>();
    for (to, from) in to.iter_mut().zip(from.iter().skip(number).step_by(count)) {
        *to = (u16::from_ne_bytes(*from) >> UNUSED_LOW_BITS).to_ne_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_planar(from: PixelFormat, planes: [&[u8]; 2], to: PixelFormat, want: [&[u8]; 3]) {
        let mut packed = VideoFrameMut::new(from, 3, 1).unwrap();
        for (index, bytes) in planes.into_iter().enumerate() {
            packed.plane_mut(index).unwrap().row_mut(0).unwrap().copy_from_slice(bytes);
        }
        packed.set_pts(Some(7));
        let planar = packed.freeze().to_planar().unwrap().unwrap();
        assert_eq!((planar.format(), planar.pts()), (to, Some(7)));
        for (index, bytes) in want.into_iter().enumerate() {
            assert_eq!(planar.plane(index).unwrap().row(0), Some(bytes), "plane {index}");
        }
    }

    #[test]
    fn chroma_pairs_become_planes() {
        check_planar(
            PixelFormat::NV12,
            [&[1, 2, 3], &[10, 20, 11, 21]],
            PixelFormat::YUV420P,
            [&[1, 2, 3], &[10, 11], &[20, 21]],
        );
    }

    #[test]
    fn ten_bit_samples_move_to_the_low_bits() {
        let words = |values: &[u16]| -> Vec<u8> {
            values.iter().flat_map(|value| value.to_ne_bytes()).collect()
        };
        let high = |values: &[u16]| words(&values.iter().map(|v| v << 6).collect::<Vec<_>>());
        check_planar(
            PixelFormat::P010,
            [&high(&[0, 512, 1023]), &high(&[1, 2, 3, 4])],
            PixelFormat::YUV420P10,
            [&words(&[0, 512, 1023]), &words(&[1, 3]), &words(&[2, 4])],
        );
    }

    #[test]
    fn a_frame_in_main_memory_is_not_downloaded() {
        let frame = VideoFrameMut::new(PixelFormat::YUV420P, 2, 2).unwrap().freeze();
        assert!(!frame.is_hardware() && frame.to_planar().unwrap().is_none());
        assert!(matches!(frame.download(), Err(Error::InvalidArgument { .. })));
    }
}
