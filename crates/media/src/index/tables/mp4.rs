//! MP4 and QuickTime: FFmpeg's index tells where samples are and when they are decoded; what it
//! keeps to itself, from decoding to presentation, stands in the sample tables.

use moviola_av::{
    demuxer::{Demuxer, IndexEntry},
    stream::Stream,
};

use super::{
    Collector, ListedPacket, Listing,
    boxes::{self, Header},
    bytes::{Bytes, Window},
    fragments,
    samples::Samples,
    track::Track,
};

/// Codecs whose packets FFmpeg cuts anew, whatever the samples are.
pub(super) const CUT_ANEW: [&str; 3] = ["mpeg1video", "mpeg2video", "vc1"];

/// The packets of `stream`.
pub(super) fn list(bytes: &Bytes, demuxer: &Demuxer, stream: Stream<'_>) -> Option<Listing> {
    let track = read_track(bytes, stream)?;
    if track.defaults.is_empty() {
        list_samples(bytes, demuxer, stream, &track)
    } else {
        fragments::list(bytes, demuxer, stream, &track)
    }
}

/// The same if `moov` lists them all; `None` if there may be fragments.
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

/// The box that holds all tables of a file that isn't fragmented.
pub(super) fn find_moov(window: &mut Window<'_>) -> Option<Header> {
    let mut next = 0;
    loop {
        let header = boxes::at(window, next, window.file_len())?;
        if header.kind == *b"moov" {
            return Some(header).filter(|header| !header.cut);
        }
        next = header.end;
    }
}

/// Gives each entry of FFmpeg's index what its sample has in the tables. An edit list leaves out
/// and repeats samples; an entry's place in the file tells which it is. `shift` is in ticks.
pub(super) fn join(
    entries: impl Iterator<Item = IndexEntry>,
    samples: &Samples,
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
        // An empty sample is a packet to some of FFmpeg's parsers and none to others.
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

/// Positions and the samples' numbers, sorted; `None` if two samples lie at the same place.
fn by_position(positions: &[u64]) -> Option<Vec<(u64, usize)>> {
    let mut places: Vec<_> = positions.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let distinct = places.windows(2).all(|pair| pair[0].0 != pair[1].0);
    distinct.then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Samples {
        Samples {
            positions: vec![100, 110, 120, 130],
            sizes: vec![10; 4],
            offsets: vec![0, 2, -1, 0],
            durations: vec![1; 4],
            shift: 1,
            ..Samples::default()
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
    fn an_edit_list_may_leave_out_and_repeat_samples() {
        assert_eq!(pts_of(&[100, 110, 120, 130], 140), Some(vec![1, 4, 2, 4]));
        assert_eq!(pts_of(&[110, 120, 100, 110], 140), Some(vec![3, 1, 3, 6]));
    }

    #[test]
    fn what_the_tables_do_not_have_or_the_file_does_not_hold_makes_no_list() {
        assert_eq!(pts_of(&[100, 111], 140), None);
        assert_eq!(pts_of(&[120, 130], 139), None);
    }
}
