//! Frames of a stream on its own grid of samples: as floats, in their places, and in pieces.

use moviola_av::{
    audio::{AudioFrame, ChannelLayout, SampleFormat},
    error::{Error as AvError, Result as AvResult},
    resampler::{AudioFormat, Resampler},
    time::{Pts, TimeBase},
};

use super::{
    AudioOptions,
    output::Output,
    timeline::{Place, Timeline},
};

/// Samples of silence that are handed on at once, at most.
const SILENCE: u64 = 8192;

/// Where a stream's audio stands, and what waits to be handed on.
pub(super) struct Grid {
    /// Samples a second, as the first frame has them.
    pub(super) rate: u32,
    layout: ChannelLayout,
    pub(super) timeline: Timeline,
    pub(super) output: Output,
    /// What comes before this sample is dropped.
    pub(super) begin: i64,
    /// Number of the first sample of all.
    pub(super) origin: i64,
    /// Number of the first sample of what waits: silence, then samples.
    number: i64,
    silence: u64,
    samples: Vec<Vec<f32>>,
    to_float: Option<Resampler>,
}

impl Grid {
    /// For a stream whose first frame this is, and for a presentation that starts at `start`.
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
        let output = Output::new(rate, layout.try_clone()?, frame.mix_levels(), origin, options)?;
        Ok(Self {
            rate,
            timeline,
            output,
            begin: i64::MIN,
            origin,
            number: origin,
            silence: 0,
            samples: vec![Vec::new(); layout.channels()],
            to_float: None,
            layout,
        })
    }

    /// Number of the sample that is handed on next.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// A frame's samples, brought to the rate and the channels of the first.
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

    /// Keeps a frame until it is taken.
    pub(super) fn hold(&mut self, place: Place, mut planes: Vec<Vec<f32>>) {
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

    /// The next piece of what waits.
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

    /// Goes on at sample `begin`, wherever the next frames stand.
    pub(super) fn jump(&mut self, begin: i64) -> AvResult<()> {
        (self.begin, self.number, self.silence) = (begin, begin, 0);
        self.samples = vec![Vec::new(); self.layout.channels()];
        self.to_float = None;
        self.output.restart(begin)
    }
}
