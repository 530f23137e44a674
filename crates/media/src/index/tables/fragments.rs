//! Fragmented MP4: samples that movie fragments (`moof`) describe, between the media data.
//!
//! FFmpeg reads all fragments on opening, unless an index of segments (`sidx`) reaches the end of
//! the file: then it reads each fragment when its turn comes. What it has read is compared.

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

/// What is read at once, in bytes: most fragments' tables fit.
const AHEAD: usize = 4096;

/// What may stand beside fragments and their data, and says nothing of them.
const BESIDE: [&[u8; 4]; 13] = [
    b"ftyp", b"styp", b"moov", b"moof", b"free", b"skip", b"mfra", b"emsg", b"prft", b"uuid",
    b"ssix", b"pdin", b"meta",
];

/// The packets of a track that has fragments.
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
    // FFmpeg's index begins with the samples of `moov`, as its edit list has them.
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

/// The fragments' samples of a track.
#[derive(Debug, Default)]
struct Walked {
    samples: Vec<Sample>,
    /// Whether FFmpeg reads fragments one by one.
    piecemeal: bool,
    /// By how many ticks presentation is delayed, after the last fragment.
    shift: i64,
}

#[derive(Debug)]
struct Sample {
    dts: i64,
    run: RunSample,
    discard: bool,
    /// The delay of presentation when FFmpeg hands it out, in ticks.
    shift: i64,
}

impl Walked {
    /// Joins the samples of `moov` and of fragments, if FFmpeg's index agrees.
    fn compared(
        self,
        before: &[IndexEntry],
        entries: &[IndexEntry],
        track: &Track,
        file_len: u64,
    ) -> Option<Listing> {
        if self.piecemeal && !before.is_empty() {
            return None;
        }
        if !self.piecemeal && entries.len() != self.samples.len() {
            return None;
        }
        let before = before.iter().copied();
        let mut collector = mp4::join(before, &track.samples, self.shift, file_len)?;
        if entries.len() > self.samples.len() {
            return None;
        }
        for (sample, entry) in self.samples.iter().zip(entries) {
            let same = entry.position == sample.run.position
                && entry.timestamp == Some(sample.dts)
                && entry.size == sample.run.size
                && entry.keyframe == sample.run.key
                && entry.discard == sample.discard;
            if !same {
                return None;
            }
        }
        for Sample { dts, run, discard, shift } in self.samples {
            let shift = if self.piecemeal { shift } else { self.shift };
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

/// Walks over a file's boxes as FFmpeg does.
struct Walk<'a> {
    bytes: &'a Bytes,
    track: &'a Track,
    /// The tracks that FFmpeg has a stream for.
    known: Vec<u32>,
    segments: Segments,
    /// The decoding time of the sample before, in ticks.
    previous: Option<i64>,
    /// The decoding time at which the next run begins if nothing says it, in ticks.
    track_end: i64,
    shift: i64,
    samples: Vec<Sample>,
    /// How many samples are believed, of all fragments together.
    most: usize,
    /// How many of `samples` FFmpeg handed out before it read the next fragments.
    handed_out: usize,
    /// Where the last sample of any track ends that FFmpeg hasn't handed out, in bytes.
    data_end: u64,
    /// Where fragments begin, in bytes.
    fragments: Vec<u64>,
    /// Whether there are boxes that don't belong beside fragments.
    is_strange: bool,
}

/// What FFmpeg knows of a track's times in one fragment.
#[derive(Debug, Default)]
struct Times {
    /// The decoding time of its first sample (`tfdt`), in ticks.
    start: Option<i64>,
    /// Where the last run ended, in ticks.
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
            is_strange: false,
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
                // Its maker says wrong times, which FFmpeg mends from another table.
                b"free" if window.up_to(header.payload, 6) == b"Anevia" => return None,
                kind => self.is_strange |= !BESIDE.contains(&kind),
            }
            next = header.end;
            if has_moov && has_data && self.segments.complete {
                has_data = false;
                self.hand_out(next)?;
            }
        }
        self.hand_out(self.bytes.len())?;
        let piecemeal = self.segments.complete;
        // FFmpeg has not read it all, so there is less to compare with: believe only what is audio.
        if piecemeal && (self.is_strange || !self.segments.agree_with(&self.fragments)) {
            return None;
        }
        Some(Walked { samples: self.samples, piecemeal, shift: self.shift })
    }

    /// FFmpeg hands out what it knows before it reads on at `end`.
    fn hand_out(&mut self, end: u64) -> Option<()> {
        if self.segments.complete && self.data_end > end {
            return None; // it would be cut off, or leave the others of its fragment behind
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
        let mut times = Times::default();
        for child in boxes::in_memory(&moof) {
            let (kind, traf) = child?;
            if kind == *b"traf" {
                self.traf(&mut fragment, &mut times, traf)?;
            }
        }
        Some(())
    }

    fn traf(&mut self, fragment: &mut Fragment, times: &mut Times, traf: &[u8]) -> Option<()> {
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
                // FFmpeg breaks off, or takes the last fragment's track.
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

    /// Takes the samples of a run of the track.
    fn take(&mut self, run: &Run, times: &mut Times, moof: u64) -> Option<()> {
        if run.samples.is_empty() {
            return Some(());
        }
        let offset = self.track.time_offset;
        let of_segment = self.segments.starts.get(&moof).copied();
        let mut dts = match (times.next.or(times.start), of_segment) {
            (Some(start), _) => start.checked_sub(offset)?,
            (None, Some(start)) => start,
            (None, None) if !self.segments.complete => self.track_end.checked_sub(offset)?,
            (None, None) => return None, // too much depends on when FFmpeg reads what
        };
        if self.samples.len() + run.samples.len() > self.most {
            return None;
        }
        let before = self.previous;
        for run in run.samples.iter().copied() {
            self.shift = self.shift.max(-i64::from(run.offset.max(-i32::MAX)));
            // Fragments that overlap in time: what came before stands.
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
    let len = usize::try_from(header.end - header.payload).ok().filter(|_| !header.cut)?;
    window.get(header.payload, len)
}

/// Where segments start, in ticks, by the place of their `moof`.
pub(super) type Starts = HashMap<u64, i64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fragments_together_have_so_many_samples_at_most() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fragmented.mp4");
        let bytes = Bytes::memory(std::fs::read(path).unwrap().into());
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
