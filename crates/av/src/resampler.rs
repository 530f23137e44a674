//! Audio conversion with libswresample: sample rate, channel layout, and any format to 32-bit
//! floats.

use std::{ffi::c_int, fmt, ptr, ptr::NonNull};

use ffmpeg_sys_next as ffi;

use crate::{
    audio::{AudioFrame, ChannelLayout, EncodedStereo, MixLevels, SampleFormat},
    error::{Error, Result, check},
    log,
};

/// The format of the input or the output of a [`Resampler`].
#[derive(Debug, PartialEq)]
pub struct AudioFormat {
    /// The sample format.
    pub format: SampleFormat,
    /// The channel layout.
    pub layout: ChannelLayout,
    /// Samples per second.
    pub sample_rate: u32,
}

/// A converter of one audio stream.
///
/// Channels are mixed by FFmpeg's default matrix for the two layouts: centre and surround at −3 dB,
/// without the low-frequency channel, unless the stream specifies [levels](Self::with_levels) of
/// its own. Because the output is floats, the matrix is *not* scaled to keep sums below full scale:
/// stereo to mono is 0.707 × (left + right), which can exceed ±1.
///
/// Changing the sample rate needs input on both sides of an output sample, so the converter holds
/// some input back ([`delay`](Self::delay)) until [`flush`](Self::flush). The first output sample
/// has the time of the first input sample.
pub struct Resampler {
    raw: NonNull<ffi::SwrContext>,
    source: AudioFormat,
    target: AudioFormat,
}

// SAFETY: a SwrContext may be used from any thread, by one at a time; `&mut self` ensures that.
unsafe impl Send for Resampler {}

impl Resampler {
    /// Creates a converter from `source` to `target`, whose format must be 32-bit floats.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for another target format, or a rate of 0 or over 2³¹ − 1;
    /// [`Error::Ffmpeg`] if libswresample has no mix for the layouts; [`Error::OutOfMemory`].
    pub fn new(source: AudioFormat, target: AudioFormat) -> Result<Self> {
        Self::with_levels(source, target, None)
    }

