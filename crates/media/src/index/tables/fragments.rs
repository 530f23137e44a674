//! Packets of fragmented MP4, whose samples are listed by movie fragments (`moof`).
//!
//! FFmpeg reads all fragments on opening, unless a segment index (`sidx`) covers the file: then it
//! reads each fragment when it is needed. The list must agree with the part that FFmpeg has read.

use std::collections::HashMap;

use moviola_av::{
    demuxer::{Demuxer, IndexEntry},
    stream::Stream,
};

use super::{
    ListedPacket, Listing,
    boxes::{self, Header},
    bytes::{Bytes, Window},
    mp4,
    runs::{Fragment, MOST_SAMPLES, Run, RunSample},
    segments::Segments,
    track::Track,
};

/// Number of bytes read at once: most fragments' tables fit.
const AHEAD: usize = 4096;

/// Top-level boxes besides fragments and media data that don't concern samples.
const BESIDE: [&[u8; 4]; 13] = [
    b"ftyp", b"styp", b"moov", b"moof", b"free", b"skip", b"mfra", b"emsg", b"prft", b"uuid",
    b"ssix", b"pdin", b"meta",
];

/// Lists the packets of a track that has fragments.
pub(super) fn list(
    bytes: &Bytes,
    demuxer: &Demuxer,
    stream: Stream<'_>,
    track: &Track,
) -> Option<Listing> {
    let known: Vec<_> =
        demuxer.streams().filter_map(|stream| u32::try_from(stream.id()).ok()).collect();
    let mut walk = Walk::new(bytes, track, known);
    let entries: Vec<_> = demuxer.index_entries(stream.index()).collect();
    // FFmpeg's index begins with the samples of `moov`, after its edit list.
    if let Some(last) = entries.len().checked_sub(1).filter(|_| !track.samples.sizes.is_empty()) {
        let fragments = Walk::new(bytes, track, walk.known.clone()).run()?.samples.len();
        let before = (last + 1).checked_sub(fragments)?;
        walk.previous = before.checked_sub(1).and_then(|last| entries.get(last)?.timestamp);
        let walked = walk.run()?;
        let (before, entries) = entries.split_at(before);
        return walked.compared(before, entries, track, bytes.len());
    }
    walk.run()?.compared(&[], &entries, track, bytes.len())
}

/// The samples of a track in all fragments.
#[derive(Debug, Default)]
struct Walked {
    samples: Vec<Sample>,
    /// Whether FFmpeg reads fragments on demand.
    is_on_demand: bool,
    /// FFmpeg's delay of presentation after the last fragment, in ticks.
    shift: i64,
}

#[derive(Debug)]
struct Sample {
    dts: i64,
    run: RunSample,
    discard: bool,
    /// FFmpeg's delay of presentation when it outputs the sample, in ticks.
    shift: i64,
}

impl Walked {
    /// Lists the samples of `moov` and of fragments; `None` if FFmpeg's index disagrees.
    fn compared(
        self,
        before: &[IndexEntry],
        entries: &[IndexEntry],
        track: &Track,
        file_len: u64,
    ) -> Option<Listing> {
        if self.is_on_demand && !before.is_empty() {
            return None;
        }
        if !self.is_on_demand && entries.len() != self.samples.len() {
            return None;
        }
        let before = before.iter().copied();
        let mut collector = mp4::join(before, &track.samples, self.shift, file_len)?;
        if entries.len() > self.samples.len() {
            return None;
        }
        for (sample, entry) in self.samples.iter().zip(entries) {
            let is_same = entry.position == sample.run.position
                && entry.timestamp == Some(sample.dts)
                && entry.size == sample.run.size
                && entry.keyframe == sample.run.key
                && entry.discard == sample.discard;
            if !is_same {
                return None;
            }
        }
        for Sample { dts, run, discard, shift } in self.samples {
            let shift = if self.is_on_demand { shift } else { self.shift };
            let pts = dts.checked_add(shift)?.checked_add(run.offset.into())?;
            let end = run.position.checked_add(run.size.into())?;
            if end > file_len {
                return None;
            }
            let listed = ListedPacket { pts, key: run.key, discard, position: run.position };
            collector.push(listed, run.duration.into());
        }
        Some(collector.listing)
    }
}

