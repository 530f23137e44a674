//! Indexes of segments (`sidx`): where fragments begin and when.

use super::{
    boxes::Header,
    bytes::{Bytes, Fields},
    fragments::Starts,
    track::rescale,
};

/// What the segment indexes so far say of one track.
#[derive(Debug)]
pub(super) struct Segments {
    track: u32,
    time_scale: u32,
    /// When the track's fragments start, in ticks, by the place of their `moof`.
    pub(super) starts: Starts,
    /// Where fragments of any track should begin, in bytes, in no order.
    places: Vec<u64>,
    /// Whether an index reaches the end of the file: then FFmpeg reads fragment by fragment.
    pub(super) complete: bool,
    /// What the last index made of the track's end, in ticks.
    pub(super) track_end: Option<i64>,
}

impl Segments {
    pub(super) fn new(track: u32, time_scale: u32) -> Self {
        let (starts, places) = (Starts::new(), Vec::new());
        Self { track, time_scale, starts, places, complete: false, track_end: None }
    }

    /// Whether fragments begin at these places (ascending) and nowhere else.
    pub(super) fn agree_with(&self, fragments: &[u64]) -> bool {
        let mut places = self.places.clone();
        places.sort_unstable();
        places.dedup();
        places == fragments
    }

    /// Reads an index. `None` if FFmpeg couldn't; it passes over those of tracks that aren't
    /// `known` to it.
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
        let (mut time, offset) = match version {
            0 => (u64::from(fields.u32()?), u64::from(fields.u32()?)),
            1 => (fields.u64()?, fields.u64()?),
            _ => return None,
        };
        let count = fields.u32()? & 0xffff;
        let mut position = header.end.checked_add(offset)?;
        if count == 0 {
            return None;
        }
        for _ in 0..count {
            let (size, duration) = (fields.u32()?, fields.u32()?);
            fields.u32()?; // how it can be entered
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
        // A table of random access points may follow; its last four bytes are its length.
        let end = bytes.len();
        let at_end = position == end || {
            let tail = bytes.range(end.checked_sub(4)?, end)?;
            Fields(&tail).u32().is_some_and(|len| position.checked_add(len.into()) == Some(end))
        };
        self.complete |= at_end && offset == 0;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(references: &[u32], file_len: usize) -> Option<Segments> {
        let words = [0, 1, 1000, 0, 0, references.len() as u32];
        let entries = references.iter().flat_map(|&size| [size, 500, 0]);
        let sidx: Vec<_> = words.into_iter().chain(entries).flat_map(u32::to_be_bytes).collect();
        let header = Header { kind: *b"sidx", start: 92, payload: 100, end: 200, cut: false };
        let mut segments = Segments::new(1, 90_000);
        let bytes = Bytes::memory(vec![0; file_len].into());
        segments.read(&bytes, &[1], &sidx, header).map(|()| segments)
    }

    #[test]
    fn an_index_places_fragments_in_file_and_time() {
        let segments = read(&[50, 70], 320).unwrap();
        assert_eq!(segments.starts, Starts::from([(200, 0), (250, 45_000)]));
        assert!(segments.complete);
        assert!(segments.agree_with(&[200, 250]) && !segments.agree_with(&[200]));
        assert!(!read(&[50, 70], 400).unwrap().complete);
    }

    #[test]
    fn an_index_of_indexes_is_not_read() {
        assert!(read(&[0x8000_0000], 320).is_none());
        assert!(read(&[], 320).is_none());
    }
}
