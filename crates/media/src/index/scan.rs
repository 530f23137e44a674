//! The index of a stream whose container has no complete tables: every packet is read once.

use std::{collections::HashSet, sync::Arc};

use moviola_av::{
    demuxer::Demuxer, error::Error as AvError, packet::Packet, parameters::CodecParameters,
};

use super::PacketEntry;
use crate::{
    bitstream::{
        access::{Access, Classifier, RandomAccess},
        parameter_sets::Snapshot,
    },
    input::VideoStream,
};

/// The result of reading all packets.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) packets: Vec<PacketEntry>,
    /// When the last packet that has a duration ends.
    pub(super) end: Option<i64>,
    /// Whether every packet has a presentation time.
    pub(super) timed: bool,
    /// Packets that hold the second field of the frame before.
    pub(super) second_fields: Vec<u32>,
    /// The parameter sets in force from a packet on.
    pub(super) sets: Vec<(u32, Snapshot)>,
    /// The extradata in force from a packet on, if it changes.
    pub(super) extradata: Vec<(u32, Arc<[u8]>)>,
    /// The error that ended the reading early.
    pub(super) broken_off: Option<AvError>,
}

/// Reads all packets of the stream, from the demuxer's first one on.
///
/// The bitstream says which packets are keyframes and second fields. Memory grows by 40
/// bytes a packet, most of which are given back at the end.
pub(super) fn scan(demuxer: &mut Demuxer, stream: &VideoStream) -> Scan {
    let parameters = &stream.parameters;
    let mut scanner = Scanner {
        parameters,
        classifier: Classifier::of(parameters),
        can_reorder: parameters.codec().can_reorder() && !parameters.is_intra_only(),
        scan: Scan {
            packets: Vec::new(),
            end: None,
            timed: true,
            second_fields: Vec::new(),
            sets: Vec::new(),
            extradata: Vec::new(),
            broken_off: None,
        },
        notes: Notes::default(),
    };
    loop {
        match demuxer.read_packet() {
            Ok(Some(packet)) if packet.stream_index() != stream.index => {}
            Ok(Some(packet)) => scanner.see(&packet),
            Ok(None) => break,
            Err(error) => {
                scanner.scan.broken_off = Some(error);
                break;
            }
        }
    }
    let Notes { sets, extradata, .. } = scanner.notes;
    Scan { sets, extradata, ..scanner.scan }
}

struct Scanner<'a> {
    parameters: &'a CodecParameters,
    classifier: Classifier,
    can_reorder: bool,
    scan: Scan,
    notes: Notes,
}

impl Scanner<'_> {
    fn see(&mut self, packet: &Packet) {
        let number = u32::try_from(self.scan.packets.len()).unwrap_or(u32::MAX);
        if let Some(extradata) = packet.new_extradata() {
            self.classifier.learn_extradata(extradata);
            self.notes.note_extradata(number, extradata, self.parameters.extradata());
        }
        let are_noted = self.notes.note(number, self.classifier.parameter_sets());
        let access = self.classifier.classify(packet.data(), packet.is_key());
        let is_key = matches!(access, Access::Key | Access::KeyField);
        // A decoder that reorders nothing outputs frames in the order of decoding.
        let ticks = packet.pts().or(packet.dts().filter(|_| !self.can_reorder));
        let is_field = access == Access::SecondField;
        if is_field {
            self.scan.second_fields.push(number);
        }
        self.scan.timed &= ticks.is_some() || is_field;
        let ticks = ticks.unwrap_or(i64::MIN);
        let end = packet.duration().and_then(|duration| ticks.checked_add(duration));
        self.scan.end = self.scan.end.max(end.filter(|_| !packet.is_discard()));
        self.scan.packets.push(PacketEntry {
            pts: ticks,
            // Decoding can't start where the sets in force are unknown.
            key: is_key && (are_noted || RandomAccess::of(self.parameters, packet).has_sets),
            shown: !packet.is_discard() && !is_field && access != Access::Invisible,
            position: packet.position(),
        });
    }
}

/// The parameter sets and the extradata in force, by packet.
#[derive(Default)]
struct Notes {
    sets: Vec<(u32, Snapshot)>,
    /// Begins with that of the container, if there is another.
    extradata: Vec<(u32, Arc<[u8]>)>,
    /// What the snapshots hold: those that hold the same share it.
    contents: HashSet<Arc<[u8]>>,
    bytes: usize,
}

impl Notes {
    /// Bytes that may be noted. Streams that take more have new sets all the time.
    const MOST_BYTES: usize = 1 << 20;

    /// Notes the sets that stood in the packets before packet `from`. `false` if there is no room
    /// for them.
    fn note(&mut self, from: u32, mut now: Snapshot) -> bool {
        let last = self.sets.last().map(|(_, last)| last);
        if now.version == last.map_or(0, |last| last.version)
            || last.is_some_and(|last| last.bytes == now.bytes)
        {
            return true;
        }
        let known = self.contents.get(&now.bytes).map(Arc::clone);
        let more = known.as_ref().map_or(now.bytes.len(), |_| 0) + size_of::<(u32, Snapshot)>();
        if self.bytes + more > Self::MOST_BYTES {
            return false;
        }
        self.bytes += more;
        match known {
            Some(known) => now.bytes = known,
            None => drop(self.contents.insert(Arc::clone(&now.bytes))),
        }
        self.sets.push((from, now));
        true
    }

    /// Notes the extradata that comes with packet `from`, if it isn't the one before; `first` is
    /// that of the container. What there is no room for is left out: decoders learn of it all the
    /// same, if they get that packet.
    fn note_extradata(&mut self, from: u32, now: &[u8], first: &[u8]) {
        let last = self.extradata.last().map_or(first, |(_, last)| last);
        let more = now.len() + first.len() + 2 * size_of::<(u32, Arc<[u8]>)>();
        if last == now || self.bytes + more > Self::MOST_BYTES {
            return;
        }
        self.bytes += more;
        if self.extradata.is_empty() {
            self.extradata.push((0, first.into()));
        }
        self.extradata.push((from, now.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(version: u64, content: u8, size: usize) -> Snapshot {
        Snapshot { version, bytes: vec![content; size].into() }
    }

    #[test]
    fn sets_that_come_again_take_no_room() {
        let mut notes = Notes::default();
        for version in 1..=10_000 {
            let content = (version / 2 % 2) as u8;
            assert!(notes.note(version as u32, snapshot(version, content, 1000)));
        }
        let places: Vec<_> = notes.sets.iter().map(|(from, _)| *from).take(4).collect();
        assert_eq!((places, notes.contents.len()), (vec![1, 2, 4, 6], 2));
    }

    #[test]
    fn sets_without_room_are_told() {
        let mut notes = Notes::default();
        assert!(notes.note(0, snapshot(0, 0, 0)), "there are none yet");
        assert!(notes.note(1, snapshot(1, 1, Notes::MOST_BYTES / 2)));
        assert!(!notes.note(2, snapshot(2, 2, Notes::MOST_BYTES / 2)));
        assert!(!notes.note(3, snapshot(2, 2, Notes::MOST_BYTES / 2)));
        assert!(notes.note(4, snapshot(3, 1, Notes::MOST_BYTES / 2)), "these are noted");
    }
}
