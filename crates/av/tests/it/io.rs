//! Tests of byte sources that fail, return wrong counts, panic, stall or end at any byte.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use moviola_av::{
    Decoder, DecoderOptions, Demuxer, DemuxerOptions, Error, Interrupt, Io, MediaKind, Received,
    Result, Sent,
};

use crate::clips::{clip, options};

/// A reader over memory that fails from byte `fails_at` on.
struct Faulty {
    bytes: Arc<[u8]>,
    position: u64,
    fails_at: u64,
    fault: fn() -> io::Result<usize>,
    /// Set when it has failed.
    failed: Arc<AtomicBool>,
}

impl Read for Faulty {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let end = self.fails_at.min(self.bytes.len() as u64);
        if self.position >= end && self.fails_at < self.bytes.len() as u64 {
            self.failed.store(true, Ordering::Relaxed);
            return (self.fault)();
        }
        let rest = &self.bytes[(self.position.min(end) as usize)..end as usize];
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Faulty {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(offset) => self.position.saturating_add_signed(offset),
            SeekFrom::End(offset) => (self.bytes.len() as u64).saturating_add_signed(offset),
        };
        Ok(self.position)
    }
}

/// Opens, reads and decodes everything, and continues after damaged packets; returns the number of
/// packets.
fn read_all(io: Io, url: &str) -> Result<usize> {
    let mut demuxer = Demuxer::open(DemuxerOptions { io: Some(io), ..options(url) })?;
    let mut decoders = Vec::new();
    for stream in demuxer.streams() {
        let video = stream.kind() == MediaKind::Video;
        let parameters = stream.parameters()?;
        let decoder = video.then(|| Decoder::open(&parameters, &DecoderOptions::default()).ok());
        decoders.push(decoder.flatten());
    }
    let mut packets = 0;
    loop {
        match demuxer.read_packet() {
            Ok(Some(packet)) => {
                packets += 1;
                if let Some(Some(decoder)) = decoders.get_mut(packet.stream_index()) {
                    while matches!(decoder.send(&packet), Ok(Sent::Full)) {
                        while matches!(decoder.receive(), Ok(Received::Frame(_))) {}
                    }
                    while matches!(decoder.receive(), Ok(Received::Frame(_))) {}
                }
            }
            Ok(None) => return Ok(packets),
            Err(error) if error.is_corrupt() && packets < 10_000 => packets += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Makes a source fail at many offsets of a clip. Calls `check` with each offset, whether the
/// source failed, and the result.
fn fail_everywhere(
    name: &str,
    fault: fn() -> io::Result<usize>,
    seekable: bool,
    check: impl Fn(u64, bool, Result<usize>),
) {
    let bytes: Arc<[u8]> = std::fs::read(clip(name)).unwrap().into();
    let len = bytes.len() as u64;
    // Every byte of the start, where the headers are, and some of the rest.
    let offsets = (0..len.min(200)).chain((200..len).step_by((len / 80).max(1) as usize));
    for fails_at in offsets {
        let failed = Arc::new(AtomicBool::new(false));
        let source = Faulty {
            bytes: Arc::clone(&bytes),
            position: 0,
            fails_at,
            fault,
            failed: Arc::clone(&failed),
        };
        let io = if seekable { Io::read_seek(source) } else { Io::read(source) };
        let result = read_all(io, name);
        check(fails_at, failed.load(Ordering::Relaxed), result);
    }
}

const CLIPS: [&str; 6] = [
    "colorbars_bt601_full.mp4",
    "fragmented.mp4",
    "webm_no_cues.webm",
    "mpeg2_field.ts",
    "mpeg4.avi",
    "vp8.webm",
];

#[test]
fn an_error_at_any_byte_is_returned_by_the_demuxer() {
    let fault = || Err(io::Error::new(io::ErrorKind::ConnectionReset, "the cable was pulled"));
    for name in CLIPS {
        for seekable in [true, false] {
            fail_everywhere(name, fault, seekable, |offset, failed, result| {
                let lost = failed && !matches!(result, Err(Error::Io { .. }));
                assert!(!lost, "{name}, byte {offset}: {result:?}");
                if let Err(Error::Io { message, kind, .. }) = result {
                    assert_eq!(message, "the cable was pulled");
                    assert_eq!(kind, io::ErrorKind::ConnectionReset);
                }
            });
        }
    }
}

#[test]
fn an_end_at_any_byte_never_hangs() {
    for name in CLIPS {
        for seekable in [true, false] {
            fail_everywhere(
                name,
                || Ok(0),
                seekable,
                |offset, _, result| {
                    if let Err(error) = result {
                        assert!(error.is_corrupt(), "{name}, byte {offset}: {error}");
                    }
                },
            );
        }
    }
}

/// Runs `work` without printing panic messages.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = work();
    std::panic::set_hook(hook);
    result
}

#[test]
fn a_panic_in_a_reader_is_returned_by_the_demuxer() {
    struct Panics(std::fs::File);
    impl Read for Panics {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(target)?;
            assert!(self.0.stream_position()? < 60_000, "out of {}", "cheese");
            Ok(count)
        }
    }
    let url = clip("mpeg2_field.ts");
    let source = Panics(std::fs::File::open(&url).unwrap());
    let result = quietly(|| read_all(Io::read(source), &url));
    let Err(Error::Io { message, .. }) = result else { panic!("{result:?}") };
    assert_eq!(message, "the reader panicked: out of cheese");
}

#[test]
fn a_reader_that_returns_too_large_a_count_is_an_error() {
    struct WrongCount;
    impl Read for WrongCount {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            Ok(target.len() + 1)
        }
    }
    let result = read_all(Io::read(WrongCount), "wrong.ts");
    assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
}

