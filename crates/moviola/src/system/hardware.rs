//! A test of which hardware decodes on this machine.

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

/// A clip of two H.264 keyframes that every decoder supports.
const CLIP: &[u8] = include_bytes!("../../../../testdata/h264_trial.mp4");

/// Whether a kind of hardware decodes on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HardwareStatus {
    /// It decodes the clip.
    Works {
        /// Whether its frames equal those of software, bit for bit.
        exact: bool,
    },
    /// There is a device, but it doesn't decode the clip; the reason.
    Fails(String),
    /// This build supports it, but there is no device; the reason.
    NoDevice(String),
    /// This build doesn't support it.
    NotBuilt,
}

/// Tests a kind of hardware by decoding a small clip, because a device that opens may not decode.
pub fn try_out(kind: HwKind) -> HardwareStatus {
    if !kind.is_built() {
        return HardwareStatus::NotBuilt;
    }
    if let Err(reason) = device(kind) {
        return HardwareStatus::NoDevice(reason);
    }
    let tried = decode(Hwaccel::Kind(kind));
    match (tried, decode(Hwaccel::None)) {
        (Err(error), _) | (_, Err(error)) => HardwareStatus::Fails(format!("{kind}: {error}")),
        (Ok((_, Some(reason))), _) => HardwareStatus::Fails(reason),
        (Ok((got, None)), Ok((want, _))) => HardwareStatus::Works { exact: got == want },
    }
}

/// The hashes of the clip's frames, and the reason if software decoded them.
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
    fn the_status_of_every_kind_agrees_with_its_device() {
        for kind in HwKind::ALL {
            let status = try_out(kind);
            println!("{kind}: {status:?}");
            let here = matches!(status, HardwareStatus::Works { .. } | HardwareStatus::Fails(_));
            assert_eq!(here, device(kind).is_ok(), "{kind}: {status:?}");
            assert_eq!(status == HardwareStatus::NotBuilt, !kind.is_built(), "{kind}: {status:?}");
            assert_ne!(status, HardwareStatus::Works { exact: false }, "{kind}");
        }
    }

    #[test]
    fn software_decodes_the_trial() {
        let (hashes, reason) = decode(Hwaccel::None).unwrap();
        assert_eq!((hashes.len(), reason), (2, None));
    }
}
