//! Indexes stored in a folder, so that a source is read through only once.
//!
//! A file holds one stream's index and belongs to a source by its length, its modification time and
//! the MD5 of its first and last bytes. It begins with the format's name and version and the MD5 of
//! the rest, which is postcard. A file that is truncated, damaged, of another version or of another
//! source is ignored, and replaced by a new one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use md5::{Digest, Md5};
use moviola_av::time::TimeBase;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Details, FrameIndex, Origin, PackedFrame, RandomAccessPoint};
use crate::{
    image::{Overwrite, write_atomic},
    source::Bytes,
};

/// The format's name and version. Any change of the stored types needs a new version.
const MAGIC: [u8; 8] = *b"MOVIDX03";

/// Bytes at either end of a source that its hash covers.
const HASHED: u64 = 64 << 10;

/// The source and stream that an index belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceKey {
    len: u64,
    /// Modification time in nanoseconds since 1970; 0 for memory.
    modified: u64,
    hash: [u8; 16],
    stream: u64,
    /// The pixel limit: frames beyond it have no picture, so that they aren't in the index.
    max_pixels: u64,
}

impl SourceKey {
    /// The key of a stream of a source; `None` if the source can't be read, or is a
    /// caller's reader.
    pub(crate) fn of(bytes: &Bytes, stream: usize, max_pixels: u64) -> Option<Self> {
        if !bytes.are_identifiable() {
            return None;
        }
        let len = bytes.len();
        let mut hash = Md5::new();
        for start in [0, len.saturating_sub(HASHED)] {
            hash.update(bytes.range(start, len.min(start + HASHED))?);
        }
        let modified = bytes.changed().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |since| since.as_nanos());
        let modified = u64::try_from(modified).unwrap_or(u64::MAX);
        Some(Self {
            len,
            modified,
            hash: hash.finalize().into(),
            stream: stream as u64,
            max_pixels,
        })
    }

    /// The file in a folder that holds the index.
    fn path(&self, folder: &Path) -> PathBuf {
        let hash = u128::from_be_bytes(self.hash) ^ u128::from(self.len);
        folder.join(format!("{hash:032x}-{:x}.moviola-index", self.stream))
    }
}

/// The stored form of a [`FrameIndex`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "FrameIndex")]
struct StoredIndex {
    #[serde(serialize_with = "write_time_base", deserialize_with = "read_time_base")]
    base: TimeBase,
    frames: Vec<PackedFrame>,
    far: Vec<(u32, u32)>,
    hidden: Vec<RandomAccessPoint>,
    packets: u32,
    reorder_delay: u8,
    details: Details,
    end: i64,
    origin: Origin,
}

fn write_time_base<S: Serializer>(base: &TimeBase, serializer: S) -> Result<S::Ok, S::Error> {
    (base.num(), base.den()).serialize(serializer)
}

fn read_time_base<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeBase, D::Error> {
    let (num, den) = Deserialize::deserialize(deserializer)?;
    TimeBase::new(num, den).ok_or_else(|| D::Error::custom("a time base of zero"))
}

/// An index and its key, as they are written.
#[derive(Serialize)]
struct Keyed<'a>(&'a SourceKey, #[serde(with = "StoredIndex")] &'a FrameIndex);

/// The index stored for a source in a folder, if there is a valid one.
fn load(folder: &Path, key: &SourceKey) -> Option<FrameIndex> {
    let path = key.path(folder);
    let index = decode(&fs::read(&path).ok()?, key);
    if index.is_none() {
        tracing::debug!(path = %path.display(), "the stored index is not valid for this source");
    }
    index
}

/// Stores an index in a folder, which is made if need be. A failure is a warning.
fn store(folder: &Path, key: &SourceKey, index: &FrameIndex) {
    let path = key.path(folder);
    let stored = encode(index, key).and_then(|bytes| {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        write_atomic(&path, &bytes, Overwrite::Replace).map_err(|error| error.to_string())
    });
    if let Err(error) = stored {
        tracing::warn!(path = %path.display(), error, "the index can't be stored");
    }
}

fn encode(index: &FrameIndex, key: &SourceKey) -> Result<Vec<u8>, String> {
    let body = postcard::to_stdvec(&Keyed(key, index)).map_err(|error| error.to_string())?;
    Ok([&MAGIC[..], &Md5::digest(&body), &body].concat())
}

