//! Conversions of open inputs and streams to records.

use moviola_av::{
    color::{Color, ColorMatrix, ColorRange},
    pixel::PixelFormat,
};
use moviola_media::input::{AudioStream, OpenInput, VideoStream};

use super::{AudioRecord, ColorRecord, SCHEMA, SourceRecord, VideoRecord};

impl SourceRecord {
    /// The record of `input`, before a frame is decoded.
    pub fn of(input: &OpenInput) -> Self {
        Self {
            schema: SCHEMA,
            source: input.name().into(),
            container: input.container().into(),
            duration: input.duration(),
            video: input.video().map(VideoRecord::of),
            audio: input.audio().map(AudioRecord::of),
        }
    }

    /// Adds the pixel format and colour of a decoded frame.
    pub fn add_format(&mut self, format: PixelFormat, color: Color) {
        if let Some(video) = &mut self.video {
            video.add_format(format, color);
        }
    }
}

impl VideoRecord {
    /// The record of `stream`, from the container.
    pub fn of(stream: &VideoStream) -> Self {
        let parameters = &stream.parameters;
        let mut record = Self {
            stream: stream.index as u64,
            codec: parameters.codec_name().into(),
            width: known(parameters.width()),
            height: known(parameters.height()),
            frame_rate: stream.frame_rate.map(|(num, den)| f64::from(num) / f64::from(den)),
            rotation: u32::from(stream.orientation.quarter_turns) * 90,
            pixel_format: None,
            color: None,
            sample_aspect: stream.sample_aspect.filter(|(x, y)| x != y).map(|(x, y)| [x, y]),
            mirrored: stream.orientation.is_mirrored,
        };
        match parameters.pixel_format() {
            Some(format) => record.add_format(format, parameters.color()),
            None => record.color = ColorRecord::of(parameters.color()),
        }
        record
    }

    fn add_format(&mut self, format: PixelFormat, mut color: Color) {
        if format.is_full_range() {
            color.range = ColorRange::Full;
        }
        self.pixel_format = Some(format.name().into());
        self.color = ColorRecord::of(color);
    }
}

impl AudioRecord {
    /// The record of `stream`, from the container.
    pub fn of(stream: &AudioStream) -> Self {
        let parameters = &stream.parameters;
        Self {
            stream: stream.index as u64,
            codec: parameters.codec_name().into(),
            sample_rate: known(parameters.sample_rate()),
            channels: known(parameters.channels()),
        }
    }
}

impl ColorRecord {
    /// The record of a colour description; `None` if all of it is unspecified.
    fn of(color: Color) -> Option<Self> {
        let matrix = (color.matrix != ColorMatrix::Unspecified).then(|| color.matrix.name().into());
        let range = (color.range != ColorRange::Unspecified).then(|| color.range.name().into());
        (matrix.is_some() || range.is_some()).then_some(Self { matrix, range })
    }
}

/// The number, or `None` for 0, FFmpeg's value for unknown.
fn known(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}
