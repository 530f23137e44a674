//! The sample tables of an MP4 track (`stbl`).

use super::{
    boxes::{self, Header},
    bytes::{Bytes, Fields},
};

/// The longest duration in ticks. FFmpeg reads longer ones as corrections of decoding times and
/// shortens them.
const MAX_DURATION: u32 = u32::MAX - 480_000;

/// The samples of a track in decoding order, with a list for each property.
#[derive(Debug, Default)]
pub(super) struct SampleTables {
    /// Offsets in the file in bytes.
    pub(super) positions: Vec<u64>,
    /// Sizes in bytes.
    pub(super) sizes: Vec<u32>,
    /// Composition offsets, from decoding to presentation, in ticks; one for each sample.
    pub(super) offsets: Vec<i32>,
    /// Durations in ticks; one for each sample, 0 if unknown.
    pub(super) durations: Vec<u32>,
    /// The number of ticks to add to all composition offsets so that none is negative.
    pub(super) shift: i64,
    /// End of the last sample, in ticks of decoding time.
    pub(super) end: i64,
    /// Whether all samples use the first description.
    pub(super) has_first_description: bool,
}

impl SampleTables {
    /// Reads the tables in the boxes of an `stbl`.
    pub(super) fn read(bytes: &Bytes, stbl: &[Header]) -> Option<Self> {
        let kinds = [b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"];
        if !kinds.iter().all(|kind| boxes::has_at_most_one(stbl, kind)) {
            return None; // FFmpeg's choice would depend on their order
        }
        let table = |kind| match boxes::only(stbl, kind) {
            Some(header) => bytes.range(header.payload, header.end).map(Some),
            None => Some(None),
        };
        let mut samples = Self { has_first_description: true, ..Self::default() };
        if boxes::only(stbl, b"stz2").is_some() {
            return None;
        }
        samples.sizes = match table(b"stsz")? {
            Some(stsz) => sizes(&stsz, bytes.len())?,
            None => Vec::new(),
        };
        if samples.sizes.is_empty() {
            // If there are chunks without samples, FFmpeg ignores the track with its fragments.
            let mut chunks = [table(b"stco")?, table(b"co64")?].into_iter().flatten();
            let none = chunks.all(|table| numbers(&table, 1).is_some_and(|list| list.len() == 0));
            return none.then_some(samples);
        }
        let chunks = match (table(b"stco")?, table(b"co64")?) {
            (Some(stco), None) => numbers(&stco, 4)?.map(be).collect(),
            (None, Some(co64)) => numbers(&co64, 8)?.map(be).collect::<Vec<_>>(),
            _ => return None,
        };
        samples.place(&chunks, &table(b"stsc")??)?;
        samples.time(&table(b"stts")??)?;
        samples.offset(table(b"ctts")?.as_deref())?;
        Some(samples)
    }

    /// Computes the samples' positions: they are contiguous in each chunk.
    fn place(&mut self, chunks: &[u64], stsc: &[u8]) -> Option<()> {
        let runs: Vec<_> = numbers(stsc, 12)?
            .map(|entry| (be(&entry[..4]), be(&entry[4..8]), be(&entry[8..])))
            .collect();
        if runs.first()?.0 != 1 || runs.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return None;
        }
        self.has_first_description = runs.iter().all(|(_, _, description)| *description == 1);
        self.positions.reserve_exact(self.sizes.len());
        let mut sizes = self.sizes.iter();
        let mut run = 0;
        for (&chunk, number) in chunks.iter().zip(1_u64..) {
            if runs.get(run + 1).is_some_and(|(first, ..)| *first == number) {
                run += 1;
            }
            let count = usize::try_from(runs.get(run)?.1).ok()?;
            let mut position = chunk;
            for &size in sizes.by_ref().take(count) {
                self.positions.push(position);
                position = position.checked_add(size.into())?;
            }
        }
        // FFmpeg ignores samples after the last chunk.
        self.sizes.truncate(self.positions.len());
        Some(())
    }

    /// Reads the durations from `stts`.
    fn time(&mut self, stts: &[u8]) -> Option<()> {
        let count = self.sizes.len();
        self.durations.reserve_exact(count);
        for entry in numbers(stts, 8)? {
            let (run, duration) = (be(&entry[..4]), be(&entry[4..]) as u32);
            let known = if duration > MAX_DURATION { 0 } else { duration };
            let ticks = i64::from(duration).checked_mul(run as i64)?;
            self.end = self.end.checked_add(ticks)?;
            let left = count - self.durations.len();
            let run = usize::try_from(run).map_or(left, |run| run.min(left));
            self.durations.resize(self.durations.len() + run, known);
        }
        Some(())
    }

    /// Reads the composition offsets from `ctts`.
    fn offset(&mut self, ctts: Option<&[u8]>) -> Option<()> {
        let count = self.sizes.len();
        self.offsets.reserve_exact(count);
        if let Some(ctts) = ctts {
            let entries = numbers(ctts, 8)?;
            let last = entries.len();
            for (entry, place) in entries.zip(1..) {
                let (run, offset) = (be(&entry[..4]) as u32 as i32, be(&entry[4..]) as u32 as i32);
                let Some(run) = usize::try_from(run).ok().filter(|&run| run > 0) else { continue };
                if place + 1 < last {
                    // FFmpeg ignores the last two entries here.
                    self.shift = self.shift.max(-i64::from(offset.max(-i32::MAX)));
                }
                let run = run.min(count - self.offsets.len());
                self.offsets.resize(self.offsets.len() + run, offset);
            }
        }
        // FFmpeg needs one of the two tables to cover all samples.
        if self.offsets.len().max(self.durations.len()) < count {
            return None;
        }
        self.offsets.resize(count, 0);
        self.durations.resize(count, 0);
        Some(())
    }
}

/// The sizes in an `stsz`. `most` is the length of the file, which limits their sum.
fn sizes(stsz: &[u8], most: u64) -> Option<Vec<u32>> {
    let mut fields = Fields(stsz);
    fields.version_and_flags()?;
    let (all, count) = (fields.u32()?, fields.u32()?);
    if all == 0 {
        let sizes = fields.take(usize::try_from(count).ok()?.checked_mul(4)?)?;
        return Some(sizes.chunks_exact(4).map(|size| be(size) as u32).collect());
    }
    // The samples must fit into the file.
    let fits = u64::from(all).checked_mul(count.into())? <= most;
    fits.then(|| usize::try_from(count).ok())?.map(|count| vec![all; count])
}

/// The entries of a table, after version, flags and count. `None` if there are fewer than counted.
fn numbers(table: &[u8], entry: usize) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
    let mut fields = Fields(table);
    fields.version_and_flags()?;
    let count = usize::try_from(fields.u32()?).ok()?;
    Some(fields.take(count.checked_mul(entry)?)?.chunks_exact(entry))
}

/// A big-endian number of at most eight bytes.
fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