    /// Creates a converter that mixes with the stream's own levels, if there are any: see
    /// [`AudioFrame::mix_levels`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_levels(
        source: AudioFormat,
        target: AudioFormat,
        levels: Option<MixLevels>,
    ) -> Result<Self> {
        log::silence();
        let floats = [SampleFormat::F32_PLANAR, SampleFormat::F32_INTERLEAVED];
        if !floats.contains(&target.format) {
            return Err(Error::InvalidArgument {
                what: "the format to resample to",
                expected: "flt or fltp",
                got: target.format.name().to_owned(),
            });
        }
        let (source_rate, target_rate) = (rate(source.sample_rate)?, rate(target.sample_rate)?);
        let mut raw = ptr::null_mut();
        // SAFETY: `raw` is null, so a context is made; the layouts are valid and are copied.
        let code = unsafe {
            ffi::swr_alloc_set_opts2(
                &raw mut raw,
                target.layout.raw(),
                target.format.to_raw(),
                target_rate,
                source.layout.raw(),
                source.format.to_raw(),
                source_rate,
                0,
                ptr::null_mut(),
            )
        };
        check("swr_alloc_set_opts2", code)?;
        let raw = NonNull::new(raw).ok_or(Error::OutOfMemory)?;
        let resampler = Self { raw, source, target };
        if let Some(levels) = levels {
            resampler.set_levels(levels)?;
        }
        // SAFETY: the context is owned and configured.
        check("swr_init", unsafe { ffi::swr_init(raw.as_ptr()) })?;
        Ok(resampler)
    }

    /// The input format.
    pub fn source(&self) -> &AudioFormat {
        &self.source
    }

    /// The output format.
    pub fn target(&self) -> &AudioFormat {
        &self.target
    }

    /// Whether `frame` has the input format.
    pub fn takes(&self, frame: &AudioFrame) -> bool {
        let AudioFormat { format, layout, sample_rate } = &self.source;
        *format == frame.format() && *sample_rate == frame.sample_rate() && layout == frame.layout()
    }

    /// Converts a frame and appends the output to `target`, one vector per plane. Returns the
    /// number of output samples per channel.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the frame does not have the input format, or `target` has the
    /// wrong number of planes.
    pub fn convert(&mut self, frame: &AudioFrame, target: &mut [Vec<f32>]) -> Result<usize> {
        expect(self.takes(frame), "in the converter's input format", frame)?;
        if frame.samples() == 0 {
            return Ok(0); // libswresample would flush
        }
        let planes = self.source.format.planes(self.source.layout.channels());
        let planes: Vec<_> = (0..planes).filter_map(|index| frame.plane(index)).collect();
        expect(planes.len() == self.source_planes(), "a frame with all its planes", frame)?;
        let pointers: Vec<_> = planes.iter().map(|plane| plane.as_ptr()).collect();
        // SAFETY: each plane holds `samples` samples of the source's format, and lives on.
        unsafe { self.convert_raw(&pointers, frame.samples(), target) }
    }

    /// Converts samples given as one slice per channel, all of the same length. The input format
    /// must be planar floats. Otherwise like [`convert`](Self::convert).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the samples do not have the input format, or `target` has the
    /// wrong number of planes.
    pub fn convert_planes(&mut self, source: &[&[f32]], target: &mut [Vec<f32>]) -> Result<usize> {
        let samples = source.first().map_or(0, |plane| plane.len());
        let fits = self.source.format == SampleFormat::F32_PLANAR
            && source.len() == self.source_planes()
            && source.iter().all(|plane| plane.len() == samples);
        expect(fits, "one slice of the same length for each input channel", source.len())?;
        if samples == 0 {
            return Ok(0); // libswresample would flush
        }
        let pointers: Vec<_> = source.iter().map(|plane| plane.as_ptr().cast()).collect();
        // SAFETY: each plane holds `samples` floats, and lives on.
        unsafe { self.convert_raw(&pointers, samples, target) }
    }

    /// Appends the output for the input held back to `target`. Nothing may be converted afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `target` has the wrong number of planes.
    pub fn flush(&mut self, target: &mut [Vec<f32>]) -> Result<usize> {
        // SAFETY: no samples go in.
        unsafe { self.convert_raw(&[], 0, target) }
    }

    /// The amount of input held back, in input samples, rounded.
    pub fn delay(&self) -> u64 {
        let base = i64::from(self.source.sample_rate);
        // SAFETY: `self` owns an initialised context, which the call only reads.
        u64::try_from(unsafe { ffi::swr_get_delay(self.raw.as_ptr(), base) }).unwrap_or(0)
    }

    /// Sets the mix levels; the context must not be initialised yet.
    fn set_levels(&self, levels: MixLevels) -> Result<()> {
        let encoded = levels.encoded_stereo.filter(|_| self.target.layout.name() == "stereo");
        let (encoding, center, surround) = match encoded {
            Some(EncodedStereo { encoding, center, surround }) => (encoding, center, surround),
            None => (0, levels.center, levels.surround),
        };
        let numbers =
            [(c"clev", center), (c"slev", surround), (c"lfe_mix_level", levels.low_frequency)];
        for (name, level) in numbers {
            // SAFETY: the context is owned and starts with a class; the name is zero-terminated.
            let code = unsafe {
                ffi::av_opt_set_double(self.raw.as_ptr().cast(), name.as_ptr(), level, 0)
            };
            check("av_opt_set_double", code)?;
        }
        let name = c"matrix_encoding";
        // SAFETY: as above.
        let code =
            unsafe { ffi::av_opt_set_int(self.raw.as_ptr().cast(), name.as_ptr(), encoding, 0) };
        check("av_opt_set_int", code).map(drop)
    }

    fn source_planes(&self) -> usize {
        self.source.format.planes(self.source.layout.channels())
    }

    /// Converts `samples` samples per channel and appends the output to `target`; without any,
    /// flushes.
    ///
    /// # Safety
    ///
    /// `source` must be empty, or contain for each input plane a pointer to `samples` samples.
    unsafe fn convert_raw(
        &mut self,
        source: &[*const u8],
        samples: usize,
        target: &mut [Vec<f32>],
    ) -> Result<usize> {
        let channels = self.target.layout.channels();
        let planes = self.target.format.planes(channels);
        expect(target.len() == planes, "one vector per output plane", target.len())?;
        let interleaved = if self.target.format.planar { 1 } else { channels };
        let samples = c_int::try_from(samples).map_err(|_| Error::OutOfMemory)?;
        // SAFETY: `self` owns an initialised context.
        let capacity = unsafe { ffi::swr_get_out_samples(self.raw.as_ptr(), samples) };
        let capacity = check("swr_get_out_samples", capacity)?;
        let lengths: Vec<_> = target.iter().map(Vec::len).collect();
        let floats = usize::try_from(capacity).unwrap_or(0) * interleaved;
        target.iter_mut().for_each(|plane| plane.resize(plane.len() + floats, 0.0));
        let new = target.iter_mut().zip(&lengths).map(|(plane, &length)| &mut plane[length..]);
        let pointers: Vec<*mut u8> = new.map(|plane| plane.as_mut_ptr().cast()).collect();
        let source = if source.is_empty() { ptr::null() } else { source.as_ptr() };
        // SAFETY: each target plane has room for `capacity` samples; the caller promises the
        // source.
        let count = unsafe {
            ffi::swr_convert(self.raw.as_ptr(), pointers.as_ptr(), capacity, source, samples)
        };
        let converted = usize::try_from(count).unwrap_or(0);
        for (plane, length) in target.iter_mut().zip(lengths) {
            plane.truncate(length + converted * interleaved);
        }
        check("swr_convert", count)?;
        Ok(converted)
    }
}

