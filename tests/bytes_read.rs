//! Tests that reading the keyframes of an MP4 file reads only its tables and the keyframes'
//! packets.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use moviola_av::{Demuxer, DemuxerOptions};
use moviola_media::{
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};
use moviola_tests::{clips, decode};

/// Bytes that may be read in addition around each keyframe and the tables: whole buffers.
const MARGIN: u64 = 64 << 10;

#[test]
fn other_packets_of_mp4_files_are_not_read() {
    let (mut compared, mut skipped) = (0, 0);
    for clip in clips::all_videos() {
        let Some((needed, keyframes)) = needed_bytes(&clip) else { continue };
        let mut reader =
            KeyframeReader::open(Source::path(&clip), SourceOptions::default()).unwrap();
        reader.by_ref().for_each(drop);
        let read = reader.bytes_read().unwrap();
        let allowed = needed + MARGIN * (keyframes + 1);
        let name = clips::name(&clip);
        assert!(read <= allowed, "{name}: {read} bytes read, {allowed} allowed");
        let size = clip.metadata().unwrap().len();
        (compared, skipped) = (compared + 1, skipped + size.saturating_sub(read));
    }
    println!("{compared} files read, {skipped} bytes of them not");
    assert!(compared > 10 && skipped > 100_000);
}

/// Bytes of an MP4 file's tables and keyframes, and the number of keyframes; `None` for other
/// formats and fragmented files.
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

/// Bytes outside the `mdat` boxes of an MP4 file, and whether it has movie fragments.
fn tables(clip: &Path) -> io::Result<(u64, bool)> {
    let file = File::open(clip)?;
    let size = file.metadata()?.len();
    let (mut position, mut media, mut fragmented) = (0, 0, false);
    while position + 8 <= size {
        let mut header = [0; 16];
        file.read_at(&mut header, position)?;
        let short = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        let long = u64::from_be_bytes(header[8..].try_into().expect("eight bytes"));
        let length = match short {
            0 => size - position,
            1 => long,
            short => u64::from(short),
        };
        let length = length.clamp(8, size - position);
        media += if &header[4..8] == b"mdat" { length - 8 } else { 0 };
        fragmented |= &header[4..8] == b"moof";
        position += length;
    }
    Ok((size - media, fragmented))
}
