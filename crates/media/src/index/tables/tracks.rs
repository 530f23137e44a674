//! A Matroska track's number, time scale and delay, from `Info` and `Tracks`.

use moviola_av::stream::Stream;

use super::ebml;

/// Ids of the elements of `Info` and `Tracks` that are used here.
mod id {
    pub(super) const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
    pub(super) const TRACK_ENTRY: u32 = 0xae;
    pub(super) const NUMBER: u32 = 0xd7;
    pub(super) const TYPE: u32 = 0x83;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const CODEC_DELAY: u32 = 0x56aa;
    pub(super) const DEFAULT_DURATION: u32 = 0x23_e383;
    pub(super) const TRACK_SCALE: u32 = 0x23_314f;
    /// Elements of a `TrackEntry` that contain other elements: video and audio, colours and
    /// projection, encodings, planes, block additions.
    pub(super) const MASTERS: [u32; 13] = [
        0xe0, 0xe1, 0x55b0, 0x55d0, 0x7670, 0x6d80, 0x6240, 0x5034, 0x5035, 0xe2, 0xe3, 0xe4,
        0x41e4,
    ];
}

/// The deepest nesting of elements in a `TrackEntry`.
const MAX_DEPTH: usize = 4;

/// Track types that FFmpeg makes streams of, with the first letters of their codec ids.
const STREAMS: [(u64, &[u8]); 4] = [(1, b"V"), (2, b"A"), (17, b"DS"), (33, b"DS")];

/// The properties of a track that its packets' times depend on.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) number: u64,
    /// Duration of blocks that have none, in ticks; 0 if unknown.
    pub(super) default_duration: u64,
    /// Ticks of clusters in one tick of the track.
    scale: f64,
    /// The codec's delay in ticks, which the times of blocks include.
    delay: i64,
}

/// A `TrackEntry`.
#[derive(Debug, Default)]
struct Entry {
    number: u64,
    kind: u64,
    codec: Vec<u8>,
    /// In nanoseconds.
    delay: u64,
    /// In nanoseconds; 0 if it isn't known.
    default_duration: u64,
    scale: Option<f64>,
}

/// The track of FFmpeg's `stream`, and the numbers of all tracks.
///
/// `info` and `tracks` are the payloads of these elements; `streams` is FFmpeg's number of streams.
pub(super) fn read(
    info: &[u8],
    tracks: &[u8],
    stream: Stream<'_>,
    streams: usize,
) -> Option<(Track, Vec<u64>)> {
    let time_scale = time_scale(info)?;
    let entries: Option<Vec<_>> = ebml::in_memory(tracks)
        .filter(|element| element.is_none_or(|(id, _)| id == id::TRACK_ENTRY))
        .map(|element| Entry::parse(element?.1))
        .collect();
    let entries = entries?;
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
    let with_stream: Vec<_> = entries.into_iter().filter(Entry::has_stream).collect();
    let entry = with_stream.get(stream.index()).filter(|_| with_stream.len() <= streams)?;
    let is_unique = numbers.iter().filter(|&&number| number == entry.number).count() == 1;
    // With Microsoft's codec ids, blocks have decoding times instead of presentation times.
    if !is_unique || entry.kind != 1 || entry.codec.starts_with(b"V_MS") {
        return None;
    }
    let scale = entry.scale.filter(|&scale| scale >= 0.01).unwrap_or(1.0);
    let base = stream.time_base()?;
    let delay = i128::from(entry.delay) * i128::from(base.den());
    let per_tick = i128::from(base.num()) * 1_000_000_000;
    let track = Track {
        number: entry.number,
        default_duration: entry.default_duration / time_scale,
        scale,
        delay: i64::try_from((delay + per_tick / 2) / per_tick).ok()?,
    };
    Some((track, numbers))
}

impl Track {
    /// The time of a block in ticks; `block` is relative to its cluster's time. `None` if it would
    /// be negative, which FFmpeg reads as unknown.
    pub(super) fn ticks(&self, cluster: u64, block: i16) -> Option<i64> {
        if block < 0 && cluster < u64::from(block.unsigned_abs()) {
            return None;
        }
        // In floating point, as FFmpeg computes it.
        let cluster = cluster as f64 / self.scale;
        let is_exact = cluster < 9e15;
        let cluster = is_exact.then_some(cluster as i64)?;
        cluster.checked_add(block.into())?.checked_sub(self.delay)
    }
}

impl Entry {
    fn parse(payload: &[u8]) -> Option<Self> {
        let mut entry = Self::default();
        for element in ebml::in_memory(payload) {
            let (id, payload) = element?;
            match id {
                id::NUMBER => entry.number = ebml::unsigned(payload)?,
                id::TYPE => entry.kind = ebml::unsigned(payload)?,
                id::CODEC_ID => entry.codec = payload.to_vec(),
                id::CODEC_DELAY => entry.delay = ebml::unsigned(payload)?,
                id::DEFAULT_DURATION => entry.default_duration = ebml::unsigned(payload)?,
                id::TRACK_SCALE => entry.scale = Some(ebml::float(payload)?),
                _ => check(id, payload, MAX_DEPTH)?,
            }
        }
        Some(entry)
    }

    /// Whether FFmpeg makes a stream of the track.
    fn has_stream(&self) -> bool {
        let first = self.codec.first();
        STREAMS.iter().any(|(kind, letters)| {
            *kind == self.kind && first.is_some_and(|first| letters.contains(first))
        })
    }
}

/// Checks the elements nested in an element. `None` if FFmpeg would fail on them: it then skips to
/// the next cluster and has no streams for the tracks after it.
fn check(id: u32, payload: &[u8], depth: usize) -> Option<()> {
    if !id::MASTERS.contains(&id) {
        return Some(());
    }
    let depth = depth.checked_sub(1)?;
    ebml::in_memory(payload).try_for_each(|element| {
        let (id, payload) = element?;
        check(id, payload, depth)
    })
}

/// Nanoseconds per tick of clusters.
fn time_scale(info: &[u8]) -> Option<u64> {
    let mut scale = 1_000_000;
    for element in ebml::in_memory(info) {
        let (id, payload) = element?;
        if id == id::TIMESTAMP_SCALE {
            scale = ebml::unsigned(payload)?;
        }
    }
    Some(scale).filter(|&scale| scale > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ticks(scale: f64, delay: i64, cluster: u64, block: i16, want: Option<i64>) {
        let track = Track { number: 1, default_duration: 0, scale, delay };
        assert_eq!(track.ticks(cluster, block), want);
    }

    #[test]
    fn block_times_are_relative_to_their_cluster() {
        check_ticks(1.0, 0, 1000, -40, Some(960));
        check_ticks(1.0, 7, 1000, 40, Some(1033));
        check_ticks(2.0, 0, 1001, 1, Some(501));
    }

    #[test]
    fn a_track_with_invalid_elements_inside_is_an_error() {
        let video =
            |inside: &[u8]| [&[0xd7, 0x81, 1, 0xe0, 0x80 | inside.len() as u8], inside].concat();
        assert!(Entry::parse(&video(&[0xb0, 0x81, 64])).is_some());
        assert!(Entry::parse(&video(&[0xb0, 0x82, 64])).is_none());
    }

    #[test]
    fn negative_or_inexact_times_are_unknown() {
        check_ticks(1.0, 0, 10, -11, None);
        check_ticks(1.0, 0, u64::MAX, 0, None);
    }
}
