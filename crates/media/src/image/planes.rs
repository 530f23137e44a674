//! 8-bit plane buffers for the conversion to JFIF; they are kept from frame to frame.

use super::{ImageError, Result, checked_frame::chroma_size, geometry::Size};

/// A plane of bytes whose rows follow each other without padding.
#[derive(Debug, Default)]
pub(super) struct BytePlane {
    /// Never shrinks; the plane is at its beginning.
    bytes: Vec<u8>,
    width: usize,
    height: usize,
}

impl BytePlane {
    /// Sets the plane's size. Its bytes are unspecified afterwards.
    fn reset(&mut self, (width, height): Size) -> Result<()> {
        let too_large = || ImageError::TooLarge { width, height };
        let len = width.checked_mul(height).ok_or_else(too_large)?;
        if let Some(more) = len.checked_sub(self.bytes.len()) {
            self.bytes.try_reserve_exact(more).map_err(|_| too_large())?;
            self.bytes.resize(len, 0);
        }
        (self.width, self.height) = (width, height);
        Ok(())
    }

    /// Width and height.
    pub(super) fn size(&self) -> Size {
        (self.width, self.height)
    }

    /// All rows.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.width * self.height]
    }

    /// All rows.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.width * self.height]
    }

    /// Row `y`, which must be below the height.
    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.bytes()[y * self.width..][..self.width]
    }

    /// Row `y`, which must be below the height.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let width = self.width;
        &mut self.bytes_mut()[y * width..][..width]
    }

    /// Enlarges the plane to the given size by repeating the last column and row.
    pub(super) fn pad(&mut self, (width, height): Size) -> Result<()> {
        let old = self.size();
        if old == (width, height) {
            return Ok(());
        }
        self.reset((width, height))?;
        let bytes = self.bytes_mut();
        let first = if old.0 == width { old.1 } else { 0 };
        // From the last row up, so that no row is overwritten before it is moved.
        for y in (first..height).rev() {
            let from = y.min(old.1 - 1) * old.0;
            bytes.copy_within(from..from + old.0, y * width);
            let last = bytes[y * width + old.0 - 1];
            bytes[y * width + old.0..][..width - old.0].fill(last);
        }
        Ok(())
    }
}

/// The planes of a JPEG: Y and, unless it is gray, Cb and Cr.
#[derive(Debug, Default)]
pub(super) struct YccPlanes {
    /// Y, Cb, Cr; the last two are unused if `chroma` is `None`.
    pub(super) planes: [BytePlane; 3],
    /// How many times chroma is halved across and down; `None` without chroma.
    pub(super) chroma: Option<(u8, u8)>,
}

impl YccPlanes {
    /// Sets the size and subsampling. The samples are unspecified afterwards.
    pub(super) fn reset(&mut self, size: Size, chroma: Option<(u8, u8)>) -> Result<()> {
        self.chroma = chroma;
        let [luma, cb, cr] = &mut self.planes;
        luma.reset(size)?;
        let Some(log2) = chroma else { return Ok(()) };
        cb.reset(chroma_size(size, log2))?;
        cr.reset(chroma_size(size, log2))
    }

    /// The planes in use.
    pub(super) fn used(&self) -> &[BytePlane] {
        &self.planes[..self.count()]
    }

    /// The planes in use.
    pub(super) fn used_mut(&mut self) -> &mut [BytePlane] {
        let count = self.count();
        &mut self.planes[..count]
    }

    fn count(&self) -> usize {
        if self.chroma.is_some() { 3 } else { 1 }
    }

    /// Pads all planes to whole blocks, which the compressor reads.
    pub(super) fn pad(&mut self) -> Result<()> {
        const BLOCK: usize = 8;
        for plane in self.used_mut() {
            let (width, height) = plane.size();
            plane.pad((width.next_multiple_of(BLOCK), height.next_multiple_of(BLOCK)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_repeats_the_last_column_and_row() {
        let mut plane = BytePlane::default();
        plane.reset((2, 2)).unwrap();
        plane.bytes_mut().copy_from_slice(&[1, 2, 3, 4]);
        plane.pad((2, 3)).unwrap();
        assert_eq!(plane.bytes(), [1, 2, 3, 4, 3, 4]);
        plane.pad((4, 4)).unwrap();
        assert_eq!(plane.bytes(), [1, 2, 2, 2, 3, 4, 4, 4, 3, 4, 4, 4, 3, 4, 4, 4]);
    }

    #[test]
    fn all_planes_get_whole_blocks() {
        let mut planes = YccPlanes::default();
        planes.reset((19, 9), Some((1, 1))).unwrap();
        planes.pad().unwrap();
        assert_eq!(planes.planes.each_ref().map(BytePlane::size), [(24, 16), (16, 8), (16, 8)]);
    }

    #[test]
    fn buffers_are_kept_when_frames_get_smaller() {
        let mut planes = YccPlanes::default();
        planes.reset((64, 64), Some((0, 0))).unwrap();
        let place = planes.planes[0].bytes().as_ptr();
        planes.reset((8, 8), Some((0, 0))).unwrap();
        planes.reset((64, 64), Some((0, 0))).unwrap();
        assert_eq!(planes.planes[0].bytes().as_ptr(), place);
    }
}
