//! An opened source: its container, the video stream to read, and where time begins.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{
    demuxer::Demuxer,
    error::{Error as AvError, Result as AvResult},
    interrupt::Interrupt,
    packet::Packet,
    parameters::CodecParameters,
    stage,
    stream::{MediaKind, Stream},
    time::{Pts, TimeBase},
};

use crate::{
    audio::AudioStream,
    container::{Container, discard_all_but, open_demuxer},
    damage::Damage,
    error::{Error, Result},
    frame_view::Orientation,
    hardware::Hardware,
    index::tables::{self, Bytes, Listing, ReadScope},
    source::{Source, SourceOptions, cannot_read},
};

/// Containers whose header tells all a decoder needs, so that no packet is read to find it out.
pub(crate) const SELF_DESCRIBING: [&str; 2] = ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"];

/// An opened container and the streams that are read from it: one of video, and perhaps one of
/// audio.
#[derive(Debug)]
pub struct Media {
    pub(crate) name: String,
    pub(crate) demuxer: Demuxer,
    /// Stops the demuxer where it blocks.
    pub(crate) interrupt: Interrupt,
    pub(crate) video: VideoStream,
    /// The audio whose packets come along with those of the video, if any do.
    pub(crate) audio: Option<AudioStream>,
    pub(crate) options: SourceOptions,
    pub(crate) hardware: Arc<Hardware>,
    /// Start of the presentation.
    pub(crate) start: Pts,
    /// Packets of these streams that were read to find the start, oldest first.
    pub(crate) read_ahead: VecDeque<Packet>,
    damage: Damage,
    /// The same bytes once more, unless they can be read once only.
    again: Option<Source>,
    /// The bytes themselves; `None` for pipes and addresses.
    bytes: Option<Bytes>,
}

/// What is known of the video stream before anything is decoded.
#[derive(Debug, Clone)]
pub struct VideoStream {
    /// Its number among all streams.
    pub index: usize,
    /// Codec, size and extradata.
    pub parameters: Arc<CodecParameters>,
    /// What its timestamps count.
    pub time_base: TimeBase,
    /// Frames per second on average, as a ratio.
    pub frame_rate: Option<(u32, u32)>,
    /// How to turn its pictures upright.
    pub orientation: Orientation,
    /// Width to height of a pixel, if the container says so.
    pub sample_aspect: Option<(u32, u32)>,
}

impl VideoStream {
    /// The stream to read: the one `wanted`, or as the ffmpeg command picks it, the one with most
    /// pixels, of several the first, one marked as default before the others. Cover art never.
    ///
    /// # Errors
    ///
    /// [`moviola_av::error::Error::OutOfMemory`].
    pub fn pick(demuxer: &Demuxer, wanted: Option<usize>) -> AvResult<Option<Self>> {
        let Some(stream) = find_video(demuxer, wanted).and_then(|index| demuxer.stream(index))
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

    /// When the frame of that number is shown, in ticks, if frames come at the stream's rate from 0
    /// on: the time of frames that have none of their own.
    pub(crate) fn counted_ticks(&self, number: u64) -> Option<i64> {
        let (rate_num, rate_den) = self.frame_rate?;
        let base = self.time_base;
        let num = i128::from(number) * i128::from(rate_den) * i128::from(base.den());
        let den = i128::from(rate_num) * i128::from(base.num());
        i64::try_from(num / den.max(1)).ok()
    }
}

impl Media {
    /// Opens `source` and picks its video stream.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] or [`Error::Demux`] if it can't be read, [`Error::NoVideo`] if it has no
    /// video that this build can decode.
    pub fn open(source: Source, options: SourceOptions) -> Result<Self> {
        let _stage = stage!("open");
        let wanted = options.stream;
        let tells = |demuxer: &Demuxer| tells_of_video(demuxer, wanted);
        let mut container = Container::open(source, options, tells)?;
        let video = VideoStream::pick(&container.demuxer, wanted)
            .map_err(|cause| cannot_read(&container.name, cause))?
            .ok_or_else(|| no_video(&container.name, &container.demuxer))?;
        check_decodable(&container.name, &video)?;
        container.find_start()?;
        Ok(Self::of_container(container, video, None))
    }

    /// The video of a container whose start was looked for, and the `audio` that is read along
    /// with it.
    pub(crate) fn of_container(
        mut container: Container,
        video: VideoStream,
        audio: Option<AudioStream>,
    ) -> Self {
        let audio_index = audio.as_ref().map(|audio| audio.index);
        container.keep(&[video.index, audio_index.unwrap_or(video.index)]);
        let Container { name, demuxer, interrupt, options, start, read_ahead, again, bytes } =
            container;
        Self {
            name,
            demuxer,
            interrupt,
            hardware: Hardware::choose(options.hwaccel, video.parameters.codec()),
            start: start.unwrap_or(Pts { ticks: 0, base: video.time_base }),
            video,
            audio,
            options,
            read_ahead,
            damage: Damage::default(),
            again,
            bytes,
        }
    }

    /// Which frames are found damaged, told as they are; for after the reading, which takes this.
    pub fn damage(&self) -> Damage {
        self.damage.clone()
    }

    /// The container, to read something else of it. Only while nothing was read.
    pub(crate) fn into_container(self) -> Container {
        let Self { name, demuxer, interrupt, options, start, read_ahead, again, bytes, .. } = self;
        let start = Some(start);
        Container { name, demuxer, interrupt, options, start, read_ahead, again, bytes }
    }

