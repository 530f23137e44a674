//! Conversion of a stream's samples to the wanted rate and channels.

use moviola_av::{
    audio::{ChannelLayout, MixLevels, SampleFormat},
    error::Result as AvResult,
    resampler::{AudioFormat, Resampler},
};

use super::{AudioOptions, Samples};

/// An upper bound of the input samples on each side that resampling reads, if the rate is kept or
/// raised. libswresample's filter has 32.
const FILTER: i64 = 64;

/// A converter of a stream's contiguous samples to the wanted rate and channels.
pub(super) struct AudioConverter {
    /// Samples per second of the stream.
    rate: u32,
    layout: ChannelLayout,
    levels: Option<MixLevels>,
    /// Number of the stream's first sample, at the stream's rate and at the wanted one.
    origin: (i64, i64),
    /// Samples per second and channels.
    wanted: (u32, u16),
    /// `None` if rate and channels are the wanted ones.
    resampler: Option<Resampler>,
    /// Number of the next output sample.
    next: i64,
}

impl AudioConverter {
    /// A converter for a stream of `rate` samples per second whose first sample has the number
    /// `origin`.
    pub(super) fn new(
        rate: u32,
        layout: ChannelLayout,
        levels: Option<MixLevels>,
        origin: i64,
        options: &AudioOptions,
    ) -> AvResult<Self> {
        let native = u16::try_from(layout.channels()).unwrap_or(0);
        let wanted = (options.sample_rate.unwrap_or(rate), options.channels.unwrap_or(native));
        let first = nearest(origin, wanted.0, rate);
        let (origin, resampler) = ((origin, first), None);
        let mut converter = Self { rate, layout, levels, origin, wanted, resampler, next: first };
        converter.restart(origin.0)?;
        Ok(converter)
    }

    /// Output samples per second.
    pub(super) fn sample_rate(&self) -> u32 {
        self.wanted.0
    }

    /// Number of output channels.
    pub(super) fn channels(&self) -> usize {
        self.wanted.1.into()
    }

    /// Number of the first output sample.
    pub(super) fn first(&self) -> i64 {
        self.origin.1
    }

    /// Number of the next output sample.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// The first input sample that is needed so that output samples from number `wanted` on equal
    /// those of converting the whole stream.
    pub(super) fn enough_for(&self, wanted: i64) -> i64 {
        let (origin, first) = self.origin;
        let (rate, wanted_rate) = (i64::from(self.rate), i64::from(self.wanted.0));
        let margin =
            if self.resampler.is_some() { FILTER + FILTER * rate / wanted_rate } else { 0 };
        let exact = i128::from(wanted - first) * i128::from(rate) / i128::from(wanted_rate);
        let enough = i64::try_from(exact).unwrap_or(i64::MAX) - margin;
        // The filter's phase repeats where both rates have a sample at the same time; conversion
        // must start at such a sample.
        let period = rate / gcd(rate, wanted_rate);
        origin + (enough.max(0) / period) * period
    }

    /// Drops the resampler's state. The next input sample is the stream's sample `number`, which
    /// comes from [`enough_for`](Self::enough_for).
    pub(super) fn restart(&mut self, number: i64) -> AvResult<()> {
        let (origin, first) = self.origin;
        self.next = first + nearest(number - origin, self.wanted.0, self.rate);
        let (wanted_rate, wanted_channels) = self.wanted;
        let same_channels = usize::from(wanted_channels) == self.layout.channels();
        if wanted_rate == self.rate && same_channels {
            return Ok(());
        }
        let format = SampleFormat::F32_PLANAR;
        let source =
            AudioFormat { format, layout: self.layout.try_clone()?, sample_rate: self.rate };
        let layout = match same_channels {
            true => self.layout.try_clone()?,
            false => ChannelLayout::usual(wanted_channels)?,
        };
        let target = AudioFormat { format, layout, sample_rate: wanted_rate };
        self.resampler = Some(Resampler::with_levels(source, target, self.levels)?);
        Ok(())
    }

    /// Converts samples of the stream; `None` if the resampler holds them back.
    pub(super) fn push(&mut self, planes: Vec<Vec<f32>>) -> AvResult<Option<Samples>> {
        let mut channels = planes;
        if let Some(resampler) = &mut self.resampler {
            let source: Vec<_> = channels.iter().map(Vec::as_slice).collect();
            let mut target = vec![Vec::new(); self.wanted.1.into()];
            resampler.convert_planes(&source, &mut target)?;
            channels = target;
        }
        Ok(self.hand_out(channels))
    }

    /// The samples that the resampler held back. Afterwards only [`restart`](Self::restart) may be
    /// called.
    pub(super) fn finish(&mut self) -> AvResult<Option<Samples>> {
        let Some(resampler) = &mut self.resampler else { return Ok(None) };
        let mut channels = vec![Vec::new(); self.wanted.1.into()];
        resampler.flush(&mut channels)?;
        Ok(self.hand_out(channels))
    }

    fn hand_out(&mut self, channels: Vec<Vec<f32>>) -> Option<Samples> {
        let samples = Samples { start: self.next, sample_rate: self.wanted.0, channels };
        self.next = samples.end();
        (!samples.is_empty()).then_some(samples)
    }
}

/// `number` × `to` ÷ `from`, rounded to the nearest, halves away from zero.
fn nearest(number: i64, to: u32, from: u32) -> i64 {
    let (num, den) = (i128::from(number) * i128::from(to), i128::from(from));
    let half = if num < 0 { -den / 2 } else { den / 2 };
    i64::try_from((num + half) / den).unwrap_or(i64::MAX)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
