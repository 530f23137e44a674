//! Tests of device kinds, and of uploads and downloads where a Vulkan driver is installed.

use super::*;
use crate::{
    frame::{RawFrame, VideoFrame, VideoFrameMut},
    pixel::PixelFormat,
};

#[test]
fn kinds_have_ffmpegs_names() {
    for kind in HwKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        let c_name = raw::c_string("a name", kind.name()).unwrap();
        // SAFETY: the name is zero-terminated.
        let found = unsafe { ffi::av_hwdevice_find_type_by_name(c_name.as_ptr()) };
        assert_eq!(found, kind.to_raw(), "{kind}");
    }
    let error = "nvidia".parse::<HwKind>().unwrap_err().to_string();
    assert!(error.contains("cuda, vaapi") && error.contains("nvidia"), "{error}");
}

#[test]
fn a_kind_that_is_not_built_decodes_nothing_and_opens_no_device() {
    for kind in HwKind::ALL.into_iter().filter(|kind| !kind.is_built()) {
        assert!(!kind.can_decode(Codec::H264), "{kind}");
        assert!(HwDevice::open(kind, None).is_err(), "{kind}");
    }
}

#[test]
fn cuda_and_vulkan_know_their_codecs() {
    for kind in [HwKind::Cuda, HwKind::Vulkan].into_iter().filter(|kind| kind.is_built()) {
        for codec in [Codec::H264, Codec::HEVC, Codec::AV1] {
            assert!(kind.can_decode(codec), "{kind}: {codec}");
        }
        assert!(!kind.can_decode(Codec::DNXHD) && !kind.can_decode(Codec::NONE), "{kind}");
    }
}

#[test]
fn a_missing_device_is_an_error() {
    let error = HwDevice::open(HwKind::Cuda, Some("99")).unwrap_err();
    assert!(!error.to_string().is_empty());
    assert!(HwDevice::open(HwKind::Vulkan, Some("zero\0byte")).is_err());
}

/// A device of any Vulkan driver, also a software one; prints a line and returns `None` without
/// one.
fn vulkan() -> Option<HwDevice> {
    let device = HwDevice::open(HwKind::Vulkan, None);
    device.inspect_err(|error| println!("skipped: no Vulkan device ({error})")).ok()
}

/// Copies a frame into a device's memory.
fn upload(device: &HwDevice, frame: &VideoFrame) -> VideoFrame {
    let device = device.reference().unwrap();
    // SAFETY: the reference is valid; the call makes one of its own.
    let frames = unsafe { ffi::av_hwframe_ctx_alloc(device.as_ptr()) };
    let mut frames = NonNull::new(frames).unwrap().as_ptr();
    let mut device = device.as_ptr();
    // SAFETY: the reference is owned here.
    unsafe { ffi::av_buffer_unref(&raw mut device) };
    // SAFETY: the context was just made.
    let context = unsafe { (*frames).data }.cast::<ffi::AVHWFramesContext>();
    // SAFETY: its data is a frames context, not yet initialised; this holds for the lines below.
    unsafe { (*context).format = ffi::AVPixelFormat::AV_PIX_FMT_VULKAN };
    // SAFETY: as above.
    unsafe { (*context).sw_format = frame.format().to_raw() };
    // SAFETY: as above.
    unsafe { (*context).width = frame.width().cast_signed() };
    // SAFETY: as above.
    unsafe { (*context).height = frame.height().cast_signed() };
    // SAFETY: as above.
    check("av_hwframe_ctx_init", unsafe { ffi::av_hwframe_ctx_init(frames) }).unwrap();
    let raw_frame = RawFrame::new().unwrap();
    // SAFETY: the context is initialised and the frame is empty.
    let code = unsafe { ffi::av_hwframe_get_buffer(frames, raw_frame.as_ptr(), 0) };
    check("av_hwframe_get_buffer", code).unwrap();
    // SAFETY: both frames are valid.
    let code = unsafe { ffi::av_hwframe_transfer_data(raw_frame.as_ptr(), frame.raw(), 0) };
    check("av_hwframe_transfer_data", code).unwrap();
    // SAFETY: both frames are valid.
    check("props", unsafe { ffi::av_frame_copy_props(raw_frame.as_ptr(), frame.raw()) }).unwrap();
    // SAFETY: the reference is owned here; the frame holds another.
    unsafe { ffi::av_buffer_unref(&raw mut frames) };
    VideoFrame::from_raw_frame(raw_frame).unwrap()
}

/// A frame whose bytes all differ from their neighbours'.
fn pattern(format: PixelFormat, width: u32, height: u32) -> VideoFrame {
    let mut frame = VideoFrameMut::new(format, width, height).unwrap();
    for index in 0..format.planes() {
        let mut plane = frame.plane_mut(index).unwrap();
        for y in 0..plane.rows() {
            for (x, byte) in plane.row_mut(y).unwrap().iter_mut().enumerate() {
                *byte = u8::try_from((x * 7 + y * 13 + index * 31) % 251).unwrap();
            }
        }
    }
    frame.set_pts(Some(41));
    frame.set_tag(-3);
    frame.freeze()
}

#[track_caller]
fn check_round_trip(device: &HwDevice, format: PixelFormat, width: u32, height: u32) {
    let frame = pattern(format, width, height);
    let uploaded = upload(device, &frame);
    assert!(uploaded.is_hardware() && uploaded.plane(0).is_none());
    let downloaded = uploaded.download().unwrap();
    drop(uploaded);
    assert_eq!(
        (downloaded.format(), downloaded.width(), downloaded.height()),
        (format, width, height)
    );
    assert_eq!((downloaded.pts(), downloaded.tag()), (Some(41), -3));
    for index in 0..format.planes() {
        let (want, got) = (frame.plane(index).unwrap(), downloaded.plane(index).unwrap());
        assert!(want.iter().eq(got.iter()), "{format} {width}×{height}: plane {index}");
    }
}

#[test]
fn frames_are_unchanged_by_upload_and_download() {
    let Some(device) = vulkan() else { return };
    for format in [PixelFormat::NV12, PixelFormat::P010, PixelFormat::YUV420P] {
        check_round_trip(&device, format, 64, 48);
        check_round_trip(&device, format, 322, 182);
    }
}

#[test]
fn a_frame_outlives_the_handle_of_its_device() {
    let Some(device) = vulkan() else { return };
    let uploaded = upload(&device, &pattern(PixelFormat::NV12, 64, 64));
    drop(device);
    let is_readable = std::thread::spawn(move || uploaded.download().unwrap().plane(0).is_some());
    assert!(is_readable.join().unwrap());
}

#[test]
fn a_download_applies_the_remaining_crop() {
    let Some(device) = vulkan() else { return };
    let frame = pattern(PixelFormat::NV12, 64, 64);
    let mut uploaded = upload(&device, &frame);
    // As decoders leave it: cropped at the right and bottom, but not yet at the left and top.
    // SAFETY: `uploaded` is valid and has no other owner.
    unsafe { (*uploaded.raw_mut()).height = 48 };
    // SAFETY: as above.
    unsafe { (*uploaded.raw_mut()).crop_top = 16 };
    let downloaded = uploaded.download().unwrap();
    assert_eq!((downloaded.width(), downloaded.height()), (64, 32));
    let (want, got) = (frame.plane(0).unwrap(), downloaded.plane(0).unwrap());
    assert!(want.iter().skip(16).take(32).eq(got.iter()));
}
