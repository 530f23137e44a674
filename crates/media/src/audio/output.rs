//! The last step of audio: from the stream's rate and channels to the wanted ones.

use moviola_av::{
    audio::{ChannelLayout, MixLevels, SampleFormat},
    error::Result as AvResult,
    resampler::{AudioFormat, Resampler},
};

use super::{AudioOptions, Samples};

/// Input samples on each side of a place that resampling looks at, at most, if the rate is kept or
/// raised: libswresample's filter has 32.
const FILTER: i64 = 64;

/// Turns samples of a stream, which follow on each other without a gap, into what is wanted.
pub(super) struct Output {
    /// Of the stream.
    rate: u32,
    layout: ChannelLayout,
    levels: Option<MixLevels>,
    /// Number of the stream's first sample, and the number it has among those that come out.
    origin: (i64, i64),
    wanted: (u32, u16),
    resampler: Option<Resampler>,
    /// Number of the next sample to come out.
    next: i64,
}

impl Output {
    /// For a stream of `rate` samples a second whose first sample has the number `origin`.
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
        let mut output = Self { rate, layout, levels, origin, wanted, resampler, next: first };
        output.restart(origin.0)?;
        Ok(output)
    }

    /// Samples a second that come out.
    pub(super) fn sample_rate(&self) -> u32 {
        self.wanted.0
    }

    /// Channels that come out.
    pub(super) fn channels(&self) -> usize {
        self.wanted.1.into()
    }

    /// Number of the first sample of all.
    pub(super) fn first(&self) -> i64 {
        self.origin.1
    }

    /// Number of the next sample to come out.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// The sample of the stream from which on samples have to go in, for those from number `wanted`
    /// on to come out as if all had gone in.
    pub(super) fn enough_for(&self, wanted: i64) -> i64 {
        let (origin, first) = self.origin;
        let (rate, wanted_rate) = (i64::from(self.rate), i64::from(self.wanted.0));
        let margin =
            if self.resampler.is_some() { FILTER + FILTER * rate / wanted_rate } else { 0 };
        let exact = i128::from(wanted - first) * i128::from(rate) / i128::from(wanted_rate);
        let enough = i64::try_from(exact).unwrap_or(i64::MAX) - margin;
        // The filter has as many phases as it takes until both rates have a sample at one moment.
        let period = rate / gcd(rate, wanted_rate);
        origin + (enough.max(0) / period) * period
    }

    /// Forgets what went in; what comes next is the stream's sample with that number, from
    /// [`enough_for`](Self::enough_for).
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

    /// Takes samples of the stream; `None` if nothing comes out yet.
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

    /// What was held back; nothing may go in after it but after a restart.
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
