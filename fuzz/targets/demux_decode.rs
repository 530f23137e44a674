//! Fuzzes opening, demuxing and decoding of keyframes: any bytes may fail but must not crash.
//! Run: `cargo fuzz run demux_decode`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use moviola_media::{
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};

fuzz_target!(|bytes: &[u8]| {
    let options = SourceOptions { decoders: 1, max_pixels: 1 << 20, ..Default::default() };
    if let Ok(keyframes) = KeyframeReader::open(Source::bytes("fuzz", bytes.to_vec()), options) {
        keyframes.take(16).for_each(drop);
    }
});
