//! Pictures that lie in a device, and how they come into memory.

use ffmpeg_sys_next as ffi;

use super::{Shell, VideoFrame, VideoFrameMut};
use crate::{
    error::{Error, Result, check},
    pixel::PixelFormat,
};

/// Takes one component out of a row: from, to, components in the row, and which.
type Unpack = fn(&[u8], &mut [u8], usize, usize);

impl VideoFrame {
    /// Whether the pixels lie in a device, out of reach until [`download`](Self::download).
    pub fn is_hardware(&self) -> bool {
        self.format().is_hardware()
    }

    /// The same picture in memory, in the first format that the device offers (mostly NV12 or P010).
    /// The device's own copy goes with `self`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if it is in memory already; [`Error::Ffmpeg`] if the device fails.
    pub fn download(&self) -> Result<Self> {
        if !self.is_hardware() {
            return Err(Error::InvalidArgument {
                what: "the picture to download",
                expected: "one in a device",
                got: self.format().to_string(),
            });
        }
        let shell = Shell::new()?;
        // SAFETY: `shell` is empty, so the call gives it memory; `self` is valid and only read.
        let code = unsafe { ffi::av_hwframe_transfer_data(shell.as_ptr(), self.raw(), 0) };
        check("av_hwframe_transfer_data", code)?;
        // SAFETY: both frames are valid.
        let code = unsafe { ffi::av_frame_copy_props(shell.as_ptr(), self.raw()) };
        check("av_frame_copy_props", code)?;
        // Of pictures in a device, decoders crop the right and bottom edges only.
        // SAFETY: the frame is valid and in memory; the call moves its pointers inside its buffers.
        let code = unsafe { ffi::av_frame_apply_cropping(shell.as_ptr(), 0) };
        check("av_frame_apply_cropping", code)?;
        Self::from_shell(shell)
    }

    /// The same picture with a plane for each component, as software decoders give it: of NV12 and
    /// P010, which hardware prefers. `None` for all other formats.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn to_planar(&self) -> Result<Option<Self>> {
        let (target, unpack): (_, Unpack) = match self.format() {
            PixelFormat::NV12 => (PixelFormat::YUV420P, take_bytes),
            PixelFormat::P010 => (PixelFormat::YUV420P10, take_words),
            _ => return Ok(None),
        };
        let mut planar = VideoFrameMut::new(target, self.width(), self.height())?;
        // Source plane, components in it, and which of them.
        for (index, place) in [(0, 1, 0), (1, 2, 0), (1, 2, 1)].into_iter().enumerate() {
            let (plane, step, first) = place;
            let Some((from, mut to)) = self.plane(plane).zip(planar.plane_mut(index)) else {
                continue;
            };
            for (y, row) in from.iter().enumerate() {
                if let Some(target) = to.row_mut(y) {
                    unpack(row, target, step, first);
                }
            }
        }
        // SAFETY: both frames are valid; the target has one owner.
        let code = unsafe { ffi::av_frame_copy_props(planar.raw_mut(), self.raw()) };
        check("av_frame_copy_props", code)?;
        Ok(Some(planar.freeze()))
    }
}

/// Every `step`-th byte from the one numbered `first` on.
fn take_bytes(from: &[u8], to: &mut [u8], step: usize, first: usize) {
    for (to, from) in to.iter_mut().zip(from.iter().skip(first).step_by(step)) {
        *to = *from;
    }
}

/// The same of words whose ten bits lie at the top.
fn take_words(from: &[u8], to: &mut [u8], step: usize, first: usize) {
    const UNUSED_LOW_BITS: u32 = 6;
    let (from, _) = from.as_chunks::<2>();
    let (to, _) = to.as_chunks_mut::<2>();
    for (to, from) in to.iter_mut().zip(from.iter().skip(first).step_by(step)) {
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
    fn ten_bits_come_down() {
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
    fn what_is_in_memory_is_not_downloaded() {
        let frame = VideoFrameMut::new(PixelFormat::YUV420P, 2, 2).unwrap().freeze();
        assert!(!frame.is_hardware() && frame.to_planar().unwrap().is_none());
        assert!(matches!(frame.download(), Err(Error::InvalidArgument { .. })));
    }
}
