//! Matroska's cues: a list of keyframes, so that the packets between them need not be read.
//!
//! The format doesn't require a complete list. Some muxers are known to list every keyframe; their
//! cues are used after they were right about the first few, and each jump is checked.

use moviola_av::{
    demuxer::{Demuxer, SeekDirection},
    packet::Packet,
};

/// Muxers that write a cue for every keyframe of a video: FFmpeg, MKVToolNix, libwebm.
const COMPLETE: [&str; 3] = ["Lavf", "libebml", "libwebm"];

/// How many keyframes in a row must be where the cues say, before jumps begin.
const TRIAL: usize = 3;

/// The keyframes of a stream as its cues list them.
#[derive(Debug)]
pub(super) struct Cues {
    stream: usize,
    /// Their presentation times in ticks, ascending. Bounded by the cues in the file.
    times: Vec<i64>,
    /// The number of those that were read.
    read: usize,
}

impl Cues {
    /// Loads the cues of a stream with the first packet `first`, if they are probably complete.
    /// Then the demuxer is at that packet, else at its earlier position.
    pub(super) fn load(demuxer: &mut Demuxer, stream: usize, first: &Packet) -> Option<Self> {
        let metadata = demuxer.metadata();
        let muxer = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("encoder"));
        let known =
            muxer.is_some_and(|(_, muxer)| COMPLETE.iter().any(|name| muxer.starts_with(name)));
        // Files that were written to a pipe have neither a duration nor cues.
        let whole = demuxer.duration_us().is_some() && demuxer.io_counters().is_some();
        let begins = first.is_key() && first.pts().is_some();
        if !(demuxer.format_name().starts_with("matroska") && known && whole && begins) {
            return None;
        }
        // FFmpeg reads the cues when it first needs them.
        if let Err(error) = demuxer.seek(stream, i64::MIN / 2, SeekDirection::Forward) {
            tracing::debug!(%error, "no cues");
        }
        let entries = demuxer.index_entries(stream).filter(|entry| entry.keyframe);
        let mut times: Vec<_> = entries.filter_map(|entry| entry.timestamp).collect();
        times.sort_unstable();
        times.dedup();
        Some(Self { stream, times, read: 0 })
    }

    /// Whether the keyframe that was read is the next in the list.
    pub(super) fn confirm(&mut self, keyframe: &Packet) -> bool {
        let expected = self.times.get(self.read);
        let right = expected.is_some() && keyframe.pts() == expected.copied();
        self.read += usize::from(right);
        right
    }

    /// Moves to the next keyframe, if the list was right so far. Returns whether it moved.
    pub(super) fn jump(&self, demuxer: &mut Demuxer) -> bool {
        let Some(&next) = self.times.get(self.read) else { return false };
        self.read >= TRIAL && demuxer.seek(self.stream, next, SeekDirection::Backward).is_ok()
    }

    /// Moves back to the keyframe that was read last, because the list was wrong about the next.
    /// Returns its time.
    pub(super) fn go_back(&self, demuxer: &mut Demuxer) -> Option<i64> {
        let last = *self.times.get(self.read.checked_sub(1)?)?;
        demuxer.seek(self.stream, last, SeekDirection::Backward).ok()?;
        Some(last)
    }

    /// The number of keyframes in the list that weren't read.
    pub(super) fn missing(&self) -> usize {
        self.times.len() - self.read
    }
}