    /// Whether packets of a stream are read.
    pub(crate) fn reads(&self, stream: usize) -> bool {
        stream == self.video.index || self.audio.as_ref().is_some_and(|audio| stream == audio.index)
    }

    /// From now on reads the video only.
    pub(crate) fn leave_out_audio(&mut self) {
        self.audio = None;
        discard_all_but(&mut self.demuxer, &[self.video.index]);
    }

    /// Another demuxer of the same bytes, which gives the same packets of the video, from the
    /// first one on.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnce`] if the source is a pipe; else as [`Media::open`].
    pub(crate) fn reopen(&self) -> Result<Demuxer> {
        let again = self.again.as_ref().and_then(Source::try_clone);
        let again = again.ok_or_else(|| Error::ReadOnce { name: self.name.clone() })?;
        let tells = |demuxer: &Demuxer| tells_of_video(demuxer, self.options.stream);
        let opened = open_demuxer(again, &self.options, self.interrupt.clone(), tells);
        let (_, mut demuxer) = opened?;
        discard_all_but(&mut demuxer, &[self.video.index]);
        Ok(demuxer)
    }

    /// The source's bytes, beside the demuxer; `None` for pipes and addresses.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.bytes.as_ref()
    }

    /// Length of the source in bytes, if it is a file or memory; else 0.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.as_ref().map_or(0, Bytes::len)
    }

    /// The packets of the video as the container's tables list them, without reading any, if the
    /// tables are complete.
    pub fn listing(&self, reach: ReadScope) -> Option<Listing> {
        tables::list(self.bytes.as_ref()?, &self.demuxer, self.video.index, reach)
    }

    /// Whether the source can be read again, as a pipe can't.
    pub fn can_reopen(&self) -> bool {
        self.again.is_some()
    }

    /// The source as its user knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The container, in FFmpeg's words, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub fn container(&self) -> &str {
        self.demuxer.format_name()
    }

    /// The video stream.
    pub fn video(&self) -> &VideoStream {
        &self.video
    }

    /// Where the video is decoded, and why not in hardware.
    pub fn hardware(&self) -> &Arc<Hardware> {
        &self.hardware
    }

    /// Length of the presentation in seconds, if the container says so.
    pub fn duration(&self) -> Option<f64> {
        self.demuxer.duration_us().map(|us| us as f64 / 1e6)
    }

    /// Parameters of the first audio stream.
    pub fn audio(&self) -> Option<CodecParameters> {
        let stream = self.demuxer.streams().find(|stream| stream.kind() == MediaKind::Audio)?;
        stream.parameters().ok()
    }

    /// Seconds from the start of the presentation to `pts`.
    pub fn time_of(&self, pts: Pts) -> f64 {
        pts.seconds_since(self.start)
    }

    /// Start of the presentation, from which time is counted.
    pub fn start(&self) -> Pts {
        self.start
    }

    /// Ends reading, whoever reads: it fails from then on.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// [`SourceOptions::decoders`], at least 1: as many workers a reader can keep busy.
    pub fn decoders(&self) -> usize {
        self.options.decoders.max(1)
    }
}

/// The number of the stream that [`VideoStream::pick`] gives.
pub(crate) fn find_video(demuxer: &Demuxer, wanted: Option<usize>) -> Option<usize> {
    let is_video = |stream: &Stream<'_>| {
        stream.kind() == MediaKind::Video && !stream.disposition().is_attached_picture()
    };
    let score = |stream: &Stream<'_>| {
        const DEFAULT_BONUS: u64 = 5_000_000;
        let pixels = stream
            .parameters()
            .map_or(0, |parameters| u64::from(parameters.width()) * u64::from(parameters.height()));
        pixels + if stream.disposition().is_default() { DEFAULT_BONUS } else { 0 }
    };
    if let Some(wanted) = wanted {
        return demuxer.streams().find(|s| s.index() == wanted && is_video(s)).map(|s| s.index());
    }
    let mut best = None;
    for stream in demuxer.streams().filter(is_video) {
        let score = score(&stream);
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, stream.index()));
        }
    }
    best.map(|(_, index)| index)
}

/// Whether the header alone tells all that is needed to find the video and decode it.
fn tells_of_video(demuxer: &Demuxer, wanted: Option<usize>) -> bool {
    find_video(demuxer, wanted).is_some_and(|index| is_self_describing(demuxer, index))
}

/// Whether the header alone tells all a decoder needs.
pub(crate) fn is_self_describing(demuxer: &Demuxer, index: usize) -> bool {
    let Some(Ok(parameters)) = demuxer.stream(index).map(Stream::parameters) else { return false };
    SELF_DESCRIBING.contains(&demuxer.format_name())
        && parameters.width() > 0
        && parameters.height() > 0
        && parameters.has_decoder()
}

pub(crate) fn no_video(name: &str, demuxer: &Demuxer) -> Error {
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

pub(crate) fn check_decodable(name: &str, video: &VideoStream) -> Result<()> {
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

pub(crate) fn encrypted(name: &str) -> Error {
    Error::unsupported_video(name, "the video is encrypted; decrypt it first")
}

/// Says that the stream's decoder can't be opened.
pub(crate) fn cannot_decode(name: &str, video: &VideoStream, cause: &AvError) -> Error {
    let codec = video.parameters.codec_name();
    let remedy = cause.remedy();
    let how =
        remedy.as_ref().map_or_else(String::new, |remedy| format!("; raise it with {remedy}"));
    let reason = format!("its video ({codec}) can't be decoded: {cause}{how}");
    Error::NoVideo { name: name.into(), reason, kind: cause.kind(), remedy }
}
