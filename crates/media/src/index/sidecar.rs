//! Indexes kept in files, so that a source need be read through once only.
//!
//! A file holds one stream's index and belongs to a source by its length, the time it was last
//! changed, and a hash of its first and last bytes. Numbers are little endian. What doesn't fit
//! together, or has another hash than stands at the end, is as good as no file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use moviola_av::time::TimeBase;

use super::{Details, Entry, FrameIndex, Origin, RandomAccessPoint, tables::Bytes};
use crate::{
    bitstream::parameter_sets::Snapshot,
    image::{Overwrite, write_atomic},
};

/// The format's name and version.
const MAGIC: [u8; 8] = *b"MOVIDX02";

/// Bytes at either end of a source that its hash covers.
const HASHED: u64 = 64 << 10;

/// What an index belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceKey {
    len: u64,
    /// Nanoseconds since 1970; 0 for memory.
    changed: u64,
    hash: u64,
    stream: u64,
    /// The most pixels a picture may have: larger ones decode to nothing.
    max_pixels: u64,
}

impl SourceKey {
    /// The key of a stream of a source; `None` if the source can't be read.
    pub(crate) fn of(bytes: &Bytes, stream: usize, max_pixels: u64) -> Option<Self> {
        let len = bytes.len();
        let mut hash = Fnv::default();
        for start in [0, len.saturating_sub(HASHED)] {
            hash.add(&bytes.range(start, len.min(start + HASHED))?);
        }
        let changed = bytes.changed().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |since| since.as_nanos());
        let changed = u64::try_from(changed).unwrap_or(u64::MAX);
        Some(Self { len, changed, hash: hash.0, stream: stream as u64, max_pixels })
    }

    /// The file for it in a folder.
    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{:016x}-{:x}.moviola-index", self.hash ^ self.len, self.stream))
    }

    fn numbers(&self) -> [u64; 5] {
        [self.len, self.changed, self.hash, self.stream, self.max_pixels]
    }
}

/// Fowler, Noll and Vo's hash (FNV-1a, 64 bits): the same on every machine.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The index kept for a source in a folder, if there is one that fits.
pub(crate) fn load(folder: &Path, key: &SourceKey) -> Option<FrameIndex> {
    let bytes = fs::read(key.path(folder)).ok()?;
    let index = decode(&bytes, key);
    if index.is_none() {
        tracing::debug!(path = %key.path(folder).display(), "the kept index doesn't fit");
    }
    index
}

/// Keeps an index in a folder, which is made if need be. A failure is told and does no harm.
pub(crate) fn keep(folder: &Path, key: &SourceKey, index: &FrameIndex) {
    let path = key.path(folder);
    let kept = fs::create_dir_all(folder).map_err(|error| error.to_string()).and_then(|()| {
        let written = write_atomic(&path, &encode(index, key), Overwrite::Replace);
        written.map_err(|error| error.to_string())
    });
    if let Err(error) = kept {
        tracing::warn!(path = %path.display(), error, "the index can't be kept");
    }
}

fn encode(index: &FrameIndex, key: &SourceKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(index.bytes() + 256);
    out.extend(MAGIC);
    key.numbers().iter().for_each(|number| out.extend(number.to_le_bytes()));
    let origin = match index.origin {
        Origin::Tables => 0_u32,
        Origin::Packets => 1,
        Origin::Decoding => 2,
    };
    let small = [index.base.num(), index.base.den(), index.packets, index.reorder_delay.into()];
    small.iter().chain(&[origin]).for_each(|number| out.extend(number.to_le_bytes()));
    out.extend(index.end.to_le_bytes());
    count(&mut out, index.frames.len());
    for entry in &index.frames {
        out.extend(entry.pts.to_le_bytes());
        out.extend(entry.place);
        out.extend(entry.shift.to_le_bytes());
    }
    count(&mut out, index.far.len());
    for (frame, packet) in &index.far {
        out.extend(frame.to_le_bytes());
        out.extend(packet.to_le_bytes());
    }
    count(&mut out, index.hidden.len());
    for hidden in &index.hidden {
        out.extend(hidden.packet.to_le_bytes());
        out.extend(hidden.pts.to_le_bytes());
        out.extend(hidden.position.unwrap_or(u64::MAX).to_le_bytes());
    }
    count(&mut out, index.details.second_fields.len());
    index.details.second_fields.iter().for_each(|packet| out.extend(packet.to_le_bytes()));
    count(&mut out, index.details.sets.len());
    for (packet, sets) in &index.details.sets {
        out.extend(packet.to_le_bytes());
        out.extend(sets.version.to_le_bytes());
        count(&mut out, sets.bytes.len());
        out.extend(&*sets.bytes);
    }
    count(&mut out, index.details.extradata.len());
    for (packet, extradata) in &index.details.extradata {
        out.extend(packet.to_le_bytes());
        count(&mut out, extradata.len());
        out.extend(&**extradata);
    }
    let mut hash = Fnv::default();
    hash.add(&out);
    out.extend(hash.0.to_le_bytes());
    out
}

fn count(out: &mut Vec<u8>, number: usize) {
    out.extend((number as u64).to_le_bytes());
}

