//! Of an MP4 file, no more is read for its keyframes than its tables and their packets.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use moviola_av::{Demuxer, DemuxerOptions};
use moviola_media::{
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, decode};

/// What may be read beyond that around each keyframe, and around the tables: whole buffers.
const SLACK: u64 = 64 << 10;

#[test]
fn an_mp4_s_other_packets_are_not_read() {
    let (mut compared, mut spared) = (0, 0);
    for clip in clips::all_videos() {
        let Some((needed, keyframes)) = needed_bytes(&clip) else { continue };
        let mut reader =
            KeyframeReader::open(Source::path(&clip), SourceOptions::default()).unwrap();
        reader.by_ref().for_each(drop);
        let read = reader.bytes_read().unwrap();
        let most = needed + SLACK * (keyframes + 1);
        let name = clips::name(&clip);
        assert!(read <= most, "{name}: {read} bytes read, {most} allowed");
        let size = clip.metadata().unwrap().len();
        (compared, spared) = (compared + 1, spared + size.saturating_sub(read));
    }
    println!("{compared} files read, {spared} bytes of them not");
    assert!(compared > 10 && spared > 100_000);
}

/// Bytes of an MP4 file's tables and key packets, and how many of these there are; `None` for
/// others and for those without tables.
fn needed_bytes(clip: &Path) -> Option<(u64, u64)> {
    let stream = decode::video_stream(clip).ok()?;
    let url = clip.to_str()?.to_owned();
    let demuxer = Demuxer::open(DemuxerOptions { url, ..DemuxerOptions::default() }).ok()?;
    if !demuxer.format_name().starts_with("mov") {
        return None;
    }
    let keys: Vec<_> = demuxer.index_entries(stream).filter(|entry| entry.keyframe).collect();
    let packets: u64 = keys.iter().map(|entry| u64::from(entry.size)).sum();
    let (tables, fragmented) = tables(clip).ok()?;
    (!fragmented).then_some((tables + packets, keys.len() as u64))
}

/// Bytes outside the media data of a file made of boxes, and whether any is a movie fragment.
fn tables(clip: &Path) -> io::Result<(u64, bool)> {
    let file = File::open(clip)?;
    let size = file.metadata()?.len();
    let (mut place, mut media, mut fragmented) = (0, 0, false);
    while place + 8 <= size {
        let mut header = [0; 16];
        file.read_at(&mut header, place)?;
        let short = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        let long = u64::from_be_bytes(header[8..].try_into().expect("eight bytes"));
        let length = match short {
            0 => size - place,
            1 => long,
            short => u64::from(short),
        };
        let length = length.clamp(8, size - place);
        media += if &header[4..8] == b"mdat" { length - 8 } else { 0 };
        fragmented |= &header[4..8] == b"moof";
        place += length;
    }
    Ok((size - media, fragmented))
}
