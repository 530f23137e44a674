//! Segment indexes (`sidx`): offsets and start times of fragments.

use super::{
    boxes::Header,
    bytes::{Bytes, Fields},
    fragments::Starts,
    track::rescale,
};

/// The segment indexes read so far, for one track.
#[derive(Debug)]
pub(super) struct Segments {
    track: u32,
    time_scale: u32,
    /// Start times of the track's fragments in ticks, by the offset of their `moof`.
    pub(super) starts: Starts,
    /// Offsets in bytes of fragments of any track, in no order.
    places: Vec<u64>,
    /// Whether an index reaches the end of the file: then FFmpeg reads fragments on demand.
    pub(super) is_complete: bool,
    /// The track's end by the last index, in ticks.
    pub(super) track_end: Option<i64>,
}

impl Segments {
    pub(super) fn new(track: u32, time_scale: u32) -> Self {
        let (starts, places) = (Starts::new(), Vec::new());
        Self { track, time_scale, starts, places, is_complete: false, track_end: None }
    }

    /// Whether the indexes list exactly these offsets of fragments, which are ascending.
    pub(super) fn agree_with(&self, fragments: &[u64]) -> bool {
        let mut places = self.places.clone();
        places.sort_unstable();
        places.dedup();
        places == fragments
    }

    /// Parses an index. `None` if FFmpeg couldn't. Indexes of tracks that aren't `known` to FFmpeg
    /// are ignored.
    pub(super) fn read(
        &mut self,
        bytes: &Bytes,
        known: &[u32],
        sidx: &[u8],
        header: Header,
    ) -> Option<()> {
        let mut fields = Fields(sidx);
        let (version, _) = fields.version_and_flags()?;
        let (track, scale) = (fields.u32()?, fields.u32()?);
        if !known.contains(&track) {
            return Some(());
        }
        let (time, offset) = match version {
            0 => (u64::from(fields.u32()?), u64::from(fields.u32()?)),
            1 => (fields.u64()?, fields.u64()?),
            _ => return None,
        };
        let count = fields.u32()? & 0xffff;
        let position = header.end.checked_add(offset)?;
        if count == 0 {
            return None;
        }
        let end = self.add(&mut fields, References { track, scale, count, time, position })?;
        self.is_complete |= reaches_end(bytes, end)? && offset == 0;
        Some(())
    }

    /// Adds the fragments that an index refers to, and gives the end of the last one in bytes.
    fn add(&mut self, fields: &mut Fields<'_>, references: References) -> Option<u64> {
        let References { track, scale, count, mut time, mut position } = references;
        for _ in 0..count {
            let (size, duration) = (fields.u32()?, fields.u32()?);
            fields.u32()?; // stream access points
            if size & 0x8000_0000 != 0 {
                return None; // an index of indexes
            }
            self.places.push(position);
            if track == self.track {
                let start = rescale(i64::try_from(time).ok()?, self.time_scale, scale)?;
                self.starts.insert(position, start);
            }
            position = position.checked_add(size.into())?;
            time = time.checked_add(duration.into())?;
        }
        if track == self.track {
            self.track_end = i64::try_from(time).ok();
        }
        Some(position)
    }
}

/// The header of an index's references.
struct References {
    track: u32,
    /// Ticks per second of the index.
    scale: u32,
    count: u32,
    /// Start time of the first fragment, in ticks of the index.
    time: u64,
    /// Offset of the first fragment in bytes.
    position: u64,
}

/// Whether fragments up to `position` reach the end of the file.
///
/// A table of random access points (`mfra`) may follow; its last four bytes are its length.
fn reaches_end(bytes: &Bytes, position: u64) -> Option<bool> {
    let end = bytes.len();
    if position == end {
        return Some(true);
    }
    let tail = bytes.range(end.checked_sub(4)?, end)?;
    let len = Fields(&tail).u32();
    Some(len.is_some_and(|len| position.checked_add(len.into()) == Some(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(references: &[u32], file_len: usize) -> Option<Segments> {
        let words = [0, 1, 1000, 0, 0, references.len() as u32];
        let entries = references.iter().flat_map(|&size| [size, 500, 0]);
        let sidx: Vec<_> = words.into_iter().chain(entries).flat_map(u32::to_be_bytes).collect();
        let header = Header { kind: *b"sidx", start: 92, payload: 100, end: 200, is_cut: false };
        let mut segments = Segments::new(1, 90_000);
        let bytes = Bytes::memory(vec![0; file_len]);
        segments.read(&bytes, &[1], &sidx, header).map(|()| segments)
    }

    #[test]
    fn an_index_gives_offsets_and_times_of_fragments() {
        let segments = read(&[50, 70], 320).unwrap();
        assert_eq!(segments.starts, Starts::from([(200, 0), (250, 45_000)]));
        assert!(segments.is_complete);
        assert!(segments.agree_with(&[200, 250]) && !segments.agree_with(&[200]));
        assert!(!read(&[50, 70], 400).unwrap().is_complete);
    }

    #[test]
    fn an_index_of_indexes_is_not_supported() {
        assert!(read(&[0x8000_0000], 320).is_none());
        assert!(read(&[], 320).is_none());
    }
}
