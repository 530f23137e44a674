//! Images in the caller's memory: 8-bit colour, packed in one plane.

use moviola_av::plane::Plane;
use moviola_media::frame_view::{FrameColor, FrameView, Layout, Orientation};

use crate::error::{Error, Result};
use crate::letterbox::Size;

/// The order of the bytes of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue.
    Rgb8,
    /// Blue, green, red.
    Bgr8,
    /// Red, green, blue and one ignored byte.
    Rgba8,
    /// Blue, green, red and one ignored byte.
    Bgra8,
}

/// An upright image with square pixels, borrowed from the caller.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    /// The pixels, top row first.
    pub data: &'a [u8],
    /// Width and height in pixels.
    pub size: Size,
    /// Distance from one row to the next, in bytes.
    pub stride: usize,
    /// The order of the bytes of a pixel.
    pub format: PixelFormat,
}

impl<'a> ImageView<'a> {
    /// The image as the input of a converter.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `data` is too short for the size and stride, or rows overlap.
    pub(crate) fn frame_view(&self) -> Result<FrameView<'a>> {
        let Size { width, height } = self.size;
        let (bytes, rgb) = match self.format {
            PixelFormat::Rgb8 => (3u8, [0, 1, 2]),
            PixelFormat::Bgr8 => (3, [2, 1, 0]),
            PixelFormat::Rgba8 => (4, [0, 1, 2]),
            PixelFormat::Bgra8 => (4, [2, 1, 0]),
        };
        let row_bytes = width.checked_mul(usize::from(bytes));
        let plane = row_bytes
            .and_then(|row_bytes| Plane::from_slice(self.data, self.stride, row_bytes, height));
        let plane = plane.ok_or_else(|| {
            let expected = format!("enough for {width}x{height} {:?}", self.format);
            let got = format!("{} bytes with a stride of {}", self.data.len(), self.stride);
            Error::argument("image", &expected, got)
        })?;
        Ok(FrameView {
            width,
            height,
            layout: Layout::Packed { bytes, rgb },
            planes: [Some(plane), None, None],
            color: FrameColor::default(),
            orientation: Orientation::default(),
            sample_aspect: (1, 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_bytes_are_an_error() {
        let view = |len: usize, stride| {
            let size = Size { width: 4, height: 3 };
            let data = vec![0; len];
            ImageView { data: &data, size, stride, format: PixelFormat::Bgr8 }.frame_view().is_ok()
        };
        assert!(view(36, 12) && view(44, 16));
        assert!(!view(35, 12) && !view(43, 16) && !view(36, 11));
        assert!(!view(36, usize::MAX));
    }
}
