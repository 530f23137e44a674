//! The JPEG encoder for frames and RGB pixels.

use crate::frame_view::FrameView;

use super::{
    Annotation, Encoded, ImageError, Result, annotate,
    compressor::Compressor,
    geometry::{ImageGeometry, check_max_size},
    jfif::JfifPass,
    rgb::RgbPass,
};

/// Options of JPEG files. Every field has a working default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JpegOptions {
    /// Quality on libjpeg's scale, 1 to 100. Default: 90. FFmpeg's `-q:v 2` has the SSIM of 86.
    pub quality: u8,
    /// Shrink images to fit into this width and height in pixels, keeping their aspect ratio.
    /// Default: `None`.
    pub max_size: Option<(usize, usize)>,
    /// Keep the coded size and orientation instead of an upright image with square pixels.
    /// Default: `false`.
    pub coded: bool,
}

impl Default for JpegOptions {
    fn default() -> Self {
        Self { quality: 90, max_size: None, coded: false }
    }
}

/// An encoder of frames as JPEG files. For one thread.
///
/// One pass over the planes converts them to JFIF's colour; libjpeg takes the planes without a
/// detour through RGB. Chroma keeps its subsampling if JPEG supports it; RGB becomes 4:4:4.
///
/// # Examples
///
/// ```
/// use moviola_av::plane::Plane;
/// use moviola_media::image::{JpegEncoder, JpegOptions};
/// use moviola_media::frame_view::{FrameColor, Depth, Layout, Orientation, FrameView};
///
/// let gray = [128; 64 * 48];
/// let view = FrameView {
///     width: 64,
///     height: 48,
///     layout: Layout::Gray(Depth::EIGHT),
///     planes: [Plane::from_slice(&gray, 64, 64, 48), None, None],
///     color: FrameColor::default(),
///     orientation: Orientation { quarter_turns: 1, is_mirrored: false },
///     sample_aspect: (1, 1),
/// };
/// let mut encoder = JpegEncoder::new(JpegOptions::default())?;
/// let image = encoder.encode(&view)?;
/// assert_eq!((image.width, image.height), (48, 64));
/// # Ok::<(), moviola_media::image::ImageError>(())
/// ```
#[derive(Debug)]
pub struct JpegEncoder {
    options: JpegOptions,
    planes: JfifPass,
    rgb: RgbPass,
    compressor: Compressor,
}

impl JpegEncoder {
    /// An encoder with its own buffers.
    ///
    /// # Errors
    ///
    /// [`ImageError::InvalidArgument`] if the quality is not 1 to 100 or a side of `max_size` is 0.
    pub fn new(options: JpegOptions) -> Result<Self> {
        if !(1..=100).contains(&options.quality) {
            let got = options.quality.to_string();
            let (what, expected) = ("quality", "from 1 to 100");
            return Err(ImageError::InvalidArgument { what, expected, got });
        }
        check_max_size(options.max_size)?;
        let compressor = Compressor::new(options.quality);
        Ok(Self { options, planes: JfifPass::default(), rgb: RgbPass::default(), compressor })
    }

    /// The JPEG file of a frame.
    ///
    /// # Errors
    ///
    /// [`ImageError::Planes`] if a plane is missing or too small for size and layout,
    /// [`ImageError::InvalidArgument`] if size or layout are not supported,
    /// [`ImageError::TooLarge`] if the image exceeds JPEG's limits or the memory, and
    /// [`ImageError::Encode`] if libjpeg fails.
    pub fn encode(&mut self, view: &FrameView<'_>) -> Result<Encoded<'_>> {
        let geometry = ImageGeometry::new(view, self.options.max_size, self.options.coded)?;
        let planes = self.planes.run(view, &geometry)?;
        self.compressor.planes(planes, geometry.size)
    }

    /// The JPEG file of a frame with boxes drawn in, in 4:4:4 so that their colours stay sharp.
    ///
    /// Boxes are in pixels of the image before it is shrunk to the largest size.
    ///
    /// # Errors
    ///
    /// [`ImageError::Convert`] if the frame can't be converted to RGB, else those of
    /// [`encode`](Self::encode).
    pub fn encode_annotated(
        &mut self,
        view: &FrameView<'_>,
        boxes: &[Annotation<'_>],
    ) -> Result<Encoded<'_>> {
        let geometry = ImageGeometry::new(view, self.options.max_size, self.options.coded)?;
        let pixels = self.rgb.run(view, &geometry)?;
        let (size, full) = (geometry.size, geometry.full);
        let across = size.0 as f32 / full.0 as f32;
        let down = size.1 as f32 / full.1 as f32;
        let shrink = |boxed: &Annotation<'_>| {
            let [left, top, right, bottom] = boxed.area;
            [left * across, top * down, right * across, bottom * down]
        };
        for boxed in boxes {
            annotate(pixels, size, &[Annotation { area: shrink(boxed), ..*boxed }])?;
        }
        self.compressor.rgb(pixels, size)
    }

    /// The JPEG file of 8-bit RGB pixels, row by row without padding, at their own size.
    ///
    /// # Errors
    ///
    /// [`ImageError::InvalidArgument`] if `pixels` is not `3 × width × height` bytes, and
    /// [`ImageError::Encode`] if libjpeg fails.
    pub fn encode_rgb(&mut self, pixels: &[u8], size: (usize, usize)) -> Result<Encoded<'_>> {
        let (width, height) = size;
        let len = width.checked_mul(height).and_then(|area| area.checked_mul(3));
        if width == 0 || height == 0 || len != Some(pixels.len()) {
            let got = format!("{} bytes for {width}x{height}", pixels.len());
            let (what, expected) = ("pixels", "3 bytes for each of them");
            return Err(ImageError::InvalidArgument { what, expected, got });
        }
        self.compressor.rgb(pixels, size)
    }
}
