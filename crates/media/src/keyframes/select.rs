//! Reads packets and makes a job for each keyframe.

use std::{collections::VecDeque, sync::Arc};

use moviola_av::{demuxer::Demuxer, packet::Packet, trace};

use super::{cues::Cues, numbers::KeyframeNumbers};
use crate::{
    bitstream::{
        access::{Access, Classifier},
        parameter_sets::Snapshot,
    },
    error::{Error, Result},
    input::{OpenInput, VideoStream, encrypted},
    source::cannot_read,
};

/// Everything that a decoder needs to decode one keyframe from a clean state.
#[derive(Debug)]
pub(super) struct KeyframeJob {
    /// The packet, or the two packets of a frame coded as two fields.
    pub(super) packets: Vec<Packet>,
    /// The parameter sets in force before the first packet.
    pub(super) before: Snapshot,
    /// Version of the parameter sets after the last packet.
    pub(super) after: u64,
    /// The latest extradata in a packet, and how often it has changed.
    pub(super) extradata: (u64, Option<Arc<[u8]>>),
    /// Ticks from a count of frames, for streams whose packets carry no times.
    pub(super) counted_pts: Option<i64>,
    /// Its number among all frames, if known.
    pub(super) number: Option<u64>,
}

impl KeyframeJob {
    /// The keyframe's presentation time in ticks, by its packet.
    pub(super) fn ticks(&self) -> Option<i64> {
        let packet = self.packets.first()?;
        packet.pts().or(self.counted_pts).or(packet.dts())
    }
}

/// Selects the keyframes of one stream: an iterator over jobs.
#[derive(Debug)]
pub(super) struct Selector {
    name: String,
    demuxer: Demuxer,
    video: Arc<VideoStream>,
    classifier: Classifier,
    numbers: KeyframeNumbers,
    /// Packets that were read but not yet examined.
    read_ahead: VecDeque<Packet>,
    extradata: (u64, Option<Arc<[u8]>>),
    /// Packets of the video that were read.
    packets: usize,
    /// Frames before the next packet.
    frames: u64,
    /// Whether packets without the key flag aren't read, and hold zeros.
    flagged_only: bool,
    /// The container's list of keyframes, unless it was wrong.
    cues: Option<Cues>,
    /// Whether the demuxer was moved to the next packet because it should be a keyframe.
    jumped: bool,
    /// Keyframes up to this time were returned before the demuxer was moved back.
    already: Option<i64>,
    ended: bool,
}

impl Selector {
    /// The keyframes of the `video` of `input`, which reads nothing else.
    pub(super) fn new(input: OpenInput, video: Arc<VideoStream>) -> Self {
        let numbers = KeyframeNumbers::of(&input, &video);
        let OpenInput { name, mut demuxer, mut read_ahead, .. } = input;
        let classifier = Classifier::of(&video.parameters);
        let flagged_only =
            demuxer.format_name().starts_with("mov") && skip_other_samples(&mut demuxer, &video);
        let first = read_ahead.front();
        let cues = first.and_then(|first| Cues::load(&mut demuxer, video.index, first));
        if cues.is_some() {
            read_ahead.clear(); // they come again
        }
        Self {
            name,
            demuxer,
            video,
            classifier,
            numbers,
            read_ahead,
            extradata: (0, None),
            packets: 0,
            frames: 0,
            flagged_only,
            cues,
            jumped: false,
            already: None,
            ended: false,
        }
    }

    /// The next keyframe; `None` at the end. After an error there are no more.
    pub(super) fn next(&mut self) -> Option<Result<KeyframeJob>> {
        if self.ended {
            return None;
        }
        let job = self.find_next().transpose();
        self.ended = !matches!(job, Some(Ok(_)));
        job
    }

