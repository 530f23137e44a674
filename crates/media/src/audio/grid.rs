//! The grid of samples of a stream: frames become floats at their positions, taken in pieces.

use moviola_av::{
    audio::{AudioFrame, ChannelLayout, SampleFormat},
    error::{Error as AvError, Result as AvResult},
    resampler::{AudioFormat, Resampler},
    time::{Pts, TimeBase},
};

use super::{
    AudioOptions,
    converter::AudioConverter,
    timeline::{SamplePlacement, Timeline},
};

/// The most samples of silence in one piece.
const SILENCE: u64 = 8192;

/// The position in a stream's audio, and the samples that were decoded but not taken yet.
pub(super) struct Grid {
    /// Samples per second of the first frame.
    pub(super) rate: u32,
    layout: ChannelLayout,
    pub(super) timeline: Timeline,
    pub(super) converter: AudioConverter,
    /// Samples with lower numbers are dropped.
    pub(super) begin: i64,
    /// Number of the stream's first sample.
    pub(super) origin: i64,
    /// Number of the next sample to be taken.
    number: i64,
    /// Samples of silence to be taken next.
    silence: u64,
    /// Samples to be taken after the silence, by channel.
    samples: Vec<Vec<f32>>,
    to_float: Option<Resampler>,
}

impl Grid {
    /// A grid for a stream with this first frame, in a presentation that starts at `start`.
    ///
    /// `base` is the time base of the frame's timestamps.
    pub(super) fn new(
        frame: &AudioFrame,
        start: Pts,
        base: TimeBase,
        may_jump: bool,
        options: &AudioOptions,
    ) -> AvResult<Self> {
        let (rate, layout) = (frame.sample_rate(), frame.layout().try_clone()?);
        // A frame's rate is never 0.
        let timeline = Timeline::new(start, base, rate, may_jump).ok_or(AvError::OutOfMemory)?;
        let origin = frame.pts().map_or(0, |ticks| timeline.position(ticks));
        let converter =
            AudioConverter::new(rate, layout.try_clone()?, frame.mix_levels(), origin, options)?;
        Ok(Self {
            rate,
            timeline,
            converter,
            begin: i64::MIN,
            origin,
            number: origin,
            silence: 0,
            samples: vec![Vec::new(); layout.channels()],
            to_float: None,
            layout,
        })
    }

    /// Number of the sample that is taken next.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// A frame's samples as floats, converted to the rate and channels of the first frame.
    pub(super) fn floats_of(&mut self, frame: &AudioFrame) -> AvResult<Vec<Vec<f32>>> {
        let mut planes = vec![Vec::new(); self.layout.channels()];
        if let Some(old) = self.to_float.take_if(|resampler| !resampler.takes(frame)) {
            let mut old = old;
            old.flush(&mut planes)?;
        }
        let to_float = match self.to_float.take() {
            Some(to_float) => to_float,
            None => self.converter_for(frame)?,
        };
        self.to_float.insert(to_float).convert(frame, &mut planes)?;
        Ok(planes)
    }

    fn converter_for(&self, frame: &AudioFrame) -> AvResult<Resampler> {
        let source = AudioFormat {
            format: frame.format(),
            layout: frame.layout().try_clone()?,
            sample_rate: frame.sample_rate(),
        };
        let (format, layout) = (SampleFormat::F32_PLANAR, self.layout.try_clone()?);
        Resampler::new(source, AudioFormat { format, layout, sample_rate: self.rate })
    }

    /// Stores a placed frame's samples until they are taken.
    pub(super) fn hold(&mut self, place: SamplePlacement, mut planes: Vec<Vec<f32>>) {
        let early = self.begin.saturating_sub(place.start).max(0).cast_unsigned();
        let silence = place.silence.saturating_sub(early);
        let cut = place.cut + (early - (place.silence - silence)) as usize;
        self.number = place.start + (place.silence - silence).cast_signed();
        self.silence = silence;
        for plane in &mut planes {
            plane.drain(..cut.min(plane.len()));
        }
        self.samples = planes;
    }

    /// Takes the next piece; `None` if there are no samples.
    pub(super) fn take(&mut self) -> Option<Vec<Vec<f32>>> {
        let channels = self.layout.channels();
        let piece = if self.silence > 0 {
            let length = self.silence.min(SILENCE);
            self.silence -= length;
            vec![vec![0.0; length as usize]; channels]
        } else {
            std::mem::replace(&mut self.samples, vec![Vec::new(); channels])
        };
        let length = piece.first().map_or(0, Vec::len);
        self.number += length.cast_signed() as i64;
        (length > 0).then_some(piece)
    }

    /// Continues at sample `begin`: drops stored samples, and of the next frames those before it.
    pub(super) fn jump(&mut self, begin: i64) -> AvResult<()> {
        (self.begin, self.number, self.silence) = (begin, begin, 0);
        self.samples = vec![Vec::new(); self.layout.channels()];
        self.to_float = None;
        self.converter.restart(begin)
    }
}
