//! The tables of a movie fragment: track fragments and their runs of samples.

use super::{bytes::Fields, track::Defaults};

/// Flags of `tfhd`: the fields that it has, and the base of offsets.
mod header_flags {
    pub(super) const BASE_OFFSET: u32 = 0x01;
    pub(super) const DESCRIPTION: u32 = 0x02;
    pub(super) const DURATION: u32 = 0x08;
    pub(super) const SIZE: u32 = 0x10;
    pub(super) const FLAGS: u32 = 0x20;
    pub(super) const BASE_IS_MOOF: u32 = 0x02_0000;
}

/// Flags of `trun`: the fields that it has.
mod run_flags {
    pub(super) const DATA_OFFSET: u32 = 0x001;
    pub(super) const FIRST_FLAGS: u32 = 0x004;
    pub(super) const DURATION: u32 = 0x100;
    pub(super) const SIZE: u32 = 0x200;
    pub(super) const FLAGS: u32 = 0x400;
    pub(super) const OFFSET: u32 = 0x800;
}

/// The most samples of a track, three days of 60 frames a second. A limit is needed because samples
/// may need no bytes in the tables, so the file's length doesn't limit their number.
pub(super) const MOST_SAMPLES: usize = 1 << 24;

/// Flags of samples that are not keyframes: not a sync sample, or depending on others.
const NOT_KEY: u32 = 0x0001_0000 | 0x0100_0000;

/// The state of parsing a fragment's boxes.
#[derive(Debug)]
pub(super) struct Fragment {
    /// Id of the track that runs belong to; 0 before the first `tfhd`.
    pub(super) track: u32,
    /// Number of the sample description in use, from 1.
    pub(super) description: u32,
    /// Offset of the `moof` in bytes.
    pub(super) moof: u64,
    /// End of the last run in bytes.
    implicit: u64,
    /// Base of runs' offsets in bytes.
    base: u64,
    duration: u32,
    size: u32,
    flags: u32,
}

/// A sample of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunSample {
    /// Offset in the file in bytes.
    pub(super) position: u64,
    /// Size in bytes.
    pub(super) size: u32,
    /// Duration in ticks.
    pub(super) duration: u32,
    /// Composition offset, from decoding to presentation, in ticks.
    pub(super) offset: i32,
    pub(super) key: bool,
}

/// A run of samples that are contiguous in time and in the file.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) samples: Vec<RunSample>,
    /// Its end in the file in bytes.
    pub(super) end: u64,
}

impl Fragment {
    /// The state at the start of the fragment whose `moof` is at that offset.
    pub(super) fn new(moof: u64) -> Self {
        let (track, description, duration, size, flags) = (0, 0, 0, 0, 0);
        Self { track, description, moof, implicit: moof, base: 0, duration, size, flags }
    }

    /// Parses a `tfhd`: the following runs belong to its track.
    pub(super) fn begin(&mut self, tfhd: &[u8], defaults: &[Defaults]) -> Option<()> {
        let mut fields = Fields(tfhd);
        let (_, flags) = fields.version_and_flags()?;
        let track = fields.u32().filter(|&track| track != 0)?;
        let defaults = defaults.iter().find(|defaults| defaults.track == track)?;
        let mut optional = |flag, default| {
            if flags & flag != 0 { fields.u32() } else { Some(default) }
        };
        self.track = track;
        self.base = if flags & header_flags::BASE_OFFSET != 0 {
            let high = optional(header_flags::BASE_OFFSET, 0)?;
            u64::from(high) << 32 | u64::from(optional(header_flags::BASE_OFFSET, 0)?)
        } else if flags & header_flags::BASE_IS_MOOF != 0 {
            self.moof
        } else {
            self.implicit
        };
        self.description = optional(header_flags::DESCRIPTION, defaults.description)?;
        self.duration = optional(header_flags::DURATION, defaults.duration)?;
        self.size = optional(header_flags::SIZE, defaults.size)?;
        self.flags = optional(header_flags::FLAGS, defaults.flags)?;
        Some(())
    }

