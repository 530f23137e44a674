//! Decoders with a device. Vulkan's may be a software one that decodes no video.

use std::sync::Arc;

use moviola_av::{Decoder, DecoderOptions, Error, HwDevice, HwKind, Received};

use crate::clips::{clip, decode, open, video};

/// Options with Vulkan's device; `None`, and a line of output, if there is none.
fn on_vulkan() -> Option<DecoderOptions> {
    let device = HwDevice::open(HwKind::Vulkan, None);
    let device =
        device.inspect_err(|error| println!("left out: no Vulkan device ({error})")).ok()?;
    Some(DecoderOptions { hardware: Some(Arc::new(device)), ..DecoderOptions::default() })
}

#[test]
fn a_decoder_goes_on_in_software_if_the_device_refuses() {
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
fn the_first_picture_tells_whether_the_device_refused() {
    let Some(options) = on_vulkan() else { return };
    let mut demuxer = open(&clip("h264_trial.mp4"));
    let (_, parameters) = video(&mut demuxer);
    let mut decoder = Decoder::open(&parameters, &options).unwrap();
    assert_eq!(decoder.hardware_refusal(), None);
    let packet = demuxer.read_packet().unwrap().unwrap();
    let _ = decoder.send(&packet).unwrap();
    decoder.send_end().unwrap();
    let Received::Frame(frame) = decoder.receive().unwrap() else { panic!("no picture") };
    assert_eq!(decoder.hardware_refusal().is_some(), !frame.is_hardware());
}

#[test]
fn software_decoders_refuse_nothing() {
    let (_, parameters) = video(&mut open(&clip("h264_trial.mp4")));
    let decoder = Decoder::open(&parameters, &DecoderOptions::default()).unwrap();
    assert_eq!(decoder.hardware_refusal(), None);
}

#[test]
fn a_codec_that_no_decoder_takes_to_the_device_is_told() {
    let Some(options) = on_vulkan() else { return };
    let (_, parameters) = video(&mut open(&clip("mpeg4.avi")));
    let error = Decoder::open(&parameters, &options).unwrap_err();
    assert_eq!(error, Error::NoDecoder { codec: "mpeg4 on vulkan".into() });
}
