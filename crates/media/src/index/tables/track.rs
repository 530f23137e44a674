//! A track of an MP4 file, from its `moov`.

use super::{
    boxes::{self, Header},
    bytes::{Bytes, Fields, Window},
    samples::SampleTables,
};

/// A track's sample tables and the defaults of its fragments.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: u32,
    /// Ticks per second.
    pub(super) time_scale: u32,
    pub(super) samples: SampleTables,
    /// The number of ticks that the edit list subtracts from the times of fragments.
    pub(super) time_offset: i64,
    /// Whether samples of all descriptions belong to the stream, not only those of the first.
    has_all_descriptions: bool,
    /// Defaults for the fragments of each track.
    pub(super) defaults: Vec<Defaults>,
}

/// Defaults for the fragments of a track (`trex`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) track: u32,
    pub(super) description: u32,
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

impl Track {
    /// Reads the track with an id from `moov`.
    pub(super) fn read(bytes: &Bytes, moov: Header, id: u32) -> Option<Self> {
        let window = &mut Window::new(bytes, 1024);
        let found = boxes::children(window, moov.payload, moov.end)?;
        let mvhd = boxes::only(&found, b"mvhd")?;
        let movie_scale = time_scale(&bytes.range(mvhd.payload, mvhd.end)?)?;
        let mut track = None;
        for trak in found.iter().filter(|header| header.kind == *b"trak") {
            let trak = boxes::children(window, trak.payload, trak.end)?;
            let tkhd = boxes::only(&trak, b"tkhd")?;
            if track_id(&bytes.range(tkhd.payload, tkhd.end)?)? == id
                && track.replace(Self::of_trak(bytes, window, &trak, movie_scale)?).is_some()
            {
                return None; // ambiguous
            }
        }
        let mut track = Self { id, ..track? };
        if let Some(mvex) = boxes::only(&found, b"mvex") {
            for trex in boxes::children(window, mvex.payload, mvex.end)? {
                if trex.kind == *b"trex" {
                    track.defaults.push(Defaults::parse(&bytes.range(trex.payload, trex.end)?)?);
                }
            }
        }
        Some(track)
    }

    fn of_trak(
        bytes: &Bytes,
        window: &mut Window<'_>,
        trak: &[Header],
        movie_scale: u32,
    ) -> Option<Self> {
        let mut inside = |parent: &[Header], kind: &[u8; 4]| {
            let parent = boxes::only(parent, kind)?;
            boxes::children(window, parent.payload, parent.end)
        };
        let mdia = inside(trak, b"mdia")?;
        let minf = inside(&mdia, b"minf")?;
        let stbl = inside(&minf, b"stbl")?;
        let dinf = inside(&minf, b"dinf").unwrap_or_default();
        let edts = inside(trak, b"edts").unwrap_or_default();
        let payload = |found: &[Header], kind: &[u8; 4]| {
            let header = boxes::only(found, kind)?;
            bytes.range(header.payload, header.end)
        };
        let time_scale = time_scale(&payload(&mdia, b"mdhd")?)?;
        let elst = payload(&edts, b"elst");
        if payload(&dinf, b"dref").is_some_and(|dref| names_other_file(&dref)) {
            return None;
        }
        let samples = SampleTables::read(bytes, &stbl)?;
        let has_all_descriptions = has_same_descriptions(&payload(&stbl, b"stsd")?)?;
        if !(samples.has_first_description || has_all_descriptions) {
            return None;
        }
        Some(Self {
            id: 0,
            time_scale,
            samples,
            time_offset: elst
                .map_or(Some(0), |elst| time_offset(&elst, time_scale, movie_scale))?,
            has_all_descriptions,
            defaults: Vec::new(),
        })
    }

    /// `Some` if samples of a description belong to the stream; `None` if FFmpeg drops them.
    pub(super) fn has_description(&self, description: u32) -> Option<()> {
        (description == 1 || self.has_all_descriptions).then_some(())
    }
}

