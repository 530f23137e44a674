//! A video stream: its properties before anything is decoded.

use std::sync::Arc;

use moviola_av::{
    demuxer::Demuxer,
    error::{Error as AvError, Result as AvResult},
    media_kind::MediaKind,
    parameters::CodecParameters,
    stream::Stream,
    time::TimeBase,
};

use super::{
    SELF_DESCRIBING,
    select::{find_video, no_such_video},
};
use crate::{
    error::{Error, Result},
    frame_view::Orientation,
    source::{VideoChoice, cannot_read},
};

/// A video stream of a source.
#[derive(Debug, Clone)]
pub struct VideoStream {
    /// Its number among all streams.
    pub index: usize,
    /// Codec, size and extradata.
    pub parameters: Arc<CodecParameters>,
    /// The length of a tick of its timestamps, in seconds.
    pub time_base: TimeBase,
    /// Frames per second on average, as a ratio.
    pub frame_rate: Option<(u32, u32)>,
    /// How frames are turned upright.
    pub orientation: Orientation,
    /// The ratio of a pixel's width to its height, if the container has it.
    pub sample_aspect: Option<(u32, u32)>,
}

impl VideoStream {
    /// The stream that `choice` selects; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`moviola_av::error::Error::OutOfMemory`].
    pub fn pick(demuxer: &Demuxer, choice: VideoChoice) -> AvResult<Option<Self>> {
        let Some(stream) = find_video(demuxer, choice).and_then(|index| demuxer.stream(index))
        else {
            return Ok(None);
        };
        let Some(time_base) = stream.time_base() else { return Ok(None) };
        Ok(Some(Self {
            index: stream.index(),
            parameters: Arc::new(stream.parameters()?),
            time_base,
            frame_rate: stream.average_frame_rate(),
            orientation: stream.display_matrix()?.map(Orientation::of_matrix).unwrap_or_default(),
            sample_aspect: stream.sample_aspect_ratio(),
        }))
    }

    /// As [`pick`](Self::pick), but it is an error if the requested stream doesn't exist.
    pub(super) fn find(name: &str, demuxer: &Demuxer, choice: VideoChoice) -> Result<Option<Self>> {
        let video = Self::pick(demuxer, choice).map_err(|cause| cannot_read(name, cause))?;
        if video.is_some() || choice == VideoChoice::Best {
            return Ok(video);
        }
        match no_such_video(demuxer, choice) {
            Some(reason) => Err(Error::no_video(name, reason)),
            None => Err(no_video(name, demuxer)),
        }
    }

    /// The time of a frame by its number, in ticks, if frames follow each other at the stream's
    /// rate from 0 on. It is used for frames without a timestamp.
    pub(crate) fn counted_ticks(&self, number: u64) -> Option<i64> {
        let (rate_num, rate_den) = self.frame_rate?;
        let base = self.time_base;
        let num = i128::from(number) * i128::from(rate_den) * i128::from(base.den());
        let den = i128::from(rate_num) * i128::from(base.num());
        i64::try_from(num / den.max(1)).ok()
    }
}

/// Whether the header contains all that a decoder needs.
pub(super) fn is_self_describing(demuxer: &Demuxer, index: usize) -> bool {
    let Some(Ok(parameters)) = demuxer.stream(index).map(Stream::parameters) else { return false };
    SELF_DESCRIBING.contains(&demuxer.format_name())
        && parameters.width() > 0
        && parameters.height() > 0
        && parameters.has_decoder()
}

/// The error that there is no video, with the streams that there are.
pub(super) fn no_video(name: &str, demuxer: &Demuxer) -> Error {
    let has = |wanted: fn(&Stream<'_>) -> bool| demuxer.streams().any(|stream| wanted(&stream));
    let reason = if has(|stream| stream.disposition().is_attached_picture()) {
        "there is no video, only cover art"
    } else if has(|stream| stream.kind() == MediaKind::Audio) {
        "there is no video, only audio"
    } else {
        "there is no video in it"
    };
    Error::no_video(name, reason)
}

/// Fails if the video is encrypted, or this build has no decoder for it.
pub(super) fn check_decodable(name: &str, video: &VideoStream) -> Result<()> {
    if video.parameters.is_encrypted() {
        return Err(encrypted(name));
    }
    if !video.parameters.has_decoder() {
        let codec = video.parameters.codec_name();
        let reason = format!("this build has no decoder for its video codec ({codec})");
        return Err(Error::unsupported_video(name, reason));
    }
    Ok(())
}

/// The error that the video is encrypted.
pub(crate) fn encrypted(name: &str) -> Error {
    Error::unsupported_video(name, "the video is encrypted; decrypt it first")
}

/// The error that the stream's decoder can't be opened.
pub(crate) fn cannot_decode(name: &str, video: &VideoStream, cause: &AvError) -> Error {
    let codec = video.parameters.codec_name();
    let remedy = cause.remedy();
    let how =
        remedy.as_ref().map_or_else(String::new, |remedy| format!("; raise it with {remedy}"));
    let reason = format!("its video ({codec}) can't be decoded: {cause}{how}");
    Error::NoVideo { name: name.into(), reason, kind: cause.kind(), remedy }
}