    fn find_next(&mut self) -> Result<Option<KeyframeJob>> {
        self.jump();
        loop {
            let Some(packet) = self.read()? else {
                if self.jumped && self.go_back() {
                    continue;
                }
                return self.check_complete();
            };
            let before = self.classifier.parameter_sets();
            let (access, why) = self.classify(&packet);
            let counted_pts = self.count(&packet, access);
            let is_key = matches!(access, Access::Key | Access::KeyField);
            let left_out = match self.unexpected(&packet, is_key) {
                None if !is_key => Some(why),
                None if packet.is_discard() => Some("the container says not to show it"),
                unexpected => unexpected,
            };
            let (decision, why) = left_out.map_or(("kept", why), |why| ("left out", why));
            emit_decision(&packet, decision, why);
            if left_out.is_some() {
                continue;
            }
            let number = self.numbers.number(&packet);
            let mut packets = vec![packet];
            if access == Access::KeyField {
                packets.extend(self.read_second_field()?);
            }
            let after = self.classifier.parameter_sets().version;
            let extradata = self.extradata.clone();
            return Ok(Some(KeyframeJob {
                packets,
                before,
                after,
                extradata,
                counted_pts,
                number,
            }));
        }
    }

    /// Moves to the next keyframe, if the cues list it.
    fn jump(&mut self) {
        self.jumped = self.cues.as_ref().is_some_and(|cues| cues.jump(&mut self.demuxer));
        if self.jumped {
            self.read_ahead.clear();
            let why = "the container's cues say where the next keyframe is: what lies before it is \
                       passed over, unread and uncounted";
            trace::emit_decision("left out", why, None, 0);
        }
    }

    /// Moves back to the keyframe that was read last, to read every packet from there on. Returns
    /// `false` if the demuxer can't be moved there.
    fn go_back(&mut self) -> bool {
        self.jumped = false;
        self.already = self.cues.take().and_then(|cues| cues.go_back(&mut self.demuxer));
        self.already.is_some()
    }

