//! JPEG compression by libjpeg, from finished samples.
//!
//! The library is MozJPEG, a libjpeg-turbo whose caller can choose the quantisation tables;
//! MozJPEG's slow optimisations are off. Accurate integer DCT, standard Huffman tables (tables
//! optimised for each image save 10 % and take three times as long), no restart markers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{
    ColorSpace, Compress,
    qtable::{Flat, QTable},
};

use super::{Encoded, ImageError, Result, geometry::Size, planes::YccPlanes};

/// A compressor to JPEG files of one quality; it keeps the buffer of the last file.
#[derive(Debug)]
pub(super) struct Compressor {
    luma: QTable,
    chroma: QTable,
    output: Vec<u8>,
}

impl Compressor {
    /// A compressor of quality 1 to 100 on libjpeg's scale; files are about as large as libjpeg's.
    ///
    /// The quantisation tables are flat, not those of ITU-T T.81 annex K that libjpeg uses. Annex K
    /// removes fine detail of video frames; flat tables bring SSIM nearer to 1 at equal size: 0.989
    /// instead of 0.984 at 200 kB for 1080p.
    pub(super) fn new(quality: u8) -> Self {
        let scale = quality_scale(quality);
        let step = |base: f32| (base * scale).round().clamp(1.0, 255.0);
        let (luma, chroma) = (step(LUMA_STEP), step(CHROMA_STEP));
        // Chroma's detail is coarser, but not its mean, which would shift the colour of areas.
        let (luma, chroma) = (flat_table(luma, luma), flat_table(luma, chroma));
        Self { luma, chroma, output: Vec::new() }
    }

    /// The file of an image of `size` whose planes are JFIF's, padded to whole blocks.
    ///
    /// # Errors
    ///
    /// [`ImageError::Encode`] if libjpeg fails.
    pub(super) fn planes(&mut self, planes: &YccPlanes, size: Size) -> Result<Encoded<'_>> {
        let [luma, cb, cr] = &planes.planes;
        let Some((across, down)) = planes.chroma else {
            return self.file(size, ColorSpace::JCS_GRAYSCALE, (1, 1), |mut started| {
                for y in 0..size.1 {
                    started.write_scanlines(&luma.row(y)[..size.0])?;
                }
                started.finish()
            });
        };
        self.file(size, ColorSpace::JCS_YCbCr, (1 << across, 1 << down), |mut started| {
            let whole = started.write_raw_data(&[luma.bytes(), cb.bytes(), cr.bytes()]);
            let file = started.finish()?;
            if whole { Ok(file) } else { Err(std::io::ErrorKind::WriteZero.into()) }
        })
    }

    /// The file of 8-bit RGB pixels, row by row without padding, in 4:4:4, so that drawn lines and
    /// letters keep their colours.
    ///
    /// # Errors
    ///
    /// [`ImageError::Encode`] if libjpeg fails.
    pub(super) fn rgb(&mut self, pixels: &[u8], size: Size) -> Result<Encoded<'_>> {
        self.file(size, ColorSpace::JCS_RGB, (1, 1), |mut started| {
            started.write_scanlines(pixels)?;
            started.finish()
        })
    }

    /// The file of the samples that `write` writes. `chroma` is the number of pixels that a chroma
    /// sample covers across and down.
    fn file(
        &mut self,
        size: Size,
        space: ColorSpace,
        chroma: (u8, u8),
        write: impl FnOnce(Started) -> std::io::Result<Vec<u8>>,
    ) -> Result<Encoded<'_>> {
        let mut output = std::mem::take(&mut self.output);
        output.clear();
        // The crate turns libjpeg's errors into panics. It prints nothing on stderr.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut compress = Compress::new(space);
            compress.set_fastest_defaults();
            compress.set_size(size.0, size.1);
            compress.set_luma_qtable(&self.luma);
            compress.set_chroma_qtable(&self.chroma);
            if space != ColorSpace::JCS_GRAYSCALE {
                compress.set_chroma_sampling_pixel_sizes(chroma, chroma);
            }
            compress.set_raw_data_in(space == ColorSpace::JCS_YCbCr);
            write(compress.start_compress(output)?)
        }));
        self.output = match outcome {
            Ok(written) => written.map_err(|error| refused(error.to_string()))?,
            Err(panic) => {
                let message = panic.downcast_ref::<String>().map(String::as_str);
                return Err(refused(message.unwrap_or("libjpeg failed").to_owned()));
            }
        };
        Ok(Encoded { width: size.0, height: size.1, bytes: &self.output })
    }
}

type Started = mozjpeg::compress::CompressStarted<Vec<u8>>;

/// Quantisation step of luma at quality 50. With these steps, files of qualities from 75 up are
/// about as large as with the tables of annex K.
const LUMA_STEP: f32 = 25.0;

/// Quantisation step of chroma at quality 50.
const CHROMA_STEP: f32 = 50.0;

/// The factor of a quality on the tables of quality 50: libjpeg's `jpeg_quality_scaling`.
fn quality_scale(quality: u8) -> f32 {
    let quality = f32::from(quality.clamp(1, 100));
    if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 }
}

/// A table with one step for a block's mean and another for its detail, with values between them
/// for the lowest frequencies. Steps are 1 to 255.
fn flat_table(mean: f32, detail: f32) -> QTable {
    // The crate offers scaled copies of its own tables only: this is the quality for a step.
    let quality = |step: f32| {
        const STEP_OF_FLAT: f32 = 16.0;
        let scale = step / STEP_OF_FLAT;
        if scale > 1.0 { 50.0 / scale } else { 100.0 - 50.0 * scale }
    };
    Flat.scaled(quality(mean), quality(detail))
}

fn refused(reason: String) -> ImageError {
    ImageError::Encode { format: "JPEG", reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_reached() {
        for step in 1..=255_u8 {
            let table = format!("{:?}", flat_table(step.into(), step.into()));
            let want = vec![step; 64];
            assert_eq!(table, format!("QTable{{coeffs:{want:?}}}"));
        }
    }

    #[test]
    fn quality_scales_as_in_libjpeg() {
        let scales = [100, 90, 75, 50, 25, 1].map(quality_scale);
        for (scale, want) in scales.into_iter().zip([0.0, 0.2, 0.5, 1.0, 2.0, 50.0]) {
            assert!((scale - want).abs() < 1e-6, "{scale}, not {want}");
        }
    }

    #[test]
    fn failures_of_libjpeg_are_errors() {
        let error = Compressor::new(90).rgb(&[], (65_501, 1)).unwrap_err();
        assert!(error.to_string().contains("65500"), "{error}");
    }
}