    /// Parses a `tfdt`: the decoding time of the track's first sample, in ticks.
    pub(super) fn start_time(&self, tfdt: &[u8]) -> Option<i64> {
        let mut fields = Fields(tfdt);
        match fields.version_and_flags()? {
            (0, _) => fields.u32().map(i64::from),
            _ => fields.u64().and_then(|ticks| i64::try_from(ticks).ok()),
        }
    }

    /// Parses a `trun`. `file_len` limits the number of samples.
    pub(super) fn run(&mut self, trun: &[u8], file_len: u64) -> Option<Run> {
        let mut fields = Fields(trun);
        let (_, flags) = fields.version_and_flags()?;
        let count = fields.u32()?;
        let has = |flag| flags & flag != 0;
        let data_offset = if has(run_flags::DATA_OFFSET) { fields.i32()? } else { 0 };
        let first_flags = if has(run_flags::FIRST_FLAGS) { fields.u32()? } else { self.flags };
        let per_sample =
            [run_flags::DURATION, run_flags::SIZE, run_flags::FLAGS, run_flags::OFFSET];
        let entry = 4 * per_sample.into_iter().filter(|&flag| has(flag)).count() as u64;
        let least = u64::from(count).checked_mul(if entry == 0 { self.size.into() } else { entry });
        let limit = match entry {
            0 => file_len.min(MOST_SAMPLES as u64 * u64::from(self.size)),
            _ => fields.0.len() as u64,
        };
        if least.is_none_or(|least| least > limit) {
            return None;
        }
        let mut position = self.base.checked_add_signed(data_offset.into())?;
        let mut samples = Vec::new();
        for number in 0..count {
            let mut optional = |flag, default| if has(flag) { fields.u32() } else { Some(default) };
            let duration = optional(run_flags::DURATION, self.duration)?;
            // FFmpeg stops at an empty sample.
            let size = optional(run_flags::SIZE, self.size)?;
            let size = Some(size).filter(|&size| size != 0)?;
            let default_flags = if number == 0 { first_flags } else { self.flags };
            let sample_flags = optional(run_flags::FLAGS, default_flags)?;
            let offset = optional(run_flags::OFFSET, 0)?.cast_signed();
            let key = sample_flags & NOT_KEY == 0;
            samples.push(RunSample { position, size, duration, offset, key });
            position = position.checked_add(size.into())?;
        }
        if count > 0 {
            self.implicit = position;
        }
        Some(Run { samples, end: position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Defaults =
        Defaults { track: 1, description: 1, duration: 10, size: 7, flags: 0x0101_0000 };

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn fields_that_a_run_lacks_come_from_its_headers() {
        let mut fragment = Fragment::new(1000);
        fragment.begin(&words(&[0x02_0008, 1, 20]), &[DEFAULTS]).unwrap();
        let run = fragment.run(&words(&[0x805, 2, 100, 0, 5, 0xffff_ffff]), 5000).unwrap();
        let sample =
            |position, offset, key| RunSample { position, size: 7, duration: 20, offset, key };
        assert_eq!(run.samples, [sample(1100, 5, true), sample(1107, -1, false)]);
        // Without an offset, the next run starts at the end of the one before.
        fragment.begin(&words(&[0, 1]), &[DEFAULTS]).unwrap();
        let next = fragment.run(&words(&[0, 1]), 5000).unwrap();
        assert_eq!((next.samples[0].position, next.samples[0].key), (1114, false));
    }

    #[test]
    fn counts_beyond_the_tables_or_the_file_are_errors() {
        let mut fragment = Fragment::new(0);
        assert!(fragment.begin(&words(&[0, 2]), &[DEFAULTS]).is_none());
        fragment.begin(&words(&[0, 1]), &[DEFAULTS]).unwrap();
        assert!(fragment.run(&words(&[0, u32::MAX]), 5000).is_none());
        assert!(fragment.run(&words(&[0, u32::MAX]), u64::MAX).is_none());
        assert!(fragment.run(&words(&[0x200, 2, 9]), 5000).is_none());
        assert!(fragment.run(&words(&[0x200, 1, 0]), 5000).is_none());
    }
}
