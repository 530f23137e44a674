//! Which hardware decodes here.

pub use moviola_media::hardware::{Hardware, HwKind, Hwaccel};
use moviola_media::{
    error::Result,
    frame::Frame,
    hardware::device,
    input::{OpenInput, Purpose},
    keyframes::KeyframeReader,
    source::{Source, SourceOptions},
};

use crate::hash::frame_md5;

/// Two keyframes of H.264 as every decoder takes it.
const CLIP: &[u8] = include_bytes!("../../../testdata/h264_trial.mp4");

/// What a kind of hardware is good for on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It decodes.
    Works {
        /// Whether to the same bits as software does.
        exact: bool,
    },
    /// There is a device, and it doesn't decode; why.
    Refuses(String),
    /// The build knows it, and there is no device; why.
    NoDevice(String),
    /// This build doesn't know it.
    NotBuilt,
}

/// Tries a kind of hardware out, with a small clip: that a device opens says too little.
pub fn try_out(kind: HwKind) -> Verdict {
    if !kind.is_built() {
        return Verdict::NotBuilt;
    }
    if let Err(reason) = device(kind) {
        return Verdict::NoDevice(reason);
    }
    let tried = decode(Hwaccel::Kind(kind));
    match (tried, decode(Hwaccel::None)) {
        (Err(error), _) | (_, Err(error)) => Verdict::Refuses(format!("{kind}: {error}")),
        (Ok((_, Some(reason))), _) => Verdict::Refuses(reason),
        (Ok((got, None)), Ok((want, _))) => Verdict::Works { exact: got == want },
    }
}

/// The clip's fingerprints, and why they come from software.
fn decode(hwaccel: Hwaccel) -> Result<(Vec<String>, Option<String>)> {
    let options = SourceOptions { hwaccel, decoders: 1, ..SourceOptions::default() };
    let input = OpenInput::open(Source::bytes("trial", CLIP), options, Purpose::Video)?;
    let hardware = input.hardware().clone();
    let hash = |keyframe: Frame| frame_md5(&keyframe.decoded);
    let hashes = KeyframeReader::start(input, vec![hash])?.collect::<Result<_>>()?;
    Ok((hashes, hardware.fallback().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_gets_a_verdict_that_agrees_with_its_device() {
        for kind in HwKind::ALL {
            let verdict = try_out(kind);
            println!("{kind}: {verdict:?}");
            let here = matches!(verdict, Verdict::Works { .. } | Verdict::Refuses(_));
            assert_eq!(here, device(kind).is_ok(), "{kind}: {verdict:?}");
            assert_eq!(verdict == Verdict::NotBuilt, !kind.is_built(), "{kind}: {verdict:?}");
            assert_ne!(verdict, Verdict::Works { exact: false }, "{kind}");
        }
    }

    #[test]
    fn software_decodes_the_trial() {
        let (hashes, reason) = decode(Hwaccel::None).unwrap();
        assert_eq!((hashes.len(), reason), (2, None));
    }
}
