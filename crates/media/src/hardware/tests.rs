//! Wishes for hardware, and refusals.

use super::*;

#[test]
fn wishes_are_read_as_they_are_written() {
    let kinds = HwKind::ALL.map(Hwaccel::Kind);
    for wish in [Hwaccel::None, Hwaccel::Auto].into_iter().chain(kinds) {
        assert_eq!(wish.to_string().parse(), Ok(wish));
    }
    let error = "gpu".parse::<Hwaccel>().unwrap_err();
    assert!(error.starts_with("expected auto, none, cuda"), "{error}");
}

#[test]
fn no_wish_has_no_device_and_no_reason() {
    let hardware = Hardware::choose(Hwaccel::None, Codec::H264);
    assert!(hardware.device().is_none() && hardware.fallback().is_none());
}

#[test]
fn what_cannot_be_had_says_why() {
    let reason = |wish, codec| {
        let hardware = Hardware::choose(wish, codec);
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
fn the_first_refusal_counts() {
    let hardware = Hardware::none();
    hardware.refuse("first");
    hardware.refuse("second");
    assert_eq!(hardware.fallback(), Some("first"));
}
