//! Tests of decoders with a device. Vulkan's may be a software driver that decodes no video.

use std::sync::Arc;

use moviola_av::{Decoder, DecoderOptions, Error, HwDevice, HwKind, Received};

use crate::clips::{clip, decode, open, video};

/// Options with a Vulkan device; prints a line and returns `None` without one.
fn on_vulkan() -> Option<DecoderOptions> {
    let device = HwDevice::open(HwKind::Vulkan, None);
    let device =
        device.inspect_err(|error| println!("skipped: no Vulkan device ({error})")).ok()?;
    Some(DecoderOptions { hardware: Some(Arc::new(device)), ..DecoderOptions::default() })
}

#[test]
fn a_decoder_falls_back_to_software() {
    let Some(options) = on_vulkan() else { return };
    let url = clip("h264_bframes.mp4");
    let want = decode(&url, &DecoderOptions::default());
    let got = decode(&url, &options);
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(&want) {
        assert_eq!(got.pts(), want.pts());
        let got = if got.is_hardware() { &got.download().unwrap() } else { got };
        let got = &got.to_planar().unwrap().unwrap_or(got.try_clone().unwrap());
        assert!(got.planes().zip(want.planes()).all(|(got, want)| got.iter().eq(want.iter())));
    }
}

#[test]
fn the_refusal_is_known_after_the_first_frame() {
    let Some(options) = on_vulkan() else { return };
    let mut demuxer = open(&clip("h264_trial.mp4"));
    let (_, parameters) = video(&mut demuxer);
    let mut decoder = Decoder::open(&parameters, &options).unwrap();
    assert_eq!(decoder.hardware_refusal(), None);
    let packet = demuxer.read_packet().unwrap().unwrap();
    let _ = decoder.send(&packet).unwrap();
    decoder.send_end().unwrap();
    let Received::Frame(frame) = decoder.receive().unwrap() else { panic!("no frame") };
    assert_eq!(decoder.hardware_refusal().is_some(), !frame.is_hardware());
}

#[test]
fn a_decoder_without_a_device_has_no_refusal() {
    let (_, parameters) = video(&mut open(&clip("h264_trial.mp4")));
    let decoder = Decoder::open(&parameters, &DecoderOptions::default()).unwrap();
    assert_eq!(decoder.hardware_refusal(), None);
}

#[test]
fn a_codec_without_a_decoder_for_the_device_is_an_error() {
    let Some(options) = on_vulkan() else { return };
    let (_, parameters) = video(&mut open(&clip("mpeg4.avi")));
    let error = Decoder::open(&parameters, &options).unwrap_err();
    assert_eq!(error, Error::NoDecoder { codec: "mpeg4 on vulkan".into() });
}