fn decode(bytes: &[u8], key: &SourceKey) -> Option<FrameIndex> {
    let (hash, body) = bytes.strip_prefix(&MAGIC)?.split_first_chunk::<16>()?;
    if Md5::digest(body)[..] != *hash {
        return None;
    }
    let mut body = postcard::Deserializer::from_bytes(body);
    if SourceKey::deserialize(&mut body).ok()? != *key {
        return None;
    }
    let index = StoredIndex::deserialize(&mut body).ok()?;
    let rest = body.finalize().ok()?;
    (rest.is_empty() && is_consistent(&index)).then_some(index)
}

/// Whether all numbers of packets exist, and frames and details are in order.
fn is_consistent(index: &FrameIndex) -> bool {
    let FrameIndex { frames, hidden, details, packets, .. } = index;
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let has_packet = |frame| index.packet_of(frame).is_some_and(|packet| packet < *packets);
    (0..count).all(has_packet)
        && frames.is_sorted_by_key(|frame| frame.pts)
        && frames.last().is_none_or(|last| index.end >= last.pts)
        && index.reorder_delay <= 16
        && *packets < u32::MAX
        && hidden.iter().all(|hidden| hidden.packet < *packets)
        && hidden.is_sorted_by_key(|hidden| hidden.packet)
        && details.second_fields.is_sorted()
        && details.sets.is_sorted_by_key(|(packet, _)| *packet)
        && details.extradata.is_sorted_by_key(|(packet, _)| *packet)
}

/// The index stored for a source in a folder, if both are given; else the index from `make`, which
/// is then stored if it is complete.
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
    if index.details.is_complete {
        store(folder, &key, &index);
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::{super::PacketEntry, *};
    use crate::bitstream::parameter_sets::Snapshot;

    const KEY: SourceKey =
        SourceKey { len: 5, modified: 7, hash: [9; 16], stream: 0, max_pixels: 1 };

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
            is_complete: true,
        })
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let bytes = encode(&index(), &KEY).unwrap();
        let back = decode(&bytes, &KEY).unwrap();
        assert_eq!(format!("{back:?}"), format!("{:?}", index()));
    }

    #[test]
    fn the_index_of_another_source_is_none() {
        let bytes = encode(&index(), &KEY).unwrap();
        for other in [
            SourceKey { len: 6, ..KEY },
            SourceKey { modified: 8, ..KEY },
            SourceKey { hash: [8; 16], ..KEY },
            SourceKey { stream: 1, ..KEY },
            SourceKey { max_pixels: 2, ..KEY },
        ] {
            assert!(decode(&bytes, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn another_version_of_the_format_is_ignored() {
        let bytes = encode(&index(), &KEY).unwrap();
        for version in *b"124" {
            let mut other = bytes.clone();
            other[7] = version;
            assert!(decode(&other, &KEY).is_none(), "{version}");
        }
    }

    #[test]
    fn no_damage_is_believed_or_panics() {
        let bytes = encode(&index(), &KEY).unwrap();
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
    fn damage_with_a_right_hash_never_panics() {
        let bytes = encode(&index(), &KEY).unwrap();
        let body = MAGIC.len() + 16;
        let with_hash = |damaged: &[u8]| [&MAGIC[..], &Md5::digest(damaged), damaged].concat();
        for at in body..bytes.len() {
            drop(decode(&with_hash(&bytes[body..at]), &KEY));
            for flip in [1, 0x80, 0xff] {
                let mut damaged = bytes[body..].to_vec();
                damaged[at - body] ^= flip;
                drop(decode(&with_hash(&damaged), &KEY));
            }
        }
    }

    #[test]
    fn a_stored_index_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder: Arc<Path> = folder.path().join("indexes").into();
        let make = || Ok::<_, ()>(index());
        cached(Some(&folder), Some(KEY), make).unwrap();
        let again = cached(Some(&folder), Some(KEY), || Err(())).unwrap();
        assert_eq!(again.len(), 2);
        assert!(cached(Some(&folder), Some(SourceKey { len: 6, ..KEY }), || Err(())).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