#[test]
fn short_reads_and_interruptions_change_nothing() {
    struct ShortReads(std::fs::File, u32);
    impl Read for ShortReads {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 % 3 {
                0 => Err(io::ErrorKind::Interrupted.into()),
                _ => {
                    let count = target.len().min(7);
                    self.0.read(&mut target[..count])
                }
            }
        }
    }
    let url = clip("webm_no_cues.webm");
    let file = || std::fs::File::open(&url).unwrap();
    let want = read_all(Io::file(file()).unwrap(), &url).unwrap();
    assert_eq!(read_all(Io::read(ShortReads(file(), 0)), &url), Ok(want));
}

/// A reader that never has data.
struct Stalled;

impl Read for Stalled {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

#[test]
fn a_deadline_ends_a_wait() {
    let interrupt = Interrupt::new();
    interrupt.set_deadline(Instant::now() + Duration::from_millis(20));
    let opened = Demuxer::open(DemuxerOptions {
        io: Some(Io::read(Stalled)),
        interrupt: interrupt.clone(),
        ..options("stalled.ts")
    });
    assert_eq!(opened.map(drop), Err(Error::TimedOut));
}

#[test]
fn cancelling_ends_a_wait() {
    let interrupt = Interrupt::new();
    let opened = std::thread::scope(|scope| {
        scope.spawn(|| interrupt.cancel());
        Demuxer::open(DemuxerOptions {
            io: Some(Io::read(Stalled)),
            interrupt: interrupt.clone(),
            ..options("stalled.ts")
        })
    });
    assert_eq!(opened.map(drop), Err(Error::Interrupted));
}

#[test]
fn reading_can_continue_after_a_deadline() {
    let interrupt = Interrupt::new();
    let url = clip("mpeg2_field.ts");
    let mut demuxer =
        Demuxer::open(DemuxerOptions { interrupt: interrupt.clone(), ..options(&url) }).unwrap();
    interrupt.set_deadline(Instant::now());
    let stopped = (0..1000).find_map(|_| demuxer.read_packet().err());
    assert_eq!(stopped, Some(Error::TimedOut));
    interrupt.clear_deadline();
    demuxer.seek_bytes(0).unwrap();
    assert!(demuxer.read_packet().unwrap().is_some());
}

#[test]
fn a_silent_server_times_out() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clip.mp4", server.local_addr().unwrap());
    let network_timeout = Some(Duration::from_millis(50));
    let opened = Demuxer::open(DemuxerOptions { network_timeout, ..options(&url) });
    assert_eq!(opened.map(drop), Err(Error::TimedOut));
}

#[test]
fn a_source_with_the_name_of_an_image_is_read() {
    // FFmpeg's image2 would open the name instead.
    let bytes = std::fs::read(clip("still.jpg")).unwrap();
    let io = Io::bytes(bytes.clone());
    let counters = io.counters();
    assert_eq!(read_all(io, "no/such/picture.jpg"), Ok(1));
    assert!(counters.bytes_read() >= bytes.len() as u64);
}

#[test]
fn an_empty_file_can_be_mapped_and_a_growing_one_read_on() {
    use std::io::Write;
    let path = tempfile::NamedTempFile::new().unwrap();
    let result = read_all(Io::map(path.reopen().unwrap()).unwrap(), "empty.ts");
    assert!(result.is_err_and(|error| error.is_corrupt()));
    let clip = std::fs::read(clip("mpeg2_field.ts")).unwrap();
    let mut writer = path.reopen().unwrap();
    writer.write_all(&clip[..60_000]).unwrap();
    let io = Io::map(path.reopen().unwrap()).unwrap();
    writer.write_all(&clip[60_000..]).unwrap();
    let whole = read_all(Io::bytes(clip), "whole.ts").unwrap();
    assert_eq!(read_all(io, "growing.ts"), Ok(whole));
}
