//! Resampling of JFIF planes, for square pixels and smaller images.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use super::{
    ImageError, Result,
    geometry::Size,
    planes::{BytePlane, YccPlanes},
};

/// A resampler of planes that keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct PlaneScaler {
    resizer: Resizer,
}

impl PlaneScaler {
    /// Resamples `from` into `to`, which gets the given size and subsampling.
    ///
    /// The filter is bicubic and covers all source samples when shrinking, so nothing aliases.
    /// `from` may be padded by this.
    pub(super) fn scale(
        &mut self,
        from: &mut YccPlanes,
        (size, chroma): (Size, Option<(u8, u8)>),
        to: &mut YccPlanes,
    ) -> Result<()> {
        to.reset(size, chroma)?;
        let luma = from.planes[0].size();
        let ratio = (luma.0 as f64 / size.0 as f64, luma.1 as f64 / size.1 as f64);
        // How many samples of `from` one sample of `to` covers.
        let step = |ratio: f64, from: u8, to: u8| {
            ratio * f64::from(1_u32 << to) / f64::from(1_u32 << from)
        };
        let (old, new) = (from.chroma.unwrap_or_default(), chroma.unwrap_or_default());
        let chroma_step = (step(ratio.0, old.0, new.0), step(ratio.1, old.1, new.1));
        for (plane, (from, to)) in from.used_mut().iter_mut().zip(&mut to.planes).enumerate() {
            self.plane(from, if plane == 0 { ratio } else { chroma_step }, to)?;
        }
        Ok(())
    }

    /// Resamples one plane from its first sample on, `step` samples for each sample of `to`.
    ///
    /// A chroma plane's size is rounded up to whole samples, so the last sample of `to` may reach
    /// beyond `from`, which is then padded. Otherwise all chroma would be stretched a little.
    fn plane(&mut self, from: &mut BytePlane, step: (f64, f64), to: &mut BytePlane) -> Result<()> {
        let (to_width, to_height) = to.size();
        let crop_width = to_width as f64 * step.0;
        let crop_height = to_height as f64 * step.1;
        #[expect(clippy::cast_sign_loss, reason = "sizes and ratios are positive")]
        let reach = |crop: f64, have: usize| ((crop - 1e-6).ceil() as usize).max(have);
        let (width, height) = from.size();
        from.pad((reach(crop_width, width), reach(crop_height, height)))?;
        let (width, height) = from.size();
        let (crop_width, crop_height) =
            (crop_width.min(width as f64), crop_height.min(height as f64));
        let options = bicubic().crop(0.0, 0.0, crop_width, crop_height);
        let source = ImageRef::new(side(width)?, side(height)?, from.bytes(), PixelType::U8);
        let source = source.map_err(refused)?;
        let (wide, high) = (side(to_width)?, side(to_height)?);
        let target = Image::from_slice_u8(wide, high, to.bytes_mut(), PixelType::U8);
        let mut target = target.map_err(refused)?;
        self.resizer.resize(&source, &mut target, &options).map_err(refused)
    }
}

/// Bicubic with antialiasing, as in Pillow.
pub(super) fn bicubic() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
}

/// A side in the resampler's type.
pub(super) fn side(pixels: usize) -> Result<u32> {
    u32::try_from(pixels).map_err(refused)
}

pub(super) fn refused(error: impl std::fmt::Display) -> ImageError {
    ImageError::Encode { format: "smaller image", reason: error.to_string() }
}
