//! What containers' tables list is what FFmpeg reads, packet by packet.

use std::{fs, path::Path};

use moviola_av::{
    demuxer::{Demuxer, DemuxerOptions},
    packet::Packet,
};
use moviola_media::{
    index::tables::{Listed, Listing},
    media::Media,
    source::{Source, SourceOptions},
};
use moviola_tests::clips;

use crate::conformance::in_parallel;

/// A packet as FFmpeg gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Read {
    pts: Option<i64>,
    duration: Option<i64>,
    key: bool,
    discard: bool,
    position: Option<u64>,
}

impl From<&Packet> for Read {
    fn from(packet: &Packet) -> Self {
        Self {
            pts: packet.pts(),
            duration: packet.duration(),
            key: packet.is_key(),
            discard: packet.is_discard(),
            position: packet.position(),
        }
    }
}

/// What came of a clip.
enum Outcome {
    /// So many packets are the same; so many have another key flag once FFmpeg parses the codec.
    Same(usize, usize),
    /// The tables give no list.
    Unlisted(String),
    Different(String),
    /// It can't be opened at all.
    Closed,
}

fn media(clip: &Path) -> Option<Media> {
    Media::open(Source::path(clip), SourceOptions::default()).ok()
}

/// Every packet of a stream, and whether reading ended as it should. `parsed` says whether FFmpeg
/// may look into them: for some codecs it then decides by itself what a key frame is.
fn scan(clip: &Path, stream: usize, parsed: bool) -> (Vec<Read>, bool) {
    let options = DemuxerOptions { url: clip.to_string_lossy().into(), ..Default::default() };
    let mut demuxer = Demuxer::open(options).unwrap();
    if !parsed {
        assert!(demuxer.leave_out(Vec::new(), Vec::new()));
    }
    let mut packets = Vec::new();
    loop {
        match demuxer.read_packet() {
            Ok(Some(packet)) if packet.stream_index() == stream => packets.push((&packet).into()),
            Ok(Some(_)) => {}
            Ok(None) => return (packets, true),
            Err(_) => return (packets, false),
        }
    }
}

fn read_of(listed: Listed, key: bool, duration: Option<i64>) -> Read {
    let Listed { pts, discard, position, .. } = listed;
    Read { pts: Some(pts), duration, key, discard, position: Some(position) }
}

/// How the list differs from what was read.
fn difference(listing: &Listing, read: &[Read], with_key: bool) -> Option<String> {
    let pairs = listing.packets.iter().zip(read).enumerate();
    for (number, (&listed, read)) in pairs {
        let key = if with_key { listed.key } else { read.key };
        if read_of(listed, key, read.duration) != *read {
            return Some(format!("packet {number} is {read:?}, not {listed:?}"));
        }
    }
    let (listed, read) = (listing.packets.len(), read.len());
    (listed != read).then(|| format!("{read} packets, not {listed}"))
}

/// When the last shown packet ends.
fn end_of(read: &[Read]) -> Option<i64> {
    let last = read.iter().filter(|packet| !packet.discard).max_by_key(|packet| packet.pts)?;
    Some(last.pts? + last.duration?)
}

fn compare(clip: &Path) -> Outcome {
    let Some(media) = media(clip) else { return Outcome::Closed };
    let stream = media.video().index;
    let Some(listing) = media.listing() else {
        return Outcome::Unlisted(format!(
            "{}, {}",
            media.container().split(',').next().unwrap_or_default(),
            media.video().parameters.codec_name()
        ));
    };
    let (read, whole) = scan(clip, stream, false);
    let (parsed, _) = scan(clip, stream, true);
    if let Some(how) = difference(&listing, &read, true) {
        return Outcome::Different(how);
    }
    if let Some(how) = difference(&listing, &parsed, false) {
        return Outcome::Different(format!("parsed, {how}"));
    }
    if !whole {
        return Outcome::Different("reading breaks off".into());
    }
    if listing.end.is_some() && listing.end != end_of(&read) {
        return Outcome::Different(format!("ends at {:?}, not {:?}", end_of(&read), listing.end));
    }
    let relabelled = listing.packets.iter().zip(&parsed).filter(|(a, b)| a.key != b.key).count();
    Outcome::Same(listing.packets.len(), relabelled)
}

#[test]
fn listed_packets_are_what_ffmpeg_reads() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut same, mut packets, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        match outcome {
            Outcome::Same(count, relabelled) => {
                (same, packets) = (same + 1, packets + count);
                if relabelled > 0 {
                    println!("{name}: FFmpeg calls {relabelled} of {count} otherwise");
                }
            }
            Outcome::Unlisted(what) => println!("not listed: {name}: {what}"),
            Outcome::Different(how) => failures.push(format!("{name}: {how}")),
            Outcome::Closed => {}
        }
    }
    println!("{same} clips with {packets} packets are listed right, {} are not", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(same > 20, "{same} of {} clips were listed", clips.len());
}

/// Small clips of every kind of table.
const SMALL: [&str; 8] = [
    "edit_list.mp4",
    "fragmented.mp4",
    "h264_bframes.mp4",
    "hevc_10bit.mp4",
    "av1.mkv",
    "cues.mkv",
    "vp9.webm",
    "webm_no_cues.webm",
];

/// Opens bytes that may be damaged and lists them; gives how many packets there are, if any.
fn list_damaged(bytes: Vec<u8>) -> Option<usize> {
    let len = bytes.len();
    let source = Source::bytes("damaged", bytes);
    let media = Media::open(source, SourceOptions::default()).ok()?;
    let packets = media.listing()?.packets;
    let beyond = packets.iter().find(|packet| packet.position >= len as u64);
    assert_eq!(beyond, None, "beyond the end of {len} bytes");
    // Every packet has its own place, but for those that an edit list repeats.
    assert!(packets.len() <= len * 2, "{} packets in {len} bytes", packets.len());
    let read = media.bytes().unwrap().bytes_read();
    assert!(read <= 8 * len as u64 + 65_536, "{read} of {len} bytes were read");
    Some(packets.len())
}

/// A generator of numbers that are the same every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn truncated_files_are_listed_as_far_as_ffmpeg_reads_or_not_at_all() {
    let listed = in_parallel(&SMALL, |name| {
        let whole = fs::read(clips::testdata().join(name)).unwrap();
        let cuts = (1..200).map(|part| whole.len() * part / 200);
        cuts.filter_map(|cut| list_damaged(whole[..cut].to_vec())).count()
    });
    println!("{} of {} cut files were listed", listed.iter().sum::<usize>(), 199 * SMALL.len());
}

#[test]
fn damaged_tables_make_no_harm() {
    let listed = in_parallel(&SMALL, |name| {
        let whole = fs::read(clips::testdata().join(name)).unwrap();
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let damaged = (0..300).map(|_| {
            let mut bytes = whole.clone();
            for _ in 0..1 + numbers.below(8) {
                // Near an end of the file, where tables are, as often as anywhere.
                let near = numbers.below(bytes.len().min(4096));
                let place = match numbers.below(3) {
                    0 => near,
                    1 => bytes.len() - 1 - near,
                    _ => numbers.below(bytes.len()),
                };
                bytes[place] = numbers.below(256) as u8;
            }
            bytes
        });
        damaged.filter_map(list_damaged).count()
    });
    println!("{} of {} damaged files were listed", listed.iter().sum::<usize>(), 300 * SMALL.len());
}