fn rate(rate: u32) -> Result<c_int> {
    c_int::try_from(rate).ok().filter(|&rate| rate > 0).ok_or_else(|| Error::InvalidArgument {
        what: "the sample rate",
        expected: "1 to 2147483647",
        got: rate.to_string(),
    })
}

fn expect(holds: bool, expected: &'static str, got: impl fmt::Debug) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::InvalidArgument { what: "audio to convert", expected, got: format!("{got:?}") })
}

impl Drop for Resampler {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: `self` owns the context, and nothing uses it after this.
        unsafe { ffi::swr_free(&raw mut raw) }
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler")
            .field("source", &self.source)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(channels: u16, sample_rate: u32) -> AudioFormat {
        let layout = ChannelLayout::usual(channels).unwrap();
        AudioFormat { format: SampleFormat::F32_PLANAR, layout, sample_rate }
    }

    #[test]
    fn equal_formats_leave_samples_unchanged() {
        let mut resampler = Resampler::new(audio(2, 8000), audio(2, 8000)).unwrap();
        let mut out = vec![vec![9.0], vec![9.0]];
        assert_eq!(resampler.convert_planes(&[&[0.5, 2.0], &[-0.5, 0.0]], &mut out), Ok(2));
        assert_eq!(resampler.flush(&mut out), Ok(0));
        assert_eq!(out, [[9.0, 0.5, 2.0], [9.0, -0.5, 0.0]]);
    }

    #[test]
    fn mono_is_louder_than_the_mean_of_stereo() {
        let target = AudioFormat { format: SampleFormat::F32_INTERLEAVED, ..audio(1, 8000) };
        let mut resampler = Resampler::new(audio(2, 8000), target).unwrap();
        let mut out = vec![Vec::new()];
        resampler.convert_planes(&[&[0.5], &[0.5]], &mut out).unwrap();
        assert!((out[0][0] - 0.5_f32.sqrt()).abs() < 1e-6, "{out:?}");
    }

    #[test]
    fn pieces_of_any_size_give_the_same_samples() {
        let wave: Vec<_> = (0_u16..5000).map(|n| (f32::from(n) * 0.05).sin()).collect();
        let resample = |size| {
            let mut resampler = Resampler::new(audio(1, 44_100), audio(1, 16_000)).unwrap();
            let mut out = vec![Vec::new()];
            for piece in wave.chunks(size) {
                resampler.convert_planes(&[piece], &mut out).unwrap();
            }
            assert!(resampler.delay() > 0);
            resampler.flush(&mut out).unwrap();
            out
        };
        let whole = resample(5000);
        assert_eq!(whole[0].len(), 1814); // 5000 × 16/44.1
        assert!([1, 7, 1024].iter().all(|&size| resample(size) == whole));
    }

    #[test]
    fn other_formats_rates_and_plane_counts_are_refused() {
        let short = AudioFormat { format: SampleFormat::from_raw(1).unwrap(), ..audio(1, 8000) };
        assert!(Resampler::new(audio(1, 8000), short).is_err());
        assert!(Resampler::new(audio(1, 0), audio(1, 8000)).is_err());
        let mut resampler = Resampler::new(audio(2, 8000), audio(1, 8000)).unwrap();
        assert!(resampler.convert_planes(&[&[0.0]], &mut [Vec::new()]).is_err());
        assert!(resampler.convert_planes(&[&[0.0], &[]], &mut [Vec::new()]).is_err());
        assert!(resampler.convert_planes(&[&[0.0], &[0.0]], &mut []).is_err());
    }
}
