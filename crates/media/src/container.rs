//! A source whose container is open, before it is settled which of its streams are read.

use std::collections::VecDeque;

use moviola_av::{
    demuxer::Demuxer,
    discard::Discard,
    interrupt::Interrupt,
    packet::Packet,
    stream::{MediaKind, Stream},
    time::Pts,
};

use crate::{
    error::Result,
    index::tables::Bytes,
    media::find_video,
    source::{Source, SourceOptions, cannot_read},
};

/// How many packets may be read to learn where a stream of a Matroska file starts.
const MAX_LOOK_AHEAD: usize = 64;

/// An open container at its start.
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) demuxer: Demuxer,
    /// Stops the demuxer where it blocks.
    pub(crate) interrupt: Interrupt,
    pub(crate) options: SourceOptions,
    /// Start of the presentation, if it was looked for and there are pictures.
    pub(crate) start: Option<Pts>,
    /// Packets that were read to find the start, oldest first.
    pub(crate) read_ahead: VecDeque<Packet>,
    /// The same bytes once more, unless they can be read once only.
    pub(crate) again: Option<Source>,
    /// The bytes themselves; `None` for pipes and addresses.
    pub(crate) bytes: Option<Bytes>,
}

impl Container {
    /// Opens `source`. Unless the header `tells` all that decoders need, packets are read to find
    /// it out; they are read again.
    ///
    /// # Errors
    ///
    /// [`Error::Open`](crate::error::Error::Open) or [`Error::Demux`](crate::error::Error::Demux)
    /// if it can't be read.
    pub(crate) fn open(
        source: Source,
        options: SourceOptions,
        tells: impl FnOnce(&Demuxer) -> bool,
    ) -> Result<Self> {
        let interrupt = Interrupt::new();
        let source = source.opened()?;
        let (again, bytes) = (source.try_clone(), source.shared_bytes());
        let (name, demuxer) = open_demuxer(source, &options, interrupt.clone(), tells)?;
        let (start, read_ahead) = (None, VecDeque::new());
        Ok(Self { name, demuxer, interrupt, options, start, read_ahead, again, bytes })
    }

    /// Finds the earliest presentation time of the picture and of audio, where there is a picture.
    ///
    /// # Errors
    ///
    /// [`Error::Demux`](crate::error::Error::Demux) if the first packets can't be read.
    pub(crate) fn find_start(&mut self) -> Result<()> {
        let Some(video) = find_video(&self.demuxer, self.options.stream) else { return Ok(()) };
        (self.start, self.read_ahead) = find_start(&self.name, &mut self.demuxer, video)?;
        Ok(())
    }

    /// From now on reads these streams only.
    pub(crate) fn keep(&mut self, streams: &[usize]) {
        discard_all_but(&mut self.demuxer, streams);
        self.read_ahead.retain(|packet| streams.contains(&packet.stream_index()));
    }
}

/// Opens a demuxer, and reads packets to find out what the header doesn't tell.
pub(crate) fn open_demuxer(
    source: Source,
    options: &SourceOptions,
    interrupt: Interrupt,
    tells: impl FnOnce(&Demuxer) -> bool,
) -> Result<(String, Demuxer)> {
    let (name, mut demuxer) = source.demuxer(options, interrupt)?;
    if !tells(&demuxer) {
        demuxer.find_stream_info().map_err(|cause| cannot_read(&name, cause))?;
    }
    Ok((name, demuxer))
}

/// Leaves out all streams but these, where the format can skip them; elsewhere they still come.
pub(crate) fn discard_all_but(demuxer: &mut Demuxer, streams: &[usize]) {
    for stream in (0..demuxer.stream_count()).filter(|stream| !streams.contains(stream)) {
        demuxer.set_discard(stream, Discard::All);
    }
}

/// The earliest presentation time of the picture of stream `video` and of audio, and the packets
/// that were read to find it, oldest first.
///
/// The demuxer knows it once stream information was searched; MP4 knows it from its tables;
/// in Matroska the first packets tell.
fn find_start(
    name: &str,
    demuxer: &mut Demuxer,
    video: usize,
) -> Result<(Option<Pts>, VecDeque<Packet>)> {
    let is_presented =
        |stream: &Stream<'_>| stream.index() == video || stream.kind() == MediaKind::Audio;
    let presented = demuxer.streams().filter(is_presented);
    let mut starts: Vec<_> =
        presented.map(|stream| (stream.index(), known_start(&stream))).collect();
    let is_known =
        demuxer.start_time_us().is_some() || demuxer.index_entries(video).next().is_some();
    let mut read_ahead = VecDeque::new();
    for _ in 0..MAX_LOOK_AHEAD {
        if is_known || starts.iter().all(|(_, start)| start.is_some()) {
            break;
        }
        let read = demuxer.read_packet();
        let Some(packet) = read.map_err(|cause| cannot_read(name, cause))? else { break };
        let base = demuxer.stream(packet.stream_index()).and_then(Stream::time_base);
        if let (Some((_, start)), Some(ticks), Some(base)) = (
            starts.iter_mut().find(|(index, _)| *index == packet.stream_index()),
            packet.pts().or(packet.dts()),
            base,
        ) {
            start.get_or_insert(Pts { ticks, base });
        }
        read_ahead.push_back(packet);
    }
    let known = starts.into_iter().filter_map(|(_, start)| start);
    Ok((known.min_by(|a, b| a.cmp_instant(*b)), read_ahead))
}

/// What the container's tables, or the search for stream information, say of a stream's start.
fn known_start(stream: &Stream<'_>) -> Option<Pts> {
    Some(Pts { ticks: stream.start_pts()?, base: stream.time_base()? })
}
