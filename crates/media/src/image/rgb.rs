//! RGB pixels of an image, for PNG files and JPEG files with boxes.

use fast_image_resize::{
    PixelType, Resizer,
    images::{Image, ImageRef},
};

use crate::{convert::Rgb8Converter, frame_view::FrameView};

use super::{
    ImageError, Result,
    geometry::{ImageGeometry, Size, fits},
    scale::{bicubic, refused, side},
};

/// A converter to an image's RGB pixels that keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct RgbPass {
    converter: Option<(Rgb8Converter, Size)>,
    full: Vec<u8>,
    shrunk: Vec<u8>,
    resizer: Resizer,
}

impl RgbPass {
    /// The pixels of the image of a frame: red, green and blue, row by row without padding.
    ///
    /// # Errors
    ///
    /// [`ImageError::Convert`]; [`ImageError::TooLarge`] if memory runs out;
    /// [`ImageError::Encode`] if resizing fails.
    pub(super) fn run(&mut self, view: &FrameView<'_>, to: &ImageGeometry) -> Result<&mut [u8]> {
        // Shrinking is a pass of its own, which doesn't alias, unless the full size is too large.
        let full = if fits(to.full) { to.full } else { to.size };
        let view = FrameView { orientation: to.orientation, ..*view };
        self.convert(&view, full)?;
        if full == to.size {
            return Ok(pixels_mut(&mut self.full, full));
        }
        resize(&mut self.shrunk, to.size)?;
        let source = pixels_mut(&mut self.full, full);
        let source = ImageRef::new(side(full.0)?, side(full.1)?, source, PixelType::U8x3);
        let source = source.map_err(refused)?;
        let target = pixels_mut(&mut self.shrunk, to.size);
        let (width, height) = (side(to.size.0)?, side(to.size.1)?);
        let target = Image::from_slice_u8(width, height, target, PixelType::U8x3);
        let mut target = target.map_err(refused)?;
        self.resizer.resize(&source, &mut target, &bicubic()).map_err(refused)?;
        Ok(pixels_mut(&mut self.shrunk, to.size))
    }

    /// Converts the frame to `size` into `full`.
    fn convert(&mut self, view: &FrameView<'_>, size: Size) -> Result<()> {
        resize(&mut self.full, size)?;
        let mut converter = match self.converter.take() {
            Some((converter, made_for)) if made_for == size && converter.fits(view) => converter,
            _ => Rgb8Converter::new(view, size)?,
        };
        converter.run(view, pixels_mut(&mut self.full, size), 3 * size.0)?;
        self.converter = Some((converter, size));
        Ok(())
    }
}

/// Makes `pixels` long enough for an image of the given size; it never shrinks.
fn resize(pixels: &mut Vec<u8>, (width, height): Size) -> Result<()> {
    if let Some(more) = (3 * width * height).checked_sub(pixels.len()) {
        let too_large = |_| ImageError::TooLarge { width, height };
        pixels.try_reserve_exact(more).map_err(too_large)?;
        pixels.resize(3 * width * height, 0);
    }
    Ok(())
}

/// The part of a buffer that holds an image of `size`.
fn pixels_mut(buffer: &mut [u8], (width, height): Size) -> &mut [u8] {
    &mut buffer[..3 * width * height]
}