fn decode(bytes: &[u8], key: &SourceKey) -> Option<FrameIndex> {
    let (bytes, hash) = bytes.split_last_chunk::<8>()?;
    let mut expected = Fnv::default();
    expected.add(bytes);
    if u64::from_le_bytes(*hash) != expected.0 {
        return None;
    }
    let mut rest = Rest(bytes);
    let same = rest.array()? == MAGIC
        && key.numbers().into_iter().all(|number| rest.u64() == Some(number));
    if !same {
        return None;
    }
    let base = TimeBase::new(rest.u32()?, rest.u32()?)?;
    let (packets, delay) = (rest.u32()?, rest.u32()?);
    let origin = match rest.u32()? {
        0 => Origin::Tables,
        1 => Origin::Packets,
        2 => Origin::Decoding,
        _ => return None,
    };
    let end = i64::from_le_bytes(rest.array()?);
    let frames = rest.list(16, |rest| {
        Some(Entry {
            pts: i64::from_le_bytes(rest.array()?),
            place: rest.array()?,
            shift: i16::from_le_bytes(rest.array()?),
        })
    })?;
    let far = rest.list(8, |rest| Some((rest.u32()?, rest.u32()?)))?;
    let hidden = rest.list(20, |rest| {
        Some(RandomAccessPoint {
            packet: rest.u32()?,
            pts: i64::from_le_bytes(rest.array()?),
            position: Some(rest.u64()?).filter(|&position| position != u64::MAX),
        })
    })?;
    let second_fields = rest.list(4, |rest| rest.u32())?;
    let sets = rest.list(20, |rest| {
        let (packet, version) = (rest.u32()?, rest.u64()?);
        let count = usize::try_from(rest.u64()?).ok()?;
        Some((packet, Snapshot { version, bytes: rest.take(count)?.into() }))
    })?;
    let extradata = rest.list(12, |rest| {
        let packet = rest.u32()?;
        let count = usize::try_from(rest.u64()?).ok()?;
        Some((packet, rest.take(count)?.into()))
    })?;
    let reorder_delay = u8::try_from(delay).ok()?;
    let index = FrameIndex {
        base,
        frames,
        far,
        hidden,
        packets,
        reorder_delay,
        details: Details { sets, extradata, second_fields, whole: true },
        end,
        origin,
    };
    (rest.0.is_empty() && is_consistent(&index)).then_some(index)
}

/// Whether the numbers name packets, and frames come in order.
fn is_consistent(index: &FrameIndex) -> bool {
    let count = u32::try_from(index.frames.len()).unwrap_or(u32::MAX);
    let is_packet = |frame| index.packet_of(frame).is_some_and(|packet| packet < index.packets);
    (0..count).all(is_packet)
        && index.frames.is_sorted_by_key(|entry| entry.pts)
        && index.frames.last().is_none_or(|last| index.end >= last.pts)
        && index.reorder_delay <= 16
        && index.packets < u32::MAX
        && index.hidden.iter().all(|hidden| hidden.packet < index.packets)
        && index.hidden.is_sorted_by_key(|hidden| hidden.packet)
        && index.details.second_fields.is_sorted()
        && index.details.sets.is_sorted_by_key(|(packet, _)| *packet)
        && index.details.extradata.is_sorted_by_key(|(packet, _)| *packet)
}

/// What hasn't been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count, and as many items of at least `size` bytes each.
    fn list<T>(&mut self, size: usize, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.u64()?).ok()?;
        // Nothing is allocated for what can't be there.
        if count > self.0.len() / size {
            return None;
        }
        (0..count).map(|_| item(self)).collect()
    }
}

/// The index of a source that may be kept in a folder; else it is made by `make`, and kept.
pub(crate) fn cached<E>(
    folder: Option<&Arc<Path>>,
    key: Option<SourceKey>,
    make: impl FnOnce() -> Result<FrameIndex, E>,
) -> Result<FrameIndex, E> {
    let Some((folder, key)) = folder.zip(key) else { return make() };
    if let Some(index) = load(folder, &key) {
        return Ok(index);
    }
    let index = make()?;
    if index.details.whole {
        keep(folder, &key, &index);
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::{super::PacketEntry, *};

    const KEY: SourceKey = SourceKey { len: 5, changed: 7, hash: 9, stream: 0, max_pixels: 1 };

    fn index() -> FrameIndex {
        let packet = |pts, key, shown| PacketEntry { pts, key, shown, position: Some(9) };
        let packets = [packet(0, true, false), packet(30, false, true), packet(10, true, true)];
        let base = TimeBase::MICROSECONDS;
        let index = FrameIndex::of_packets(base, &packets, Some(40), Origin::Packets);
        let sets = Snapshot { version: 2, bytes: Arc::from(&b"sets"[..]) };
        index.with_details(Details {
            sets: vec![(1, sets)],
            extradata: vec![(0, Arc::from(&b"first"[..])), (2, Arc::from(&b"second"[..]))],
            second_fields: vec![2],
            whole: true,
        })
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let bytes = encode(&index(), &KEY);
        let back = decode(&bytes, &KEY).unwrap();
        assert_eq!(format!("{back:?}"), format!("{:?}", index()));
    }

    #[test]
    fn the_index_of_another_source_is_none() {
        let bytes = encode(&index(), &KEY);
        for other in [
            SourceKey { len: 6, ..KEY },
            SourceKey { changed: 8, ..KEY },
            SourceKey { hash: 8, ..KEY },
            SourceKey { stream: 1, ..KEY },
            SourceKey { max_pixels: 2, ..KEY },
        ] {
            assert!(decode(&bytes, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn no_damage_is_believed_or_panics() {
        let bytes = encode(&index(), &KEY);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], &KEY).is_none(), "{len}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            assert!(decode(&damaged, &KEY).is_none(), "{at}");
        }
    }

    #[test]
    fn what_is_kept_is_found_and_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder: Arc<Path> = folder.path().join("kept").into();
        let make = || Ok::<_, ()>(index());
        cached(Some(&folder), Some(KEY), make).unwrap();
        let again = cached(Some(&folder), Some(KEY), || Err(())).unwrap();
        assert_eq!(again.len(), 2);
        assert!(cached(Some(&folder), Some(SourceKey { len: 6, ..KEY }), || Err(())).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