    /// Why a packet isn't taken, if it isn't new, or isn't the keyframe that the cues list. Cues
    /// that were wrong are no longer used.
    fn unexpected(&mut self, packet: &Packet, is_key: bool) -> Option<&'static str> {
        let again = self.already.is_some_and(|already| packet.pts() <= Some(already));
        if !(is_key || self.jumped) && packet.is_key() {
            self.cues = None; // they list packets that only the container marks as keyframes
        }
        if again {
            return Some("it came before, and was read again because the cues were wrong");
        }
        if !(is_key || self.jumped) {
            return None;
        }
        let right = self.cues.as_mut().is_none_or(|cues| is_key && cues.confirm(packet));
        if self.jumped && !right {
            let why = "the cues were wrong about it, so what lies before it is read first";
            return self.go_back().then_some(why);
        }
        if !right {
            self.cues = None;
        }
        self.jumped = false;
        None
    }

    /// The packet after a first field, if it completes the frame; else it is kept for later.
    fn read_second_field(&mut self) -> Result<Option<Packet>> {
        let Some(packet) = self.read()? else { return Ok(None) };
        // Classifying changes the classifier, and a packet must be classified once: a second field
        // is recognised without a change, then classified.
        if self.classifier.would_complete(packet.data()) {
            let (_, why) = self.classify(&packet);
            emit_decision(&packet, "kept", why);
            return Ok(Some(packet));
        }
        self.packets -= 1;
        self.read_ahead.push_front(packet);
        Ok(None)
    }

    /// Classifies a packet, and says why.
    fn classify(&mut self, packet: &Packet) -> (Access, &'static str) {
        if let Some(extradata) = packet.new_extradata() {
            self.classifier.learn_extradata(extradata);
            if self.extradata.1.as_deref() != Some(extradata) {
                self.extradata = (self.extradata.0 + 1, Some(extradata.into()));
            }
        }
        if self.flagged_only && !packet.is_key() {
            return (Access::Other, "the index doesn't mark it, so its bytes aren't read");
        }
        let access = self.classifier.classify(packet.data(), packet.is_key());
        (access, self.classifier.why(access))
    }

    /// Counts frames, and returns the time by count if the packet has none of its own.
    fn count(&mut self, packet: &Packet, access: Access) -> Option<i64> {
        let number = self.frames;
        self.frames += u64::from(access != Access::SecondField);
        if packet.pts().is_some() || packet.dts().is_some() {
            return None;
        }
        self.video.counted_ticks(number)
    }

    /// The next packet of the video.
    fn read(&mut self) -> Result<Option<Packet>> {
        let packet = match self.read_ahead.pop_front() {
            Some(packet) => packet,
            None => match self.demux()? {
                Some(packet) => packet,
                None => return Ok(None),
            },
        };
        if packet.is_encrypted() {
            return Err(encrypted(&self.name));
        }
        self.packets += 1;
        Ok(Some(packet))
    }

    fn demux(&mut self) -> Result<Option<Packet>> {
        loop {
            match self.demuxer.read_packet() {
                Ok(Some(packet)) if packet.stream_index() != self.video.index => {}
                Ok(packet) => return Ok(packet),
                Err(cause) => return Err(self.broken_off(cause)),
            }
        }
    }

    /// Checks at the end whether all keyframes in the container's index were read, because FFmpeg
    /// reports no error for a truncated file.
    fn check_complete(&self) -> Result<Option<KeyframeJob>> {
        if self.packets == 0 {
            let reason = "there is no picture in its video: the file may be truncated or still \
                          being written";
            return Err(Error::no_video(&self.name, reason));
        }
        let listed = self.demuxer.index_entries(self.video.index);
        let missing = match &self.cues {
            Some(cues) => cues.missing(),
            None if !self.demuxer.format_name().starts_with("mov") => 0,
            None => {
                listed.skip(self.packets).filter(|entry| entry.keyframe && !entry.discard).count()
            }
        };
        match missing {
            0 => Ok(None),
            keyframes => Err(Error::Truncated { name: self.name.clone(), keyframes }),
        }
    }

    fn broken_off(&self, cause: moviola_av::error::Error) -> Error {
        match cannot_read(&self.name, cause) {
            Error::Demux { name, cause, .. } => {
                // FFmpeg skips the media data on its way to the index, and can't go back.
                let late_index = self.demuxer.format_name().starts_with("mov")
                    && !self.demuxer.can_seek()
                    && self.packets == 0;
                let reason = if late_index {
                    "this MP4 keeps its index behind its pictures, which a pipe can't go back to: \
                     name the file instead, or move the index to its front"
                        .to_owned()
                } else {
                    format!("reading breaks off: {cause}; what came before is complete")
                };
                Error::Demux { name, reason, cause }
            }
            other => other,
        }
    }
}

/// Emits a DECISION event for a packet.
fn emit_decision(packet: &Packet, decision: &str, why: &str) {
    trace::emit_decision(decision, why, packet.pts(), packet.data().len());
}

/// Makes the demuxer read no samples of an MP4 but keyframes, which its index lists.
///
/// FFmpeg's own way (`AVDISCARD_NONKEY`) reads as little, but loses count of composition offsets:
/// with B-frames every keyframe after the first would get another frame's time. `false` if
/// there is no index, or if the source can't seek.
fn skip_other_samples(demuxer: &mut Demuxer, video: &VideoStream) -> bool {
    let streams: Vec<_> = demuxer.streams().map(|stream| stream.index()).collect();
    let (mut unneeded, mut needed) = (Vec::new(), Vec::new());
    for stream in streams {
        for entry in demuxer.index_entries(stream) {
            let bytes = entry.position..entry.position.saturating_add(entry.size.into());
            let wanted = stream == video.index && entry.keyframe;
            if wanted { needed.push(bytes) } else { unneeded.push(bytes) }
        }
    }
    !needed.is_empty() && demuxer.skip_ranges(unneeded, needed)
}
