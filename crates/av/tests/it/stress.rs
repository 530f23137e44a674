//! Stress tests with many decoders at once, which FFmpeg allows according to docs/ffmpeg.md.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use moviola_av::{
    CodecParameters, Decoder, DecoderOptions, Demuxer, FramePool, Interrupt, Packet, Scaler, Sent,
    VideoFrame, VideoFrameMut, decoder::ThreadKind,
};

use crate::{
    clips::{clip, decode, drain, open, video},
    conformance::md5s,
};

const CLIPS: [&str; 8] = [
    "h264_bframes.mp4",
    "hevc_cra.mp4",
    "av1.mkv",
    "vp9.webm",
    "vp8.webm",
    "mpeg2_field.ts",
    "mpeg4.avi",
    "prores.mov",
];

fn options(number: usize) -> DecoderOptions {
    let threads = u16::try_from(1 + number % 3).unwrap();
    DecoderOptions { threads, thread_kind: ThreadKind::FrameOrSlice, ..Default::default() }
}

/// Types that change an FFmpeg context are `Send` and not `Sync`.
#[test]
fn contexts_can_be_sent_and_not_shared() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    /// For a Sync type there are two impls of `check`, so that the compiler refuses the call.
    trait NotSync<Way> {
        fn check() {}
    }
    impl<T> NotSync<()> for T {}
    impl<T: Sync> NotSync<u8> for T {}

    send::<Demuxer>();
    send::<Decoder>();
    send::<Scaler>();
    send::<VideoFrameMut>();
    <Demuxer as NotSync<_>>::check();
    <Decoder as NotSync<_>>::check();
    <Scaler as NotSync<_>>::check();
    sync::<VideoFrame>();
    sync::<Packet>();
    sync::<CodecParameters>();
    sync::<FramePool>();
    sync::<Interrupt>();
}

#[test]
fn sixteen_decoders_give_the_same_as_one() {
    let want = CLIPS.map(|name| md5s(&decode(&clip(name), &DecoderOptions::default())));
    thread::scope(|scope| {
        for number in 0..16 {
            let (name, want) = (CLIPS[number % CLIPS.len()], &want[number % CLIPS.len()]);
            scope.spawn(move || {
                assert_eq!(md5s(&decode(&clip(name), &options(number))), *want, "{name}");
            });
        }
    });
}

#[test]
fn decoders_open_and_close_while_others_work() {
    let want = md5s(&decode(&clip("h264_bframes.mp4"), &DecoderOptions::default()));
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                for round in 0..30 {
                    let name = CLIPS[(number + round) % CLIPS.len()];
                    let mut demuxer = open(&clip(name));
                    let (_, parameters) = video(&mut demuxer);
                    let mut decoder = Decoder::open(&parameters, &options(round)).unwrap();
                    // Each decoder is closed after another number of packets.
                    for _ in 0..round % 5 {
                        let packet = demuxer.read_packet().unwrap().unwrap();
                        let _ = decoder.send(&packet).unwrap();
                    }
                }
            });
        }
        for number in 0..2 {
            let want = &want;
            scope.spawn(move || {
                let frames = decode(&clip("h264_bframes.mp4"), &options(number));
                assert_eq!(md5s(&frames), *want);
            });
        }
    });
}

#[test]
fn a_decoder_can_move_between_threads_and_its_frames_outlive_it() {
    let mut demuxer = open(&clip("h264_bframes.mp4"));
    let (index, parameters) = video(&mut demuxer);
    let mut decoder = Decoder::open(&parameters, &options(2)).unwrap();
    let frames = Arc::new(Mutex::new(Vec::<VideoFrame>::new()));
    while let Some(packet) = demuxer.read_packet().unwrap() {
        if packet.stream_index() != index {
            continue;
        }
        let frames = Arc::clone(&frames);
        let work = thread::spawn(move || {
            let mut frames = frames.lock().unwrap();
            while decoder.send(&packet).unwrap() == Sent::Full {
                drain(&mut decoder, &mut |frame| frames.push(frame));
            }
            decoder
        });
        decoder = work.join().unwrap();
    }
    decoder.send_end().unwrap();
    let mut frames = frames.lock().unwrap();
    drain(&mut decoder, &mut |frame| frames.push(frame));
    // The decoder is dropped before its frames are read.
    drop(decoder);
    let want = md5s(&decode(&clip("h264_bframes.mp4"), &DecoderOptions::default()));
    assert_eq!(md5s(&frames), want);
    let shared = &*frames;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let copies = shared.iter().map(|frame| frame.try_clone().unwrap());
                assert_eq!(md5s(&copies.collect::<Vec<_>>()), md5s(shared));
            });
        }
    });
}
