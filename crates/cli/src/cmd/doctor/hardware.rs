//! Whether hardware decodes, and what to install so that it does.

use moviola::system::hardware::{HardwareStatus, HwKind, try_out};

use super::Finding;

/// Whether a kind of hardware decodes a clip, and what would help.
pub(super) fn hardware(kind: HwKind) -> Finding {
    match try_out(kind) {
        HardwareStatus::Works { exact: true } => Finding::Ok(format!("{kind} decodes")),
        HardwareStatus::Works { exact: false } => {
            Finding::Ok(format!("{kind} decodes, but not to the same bits as software"))
        }
        // Both name the kind.
        HardwareStatus::Fails(reason) | HardwareStatus::NoDevice(reason) => {
            Finding::Absent(format!("{}; {}", reason.trim_end_matches(['.', '!']), needed(kind)))
        }
        HardwareStatus::NotBuilt => {
            Finding::Absent(format!("{kind}: not in this build; {}", lacking(kind)))
        }
    }
}

/// What to install for a kind that the build supports.
fn needed(kind: HwKind) -> &'static str {
    match kind {
        HwKind::Cuda => {
            "it needs an NVIDIA card and NVIDIA's driver (libcuda.so.1, libnvcuvid.so.1)"
        }
        HwKind::Vaapi => {
            "it needs /dev/dri/renderD* and its driver: intel-media-va-driver, mesa-va-drivers"
        }
        HwKind::Vulkan => {
            "it needs libvulkan.so.1 and a driver that decodes video: NVIDIA's, or a new Mesa"
        }
        HwKind::Qsv => "it needs an Intel GPU and its VPL runtime",
        HwKind::VideoToolbox => "it needs a Mac",
        HwKind::D3d11va => "it needs a GPU and its driver",
    }
}

/// Why a kind may be missing from a build.
fn lacking(kind: HwKind) -> &'static str {
    match kind {
        HwKind::Cuda | HwKind::Vulkan => "`python3 native/build.py` on Linux has it",
        HwKind::Vaapi => "`VAAPI=1 python3 native/build.py` on Linux has it",
        HwKind::Qsv => {
            "FFmpeg must be built with Intel's libvpl; vaapi and vulkan use the same GPUs"
        }
        HwKind::VideoToolbox => "it is for macOS",
        HwKind::D3d11va => "it is for Windows",
    }
}
