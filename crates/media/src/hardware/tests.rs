//! The choice of a device, and refusals.

use super::*;

#[test]
fn hwaccel_parses_what_it_displays() {
    let kinds = HwKind::ALL.map(Hwaccel::Kind);
    for hwaccel in [Hwaccel::None, Hwaccel::Auto].into_iter().chain(kinds) {
        assert_eq!(hwaccel.to_string().parse(), Ok(hwaccel));
    }
    let error = "gpu".parse::<Hwaccel>().unwrap_err();
    assert!(error.starts_with("expected auto, none, cuda"), "{error}");
}

#[test]
fn without_hwaccel_there_is_no_device_and_no_reason() {
    let hardware = Hardware::choose(Hwaccel::None, Codec::H264);
    assert!(hardware.device().is_none() && hardware.fallback().is_none());
}

#[test]
fn a_missing_device_has_a_reason() {
    let reason = |hwaccel, codec| {
        let hardware = Hardware::choose(hwaccel, codec);
        assert!(hardware.device().is_none());
        hardware.fallback().unwrap().to_owned()
    };
    for kind in HwKind::ALL.into_iter().filter(|kind| !kind.is_built()) {
        let want = format!("{kind} is not in this build");
        assert_eq!(reason(Hwaccel::Kind(kind), Codec::H264), want);
    }
    for kind in HwKind::ALL.into_iter().filter(|kind| kind.is_built()) {
        let want = format!("{kind} does not decode dnxhd");
        assert_eq!(reason(Hwaccel::Kind(kind), Codec::DNXHD), want);
    }
    assert_eq!(reason(Hwaccel::Auto, Codec::DNXHD), "no hardware here decodes dnxhd");
}

#[test]
fn the_first_refusal_is_kept() {
    let hardware = Hardware::none();
    hardware.refuse("first");
    hardware.refuse("second");
    assert_eq!(hardware.fallback(), Some("first"));
}