/// A walk over a file's boxes that reproduces FFmpeg's reading.
struct Walk<'a> {
    bytes: &'a Bytes,
    track: &'a Track,
    /// The ids of tracks that FFmpeg has a stream for.
    known: Vec<u32>,
    segments: Segments,
    /// Decoding time of the previous sample, in ticks.
    previous: Option<i64>,
    /// Decoding time of the next run if the fragment doesn't give it, in ticks.
    track_end: i64,
    /// FFmpeg's delay of presentation so far, in ticks: it makes all composition offsets positive.
    shift: i64,
    samples: Vec<Sample>,
    /// Limit of the number of samples in all fragments together.
    most: usize,
    /// Number of `samples` that FFmpeg has output before it read the next fragments.
    handed_out: usize,
    /// End in bytes of the last sample, of any track, that FFmpeg hasn't output.
    data_end: u64,
    /// Offsets of fragments in bytes.
    fragments: Vec<u64>,
    /// Whether there are unknown boxes between fragments.
    has_unknown_boxes: bool,
}

/// The decoding times of a track that FFmpeg knows in a fragment.
#[derive(Debug, Default)]
struct FragmentTimes {
    /// Decoding time of its first sample (`tfdt`), in ticks.
    start: Option<i64>,
    /// End of the last run, in ticks.
    next: Option<i64>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a Bytes, track: &'a Track, known: Vec<u32>) -> Self {
        Self {
            bytes,
            track,
            known,
            segments: Segments::new(track.id, track.time_scale),
            previous: None,
            track_end: track.samples.end,
            shift: track.samples.shift,
            samples: Vec::new(),
            most: MOST_SAMPLES,
            handed_out: 0,
            data_end: 0,
            fragments: Vec::new(),
            has_unknown_boxes: false,
        }
    }

    fn run(mut self) -> Option<Walked> {
        let mut window = Window::new(self.bytes, AHEAD);
        let (mut next, mut has_moov, mut has_data) = (0, false, false);
        while self.bytes.len().saturating_sub(next) >= 8 {
            let header = boxes::at(&mut window, next, self.bytes.len())?;
            match &header.kind {
                b"moov" => has_moov = true,
                b"mdat" => has_data |= header.payload < header.end,
                b"moof" if has_moov => self.moof(&mut window, header)?,
                b"sidx" => {
                    let payload = payload(&mut window, header)?;
                    self.segments.read(self.bytes, &self.known, payload, header)?;
                    if let Some(end) = self.segments.track_end.take() {
                        self.track_end = end;
                    }
                }
                // This muxer writes wrong times, which FFmpeg corrects from another table.
                b"free" if window.up_to(header.payload, 6) == b"Anevia" => return None,
                kind => self.has_unknown_boxes |= !BESIDE.contains(&kind),
            }
            next = header.end;
            if has_moov && has_data && self.segments.is_complete {
                has_data = false;
                self.hand_out(next)?;
            }
        }
        self.hand_out(self.bytes.len())?;
        let is_on_demand = self.segments.is_complete;
        // FFmpeg has not read all fragments, so less can be compared: the file must be regular.
        let is_regular = !self.has_unknown_boxes && self.segments.agree_with(&self.fragments);
        if is_on_demand && !is_regular {
            return None;
        }
        Some(Walked { samples: self.samples, is_on_demand, shift: self.shift })
    }

    /// Marks all samples so far as output: FFmpeg outputs them before it reads on at offset `end`.
    fn hand_out(&mut self, end: u64) -> Option<()> {
        if self.segments.is_complete && self.data_end > end {
            return None; // FFmpeg would cut the sample off, or skip the rest of its fragment
        }
        for sample in self.samples.get_mut(self.handed_out..)? {
            sample.shift = self.shift;
        }
        (self.handed_out, self.data_end) = (self.samples.len(), 0);
        Some(())
    }

    fn moof(&mut self, window: &mut Window<'_>, header: Header) -> Option<()> {
        self.fragments.push(header.start);
        let moof = payload(window, header)?.to_vec();
        let mut fragment = Fragment::new(header.start);
        let mut times = FragmentTimes::default();
        for child in boxes::in_memory(&moof) {
            let (kind, traf) = child?;
            if kind == *b"traf" {
                self.traf(&mut fragment, &mut times, traf)?;
            }
        }
        Some(())
    }

    fn traf(
        &mut self,
        fragment: &mut Fragment,
        times: &mut FragmentTimes,
        traf: &[u8],
    ) -> Option<()> {
        for child in boxes::in_memory(traf) {
            let (kind, payload) = child?;
            match &kind {
                b"tfhd" => {
                    fragment.begin(payload, &self.track.defaults)?;
                    if fragment.track == self.track.id {
                        self.track.has_description(fragment.description)?;
                        times.next = None;
                    }
                }
                // FFmpeg stops here, or uses the last fragment's track.
                b"tfdt" | b"trun" if fragment.track == 0 => return None,
                b"tfdt" if fragment.track == self.track.id => {
                    let start = fragment.start_time(payload)?;
                    (times.start, self.track_end) = (Some(start), start);
                }
                b"trun" if self.known.contains(&fragment.track) => {
                    let run = fragment.run(payload, self.bytes.len())?;
                    self.data_end = self.data_end.max(run.end);
                    if fragment.track == self.track.id {
                        self.take(&run, times, fragment.moof)?;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// Adds the samples of a run of the track.
    fn take(&mut self, run: &Run, times: &mut FragmentTimes, moof: u64) -> Option<()> {
        if run.samples.is_empty() {
            return Some(());
        }
        let offset = self.track.time_offset;
        let of_segment = self.segments.starts.get(&moof).copied();
        let mut dts = match (times.next.or(times.start), of_segment) {
            (Some(start), _) => start.checked_sub(offset)?,
            (None, Some(start)) => start,
            (None, None) if !self.segments.is_complete => self.track_end.checked_sub(offset)?,
            (None, None) => return None, // depends on the order in which FFmpeg reads fragments
        };
        if self.samples.len() + run.samples.len() > self.most {
            return None;
        }
        let before = self.previous;
        for run in run.samples.iter().copied() {
            self.shift = self.shift.max(-i64::from(run.offset.max(-i32::MAX)));
            // Where fragments overlap in time, FFmpeg discards the later ones.
            let discard = before.is_some_and(|before| before >= dts);
            self.samples.push(Sample { dts, run, discard, shift: 0 });
            self.previous = Some(dts);
            dts = dts.checked_add(run.duration.into())?;
        }
        self.track_end = dts.checked_add(offset)?;
        times.next = Some(self.track_end);
        Some(())
    }
}

/// A box's payload; `None` if the file ends within it.
fn payload<'w>(window: &'w mut Window<'_>, header: Header) -> Option<&'w [u8]> {
    let len = usize::try_from(header.end - header.payload).ok().filter(|_| !header.is_cut)?;
    window.get(header.payload, len)
}

/// Start times of segments in ticks, by the offset of their `moof`.
pub(super) type Starts = HashMap<u64, i64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_all_fragments_together_are_limited() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fragmented.mp4");
        let bytes = Bytes::memory(std::fs::read(path).unwrap());
        let moov = mp4::find_moov(&mut Window::new(&bytes, AHEAD)).unwrap();
        let track = Track::read(&bytes, moov, 1).unwrap();
        let count = |most| {
            let walk = Walk { most, ..Walk::new(&bytes, &track, vec![1, 2]) };
            Some(walk.run()?.samples.len())
        };
        // Three seconds at 25 frames a second, in fragments of ten frames.
        assert_eq!(count(MOST_SAMPLES), Some(75));
        assert_eq!(count(75), Some(75));
        assert_eq!(count(74), None);
    }
}
