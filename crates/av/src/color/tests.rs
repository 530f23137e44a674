use std::ffi::c_char;

use ffmpeg_sys_next as ffi;

use super::*;
use crate::raw;

/// Numbers without a meaning, which decoders may copy from a damaged stream.
const NUMBERS: [c_int; 3] = [255, 256, -1];

#[track_caller]
fn check_names(
    last: c_int,
    ours: impl Fn(c_int) -> (&'static str, c_int),
    theirs: impl Fn(c_int) -> *const c_char,
) {
    for number in 0..=last {
        let (name, back) = ours(number);
        assert_eq!(back, number);
        // SAFETY: the names are static text in libavutil.
        match unsafe { raw::constant(theirs(number)) } {
            "reserved" => assert_eq!(name, "other", "{number}"),
            "unknown" | "unspecified" => assert_eq!(name, "unspecified", "{number}"),
            "tv" => assert_eq!(name, "limited"),
            "pc" => assert_eq!(name, "full"),
            "" => assert_eq!(name, "other", "{number}"),
            theirs => assert_eq!(name, theirs, "{number}"),
        }
    }
    for number in NUMBERS {
        assert_eq!(ours(number), ("other", number));
    }
}

/// Converts a number to one of FFmpeg's enums.
#[track_caller]
fn named<E: Copy>(number: c_int, last: c_int) -> E {
    const { assert!(size_of::<E>() == size_of::<c_int>()) };
    assert!((0..=last).contains(&number));
    // SAFETY: each test passes the last number up to which the header names every one.
    unsafe { std::mem::transmute_copy(&number) }
}

#[test]
fn matrices_have_ffmpegs_names() {
    let last = ffi::AVColorSpace::AVCOL_SPC_NB as c_int - 1;
    check_names(
        last,
        |n| (ColorMatrix::from_raw(n).name(), ColorMatrix::from_raw(n).to_raw()),
        // SAFETY: any of FFmpeg's numbers may be asked for.
        |n| unsafe { ffi::av_color_space_name(named(n, last)) },
    );
}

#[test]
fn ranges_have_names() {
    let last = ffi::AVColorRange::AVCOL_RANGE_NB as c_int - 1;
    check_names(
        last,
        |n| (ColorRange::from_raw(n).name(), ColorRange::from_raw(n).to_raw()),
        // SAFETY: any of FFmpeg's numbers may be asked for.
        |n| unsafe { ffi::av_color_range_name(named(n, last)) },
    );
}

#[test]
fn primaries_have_ffmpegs_names() {
    // The header does not name 13 to 21.
    let last = ffi::AVColorPrimaries::AVCOL_PRI_SMPTE432 as c_int;
    check_names(
        last,
        |n| (ColorPrimaries::from_raw(n).name(), ColorPrimaries::from_raw(n).to_raw()),
        // SAFETY: any of FFmpeg's numbers may be asked for.
        |n| unsafe { ffi::av_color_primaries_name(named(n, last)) },
    );
    assert_eq!(ColorPrimaries::from_raw(22).name(), "ebu3213");
}

#[test]
fn transfers_have_ffmpegs_names() {
    let last = ffi::AVColorTransferCharacteristic::AVCOL_TRC_NB as c_int - 1;
    check_names(
        last,
        |n| (ColorTransfer::from_raw(n).name(), ColorTransfer::from_raw(n).to_raw()),
        // SAFETY: any of FFmpeg's numbers may be asked for.
        |n| unsafe { ffi::av_color_transfer_name(named(n, last)) },
    );
}

#[test]
fn chroma_locations_have_ffmpegs_names() {
    let last = ffi::AVChromaLocation::AVCHROMA_LOC_NB as c_int - 1;
    check_names(
        last,
        |n| (ChromaLocation::from_raw(n).name(), ChromaLocation::from_raw(n).to_raw()),
        // SAFETY: any of FFmpeg's numbers may be asked for.
        |n| unsafe { ffi::av_chroma_location_name(named(n, last)) },
    );
}
