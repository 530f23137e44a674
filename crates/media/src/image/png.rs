//! The PNG encoder, to 8-bit RGB.

use ::png::{BitDepth, ColorType, Compression, Encoder};

use crate::frame_view::FrameView;

use super::{Encoded, ImageError, Result, geometry::ImageGeometry, rgb::RgbPass};

/// Options of PNG files. Every field has a working default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PngOptions {
    /// Shrink images to fit into this width and height in pixels, keeping their aspect ratio.
    /// Default: `None`.
    pub max_size: Option<(usize, usize)>,
    /// Keep the coded size and orientation instead of an upright image with square pixels.
    /// Default: `false`.
    pub coded: bool,
}

/// An encoder of frames as PNG files. For one thread.
///
/// Compression is fast rather than small. Samples of more than 8 bits are rounded to 8.
#[derive(Debug, Default)]
pub struct PngEncoder {
    options: PngOptions,
    rgb: RgbPass,
    output: Vec<u8>,
}

impl PngEncoder {
    /// An encoder with its own buffers.
    pub fn new(options: PngOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// The PNG file of a frame.
    ///
    /// # Errors
    ///
    /// [`ImageError::Convert`] if the frame can't be converted to RGB, [`ImageError::TooLarge`] if
    /// the image exceeds the limits or the memory, and [`ImageError::Encode`] if the encoder fails.
    pub fn encode(&mut self, view: &FrameView<'_>) -> Result<Encoded<'_>> {
        let geometry = ImageGeometry::new(view, self.options.max_size, self.options.coded)?;
        let pixels = self.rgb.run(view, &geometry)?;
        let (width, height) = geometry.size;
        self.output.clear();
        // `ImageGeometry` limits sides to far less than a `u32` holds.
        write(pixels, (width as u32, height as u32), &mut self.output)
            .map_err(|error| ImageError::Encode { format: "PNG", reason: error.to_string() })?;
        Ok(Encoded { width, height, bytes: &self.output })
    }
}

/// Appends the file of 8-bit RGB pixels to `output`.
fn write(
    pixels: &[u8],
    (width, height): (u32, u32),
    output: &mut Vec<u8>,
) -> std::result::Result<(), ::png::EncodingError> {
    let mut encoder = Encoder::new(output, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()
}