impl Defaults {
    fn parse(trex: &[u8]) -> Option<Self> {
        let mut fields = Fields(trex);
        fields.version_and_flags()?;
        Some(Self {
            track: fields.u32()?,
            description: fields.u32()?,
            duration: fields.u32()?,
            size: fields.u32()?,
            flags: fields.u32()?,
        })
    }
}

/// The fields after the two dates of `tkhd`, `mdhd` and `mvhd`.
fn after_dates(payload: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields(payload);
    let (version, _) = fields.version_and_flags()?;
    fields.take(if version == 1 { 16 } else { 8 })?;
    Some(fields)
}

fn track_id(tkhd: &[u8]) -> Option<u32> {
    after_dates(tkhd)?.u32()
}

fn time_scale(header: &[u8]) -> Option<u32> {
    after_dates(header)?.u32().filter(|&scale| i32::try_from(scale).is_ok_and(|scale| scale > 0))
}

/// Whether samples may be in another file, which QuickTime's aliases can name if they are long
/// enough.
fn names_other_file(dref: &[u8]) -> bool {
    const SHORTEST_ALIAS: usize = 142;
    let entries = dref.get(8..).unwrap_or_default();
    boxes::in_memory(entries).any(|entry| {
        entry.is_none_or(|(kind, alias)| kind == *b"alis" && alias.len() > SHORTEST_ALIAS)
    })
}

/// Whether there are several sample descriptions and all are of one codec.
fn has_same_descriptions(stsd: &[u8]) -> Option<bool> {
    let kinds: Option<Vec<_>> =
        boxes::in_memory(stsd.get(8..)?).map(|entry| entry.map(|(kind, _)| kind)).collect();
    let kinds = kinds?;
    Some(kinds.len() > 1 && kinds.windows(2).all(|pair| pair[0] == pair[1]))
}

/// The number of ticks that FFmpeg subtracts from the times of fragments: the start of the first
/// edit minus the duration of an empty edit before it.
fn time_offset(elst: &[u8], time_scale: u32, movie_scale: u32) -> Option<i64> {
    let mut fields = Fields(elst);
    let (version, _) = fields.version_and_flags()?;
    let count = fields.u32()?;
    let (mut empty, mut start, mut first) = (0, 0, 0);
    for number in 0..count {
        let (duration, time) = match version {
            1 => (fields.u64()?.cast_signed(), fields.u64()?.cast_signed()),
            _ => (i64::from(fields.u32()?), i64::from(fields.i32()?)),
        };
        fields.u32()?; // media_rate
        if number == 0 && time == -1 {
            (empty, first) = (duration, 1);
        } else if number == first && time >= 0 {
            start = time;
        }
    }
    start.checked_sub(rescale(empty, time_scale, movie_scale)?)
}

/// Converts ticks of 1/`from` seconds to ticks of 1/`to`, rounded to nearest, halves away from
/// zero.
pub(super) fn rescale(ticks: i64, to: u32, from: u32) -> Option<i64> {
    let (num, den) = (i128::from(ticks) * i128::from(to), i128::from(from));
    let half = if num < 0 { -(den / 2) } else { den / 2 };
    i64::try_from((num + half).checked_div(den)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_offset(edits: &[(u32, i32)], want: i64) {
        let mut elst = vec![0; 4];
        elst.extend((edits.len() as u32).to_be_bytes());
        for (duration, time) in edits {
            elst.extend(duration.to_be_bytes());
            elst.extend(time.to_be_bytes());
            elst.extend(0x10000_u32.to_be_bytes());
        }
        assert_eq!(time_offset(&elst, 90_000, 1000), Some(want));
    }

    #[test]
    fn an_edit_list_shifts_the_times_of_fragments() {
        check_offset(&[], 0);
        check_offset(&[(0, 1024)], 1024);
        check_offset(&[(500, -1), (0, 1024)], 1024 - 45_000);
    }

    #[test]
    fn an_incomplete_edit_list_makes_no_list() {
        assert_eq!(time_offset(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 90_000, 1000), None);
    }
}
