//! Tests that the packets listed in containers' tables are those that FFmpeg reads.

use std::{fs, path::Path, sync::Arc};

use moviola_av::{
    demuxer::{Demuxer, DemuxerOptions},
    discard::Discard,
    io::Io,
    packet::Packet,
};
use moviola_media::{
    index::{
        listing,
        tables::{ListedPacket, Listing, ReadScope},
    },
    input::{OpenInput, Purpose},
    source::{Source, SourceOptions},
};
use moviola_tests::clips;

use crate::conformance::in_parallel;

/// A packet as FFmpeg reads it.
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

/// The result for a clip.
enum Outcome {
    /// The number of equal packets, and of those whose key flag differs when FFmpeg parses the
    /// codec.
    Same(usize, usize),
    /// The tables contain no list.
    Unlisted(String),
    Different(String),
    /// It can't be opened.
    Unreadable,
}

fn open(clip: &Path) -> Option<OpenInput> {
    OpenInput::open(Source::path(clip), SourceOptions::default(), Purpose::Video).ok()
}

/// All packets of a stream, read as [`OpenInput`] does, and whether reading ended without an error.
/// With `parsed` FFmpeg parses them, and for some codecs sets the key flag itself.
fn scan(options: DemuxerOptions, stream: usize, parsed: bool) -> (Vec<Read>, bool) {
    let mut demuxer = Demuxer::open(options).expect("it was opened before");
    if !parsed {
        assert!(demuxer.skip_ranges(Vec::new(), Vec::new()));
    }
    for other in (0..demuxer.stream_count()).filter(|&other| other != stream) {
        demuxer.set_discard(other, Discard::All);
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

fn read_of(listed: ListedPacket, key: bool, duration: Option<i64>) -> Read {
    let ListedPacket { pts, discard, position, .. } = listed;
    Read { pts: Some(pts), duration, key, discard, position: Some(position) }
}

/// How the list differs from the packets read; `None` if it does not.
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

/// The end time of the last shown packet.
fn end_of(read: &[Read]) -> Option<i64> {
    let last = read.iter().filter(|packet| !packet.discard).max_by_key(|packet| packet.pts)?;
    Some(last.pts? + last.duration?)
}

fn compare(clip: &Path) -> Outcome {
    let Some(input) = open(clip) else { return Outcome::Unreadable };
    let stream = input.video().expect("it has video").index;
    let Some(listing) = listing(&input, ReadScope::File) else {
        return Outcome::Unlisted(format!(
            "{}, {}",
            input.container().split(',').next().unwrap_or_default(),
            input.video().expect("it has video").parameters.codec_name()
        ));
    };
    let options = || DemuxerOptions { url: clip.to_string_lossy().into(), ..Default::default() };
    let (read, whole) = scan(options(), stream, false);
    let (parsed, _) = scan(options(), stream, true);
    if let Some(how) = difference(&listing, &read, true) {
        return Outcome::Different(how);
    }
    if let Some(how) = difference(&listing, &parsed, false) {
        return Outcome::Different(format!("parsed, {how}"));
    }
    if !whole {
        return Outcome::Different("reading ended with an error".into());
    }
    if listing.end.is_some() && listing.end != end_of(&read) {
        return Outcome::Different(format!("ends at {:?}, not {:?}", end_of(&read), listing.end));
    }
    let relabelled = listing.packets.iter().zip(&parsed).filter(|(a, b)| a.key != b.key).count();
    Outcome::Same(listing.packets.len(), relabelled)
}

#[test]
fn listed_packets_are_those_that_ffmpeg_reads() {
    let clips = clips::all_videos();
    let outcomes = in_parallel(&clips, |clip| compare(clip));
    let (mut same, mut packets, mut failures) = (0, 0, Vec::new());
    for (clip, outcome) in clips.iter().zip(outcomes) {
        let name = clips::name(clip);
        match outcome {
            Outcome::Same(count, relabelled) => {
                (same, packets) = (same + 1, packets + count);
                if relabelled > 0 {
                    println!("{name}: FFmpeg sets another key flag for {relabelled} of {count}");
                }
            }
            Outcome::Unlisted(what) => println!("not listed: {name}: {what}"),
            Outcome::Different(how) => failures.push(format!("{name}: {how}")),
            Outcome::Unreadable => {}
        }
    }
    println!(
        "{same} clips with {packets} packets are listed correctly, {} are not",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(same > 20, "{same} of {} clips were listed", clips.len());
}

/// Small clips with every kind of table.
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

/// Opens damaged bytes and compares the list with the packets that FFmpeg reads: `Some(Some(how))`
/// if it differs, `Some(None)` if not, `None` without a list.
fn list_damaged(bytes: Vec<u8>) -> Option<Option<String>> {
    let (len, bytes) = (bytes.len(), Arc::<[u8]>::from(bytes));
    let source = Source::bytes("damaged", Arc::clone(&bytes));
    let input = OpenInput::open(source, SourceOptions::default(), Purpose::Video).ok()?;
    let listed = listing(&input, ReadScope::File);
    let read = input.bytes().expect("bytes in memory").bytes_read();
    assert!(read <= 8 * len as u64 + 65_536, "{read} of {len} bytes were read");
    let listing = listed?;
    let stream = input.video().expect("it has video").index;
    let io = Some(Io::bytes(bytes));
    let (read, whole) = scan(DemuxerOptions { io, ..Default::default() }, stream, false);
    let broken_off = || (!whole).then(|| "reading ended with an error".to_owned());
    Some(difference(&listing, &read, true).or_else(broken_off))
}

/// A random number generator with a fixed seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Checks damaged copies of small clips; `damage` makes the copies from a clip's bytes.
#[track_caller]
fn check_damaged<D: Iterator<Item = Vec<u8>>>(damage: impl Fn(Vec<u8>) -> D + Sync) {
    let outcomes = in_parallel(&SMALL, |name| {
        let whole = fs::read(clips::testdata().join(name)).expect("a clip of testdata");
        damage(whole).map(list_damaged).collect::<Vec<_>>()
    });
    let (mut listed, mut all, mut failures) = (0, 0, Vec::new());
    for (name, outcomes) in SMALL.iter().zip(outcomes) {
        all += outcomes.len();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            listed += usize::from(outcome.is_some());
            let how = outcome.flatten();
            failures.extend(how.map(|how| format!("{name}, copy {number}: {how}")));
        }
    }
    println!("{listed} of {all} were listed, {} wrong", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn truncated_files_are_listed_as_ffmpeg_reads_them_or_not_at_all() {
    check_damaged(|whole| (1..200).map(move |part| whole[..whole.len() * part / 200].to_vec()));
}

#[test]
fn damaged_files_are_listed_as_ffmpeg_reads_them_or_not_at_all() {
    check_damaged(|whole| {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        (0..300).map(move |_| {
            let mut bytes = whole.clone();
            for _ in 0..1 + numbers.below(8) {
                // Often near the start or the end of the file, where the tables are.
                let near = numbers.below(bytes.len().min(4096));
                let place = match numbers.below(3) {
                    0 => near,
                    1 => bytes.len() - 1 - near,
                    _ => numbers.below(bytes.len()),
                };
                bytes[place] = numbers.below(256) as u8;
            }
            bytes
        })
    });
}
