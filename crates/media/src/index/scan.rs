//! The index of a stream whose container has no complete tables: every packet is read once.

use moviola_av::{demuxer::Demuxer, error::Error as AvError, packet::Packet};

use super::{PacketEntry, Snapshot};
use crate::{
    bitstream::access::{Access, Classifier},
    media::VideoStream,
};

/// What a scan found out.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) packets: Vec<PacketEntry>,
    /// When the last packet that has a duration ends.
    pub(super) end: Option<i64>,
    /// Whether every packet says when it is shown.
    pub(super) timed: bool,
    /// Packets that hold the second field of the frame before.
    pub(super) second_fields: Vec<u32>,
    /// The parameter sets in force from a packet on.
    pub(super) sets: Vec<(u32, Snapshot)>,
    /// What ended the reading early.
    pub(super) broken_off: Option<AvError>,
}

/// Reads all packets of the stream, from the demuxer's first one on.
///
/// The bitstream says what a keyframe is, and which packets are second fields. Memory grows by 40
/// bytes a packet, most of which are given back at the end.
pub(super) fn scan(demuxer: &mut Demuxer, stream: &VideoStream) -> Scan {
    let parameters = &stream.parameters;
    let (codec, intra_only) = (parameters.codec_name(), parameters.is_intra_only());
    let mut scanner = Scanner {
        classifier: Classifier::new(codec, intra_only, parameters.extradata()),
        can_reorder: parameters.codec().can_reorder() && !intra_only,
        scan: Scan {
            packets: Vec::new(),
            end: None,
            timed: true,
            second_fields: Vec::new(),
            sets: Vec::new(),
            broken_off: None,
        },
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
    scanner.scan
}

/// Streams whose parameter sets take more have new ones all the time, and bring them along.
const MOST_SET_BYTES: usize = 1 << 20;

struct Scanner {
    classifier: Classifier,
    can_reorder: bool,
    scan: Scan,
}

impl Scanner {
    fn see(&mut self, packet: &Packet) {
        if let Some(extradata) = packet.new_extradata() {
            self.classifier.learn_extradata(extradata);
        }
        self.note_parameter_sets();
        let access = self.classifier.classify(packet.data(), packet.is_key());
        // A decoder that reorders nothing shows pictures in the order of decoding.
        let ticks = packet.pts().or(packet.dts().filter(|_| !self.can_reorder));
        let is_field = access == Access::SecondField;
        if is_field {
            self.scan.second_fields.extend(u32::try_from(self.scan.packets.len()));
        }
        self.scan.timed &= ticks.is_some() || is_field;
        let ticks = ticks.unwrap_or(i64::MIN);
        let end = packet.duration().and_then(|duration| ticks.checked_add(duration));
        self.scan.end = self.scan.end.max(end.filter(|_| !packet.is_discard()));
        self.scan.packets.push(PacketEntry {
            pts: ticks,
            key: matches!(access, Access::Key | Access::KeyField),
            shown: !packet.is_discard() && !is_field && access != Access::Invisible,
            position: packet.position(),
        });
    }

    /// Notes the sets that stood in the packets before.
    fn note_parameter_sets(&mut self) {
        let now = self.classifier.parameter_sets();
        let known = self.scan.sets.last().map_or(0, |(_, known)| known.version);
        let kept: usize = self.scan.sets.iter().map(|(_, sets)| sets.bytes.len()).sum();
        if now.version != known && kept < MOST_SET_BYTES {
            let from = u32::try_from(self.scan.packets.len()).unwrap_or(u32::MAX);
            self.scan.sets.push((from, now));
        }
    }
}
