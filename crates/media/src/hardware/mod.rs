//! Hardware decoding: the caller's choice, and the device that decodes a stream.
//!
//! A stream is decoded by a device if there is one of the kind, this build supports the codec on
//! it, and the device decodes the first frame. Else it is decoded in software, with the same
//! results, and [`Hardware::fallback`] is the reason. Frames are copied to memory at once, as
//! planes.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use moviola_av::codec::Codec;
pub use moviola_av::hw::{HwDevice, HwKind};

/// Which hardware may decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hwaccel {
    /// None: software, which needs no set-up and gives the same bits on every machine.
    #[default]
    None,
    /// The first kind that has a device here and takes the codec.
    Auto,
    /// This kind.
    Kind(HwKind),
}

impl FromStr for Hwaccel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "auto" => Ok(Self::Auto),
            name => name.parse().map(Self::Kind).map_err(|_| {
                let kinds = HwKind::ALL.map(HwKind::name).join(", ");
                format!("expected auto, none, {kinds}")
            }),
        }
    }
}

impl fmt::Display for Hwaccel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Auto => f.write_str("auto"),
            Self::Kind(kind) => kind.fmt(f),
        }
    }
}

/// The device of a kind, opened once for the whole process.
///
/// # Errors
///
/// The reason why there is none: the build, the driver or the machine.
pub fn device(kind: HwKind) -> Result<Arc<HwDevice>, String> {
    static DEVICES: [OnceLock<Result<Arc<HwDevice>, String>>; HwKind::ALL.len()] =
        [const { OnceLock::new() }; HwKind::ALL.len()];
    if !kind.is_built() {
        return Err(format!("{kind} is not in this build"));
    }
    let open = || match HwDevice::open(kind, None) {
        Ok(device) => Ok(Arc::new(device)),
        Err(error) => Err(format!("no {kind} device: {error}")),
    };
    let place = HwKind::ALL.iter().position(|&one| one == kind);
    place.map_or_else(open, |place| DEVICES[place].get_or_init(open).clone())
}

/// The device of one stream's decoders, which share it: a failure in one is a failure for all.
#[derive(Debug)]
pub struct Hardware {
    device: Option<Arc<HwDevice>>,
    /// Why the device is not, or no longer, used.
    refused: OnceLock<String>,
}

impl Hardware {
    /// Software only, because no hardware was requested.
    pub fn none() -> Arc<Self> {
        Self::with(None)
    }

    /// The device for a stream of `codec`, if there is one.
    pub fn choose(wanted: Hwaccel, codec: Codec) -> Arc<Self> {
        let found = match wanted {
            Hwaccel::None => return Self::none(),
            Hwaccel::Kind(kind) => device_for(kind, codec),
            Hwaccel::Auto => HwKind::ALL
                .into_iter()
                .find_map(|kind| device_for(kind, codec).ok())
                .ok_or_else(|| format!("no hardware here decodes {codec}")),
        };
        match found {
            Ok(device) => Self::with(Some(device)),
            Err(reason) => {
                let hardware = Self::with(None);
                hardware.refuse(&reason);
                hardware
            }
        }
    }

    /// The reason why the stream isn't decoded in hardware, although that was requested. It may be
    /// known only after the first frame.
    pub fn fallback(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// The device to decode on.
    pub fn device(&self) -> Option<&Arc<HwDevice>> {
        self.device.as_ref().filter(|_| self.refused.get().is_none())
    }

    fn with(device: Option<Arc<HwDevice>>) -> Arc<Self> {
        Arc::new(Self { device, refused: OnceLock::new() })
    }

    /// Gives up the device: the stream is decoded in software. The first reason is kept.
    pub(crate) fn refuse(&self, reason: &str) {
        let reason = match &self.device {
            Some(device) => format!("{}: {reason}", device.kind()),
            None => reason.to_owned(),
        };
        if self.refused.set(reason.clone()).is_ok() {
            tracing::info!(reason, "decoding in software");
        }
    }
}

fn device_for(kind: HwKind, codec: Codec) -> Result<Arc<HwDevice>, String> {
    if kind.is_built() && !kind.can_decode(codec) {
        return Err(format!("{kind} does not decode {codec}"));
    }
    device(kind)
}
