//! Packets of MP4 and QuickTime files.
//!
//! FFmpeg's index has the samples' positions and decoding times. It lacks their composition offsets
//! (from decoding to presentation), which are read from the sample tables here.

use moviola_av::{
    demuxer::{Demuxer, IndexEntry},
    stream::Stream,
};

use super::{
    Collector, ListedPacket, Listing,
    boxes::{self, Header},
    bytes::{Bytes, Window},
    fragments,
    samples::SampleTables,
    track::Track,
};

/// Codecs whose packets FFmpeg's parsers split differently from the samples.
pub(super) const REPACKETISED: [&str; 3] = ["mpeg1video", "mpeg2video", "vc1"];

/// Lists the packets of `stream`.
pub(super) fn list(bytes: &Bytes, demuxer: &Demuxer, stream: Stream<'_>) -> Option<Listing> {
    let track = read_track(bytes, stream)?;
    if track.defaults.is_empty() {
        list_samples(bytes, demuxer, stream, &track)
    } else {
        fragments::list(bytes, demuxer, stream, &track)
    }
}

/// Lists the packets of `stream` if `moov` has them all; `None` if there may be fragments.
pub(super) fn list_header(bytes: &Bytes, demuxer: &Demuxer, stream: Stream<'_>) -> Option<Listing> {
    let track = read_track(bytes, stream).filter(|track| track.defaults.is_empty())?;
    list_samples(bytes, demuxer, stream, &track)
}

fn read_track(bytes: &Bytes, stream: Stream<'_>) -> Option<Track> {
    let moov = find_moov(&mut Window::new(bytes, 16))?;
    Track::read(bytes, moov, u32::try_from(stream.id()).ok()?)
}

fn list_samples(
    bytes: &Bytes,
    demuxer: &Demuxer,
    stream: Stream<'_>,
    track: &Track,
) -> Option<Listing> {
    let entries = demuxer.index_entries(stream.index());
    let joined = join(entries, &track.samples, track.samples.shift, bytes.len())?;
    Some(joined.listing)
}

/// Finds the `moov` box, which has all tables of a file that isn't fragmented.
pub(super) fn find_moov(window: &mut Window<'_>) -> Option<Header> {
    let mut next = 0;
    loop {
        let header = boxes::at(window, next, window.file_len())?;
        if header.kind == *b"moov" {
            return Some(header).filter(|header| !header.is_cut);
        }
        next = header.end;
    }
}

/// Joins each entry of FFmpeg's index with its sample in the tables.
///
/// An edit list omits and repeats samples, so an entry's sample is found by its position in the
/// file. `shift`, in ticks, is added to all presentation times.
pub(super) fn join(
    entries: impl Iterator<Item = IndexEntry>,
    samples: &SampleTables,
    shift: i64,
    file_len: u64,
) -> Option<Collector> {
    let mut places = None;
    let mut collector = Collector::with_capacity(samples.positions.len());
    let mut next = 0;
    for entry in entries {
        if samples.positions.get(next) != Some(&entry.position) {
            let places = match &places {
                Some(places) => places,
                None => places.insert(by_position(&samples.positions)?),
            };
            let found = places.binary_search_by_key(&entry.position, |place| place.0).ok()?;
            next = places.get(found)?.1;
        }
        let (size, offset) = (*samples.sizes.get(next)?, *samples.offsets.get(next)?);
        let whole = entry.position.checked_add(size.into()).is_some_and(|end| end <= file_len);
        // Some of FFmpeg's parsers make a packet of an empty sample and others don't.
        if size != entry.size || size == 0 || !whole {
            return None;
        }
        let pts = entry.timestamp?.checked_add(shift)?.checked_add(offset.into())?;
        let IndexEntry { keyframe: key, discard, position, .. } = entry;
        let duration = *samples.durations.get(next)?;
        collector.push(ListedPacket { pts, key, discard, position }, duration.into());
        next += 1;
    }
    Some(collector)
}

/// Positions and numbers of samples, sorted by position; `None` if two samples have the same
/// position.
fn by_position(positions: &[u64]) -> Option<Vec<(u64, usize)>> {
    let mut places: Vec<_> = positions.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let distinct = places.windows(2).all(|pair| pair[0].0 != pair[1].0);
    distinct.then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> SampleTables {
        SampleTables {
            positions: vec![100, 110, 120, 130],
            sizes: vec![10; 4],
            offsets: vec![0, 2, -1, 0],
            durations: vec![1; 4],
            shift: 1,
            ..SampleTables::default()
        }
    }

    fn pts_of(positions: &[u64], file_len: u64) -> Option<Vec<i64>> {
        let entries = positions.iter().zip(0..).map(|(&position, timestamp)| IndexEntry {
            position,
            timestamp: Some(timestamp),
            size: 10,
            keyframe: false,
            discard: false,
        });
        let joined = join(entries, &samples(), 1, file_len)?;
        Some(joined.listing.packets.iter().map(|packet| packet.pts).collect())
    }

    #[test]
    fn an_edit_list_may_omit_and_repeat_samples() {
        assert_eq!(pts_of(&[100, 110, 120, 130], 140), Some(vec![1, 4, 2, 4]));
        assert_eq!(pts_of(&[110, 120, 100, 110], 140), Some(vec![3, 1, 3, 6]));
    }

    #[test]
    fn entries_without_a_sample_or_beyond_the_file_make_no_list() {
        assert_eq!(pts_of(&[100, 111], 140), None);
        assert_eq!(pts_of(&[120, 130], 139), None);
    }
}
