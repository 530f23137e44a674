//! The flags of every command.

use clap::{Args, ColorChoice};
use moviola::{
    Protocols,
    source::{AudioChoice, IoMode, VideoChoice},
    system::hardware::Hwaccel,
};

/// The flags of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Print errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print what is happening; twice prints more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Colour messages and tables; `auto` heeds NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    /// How files are read: auto, mmap, read; `auto` maps those over 1 GiB
    #[arg(long, global = true, value_name = "HOW", default_value_t = IoMode::Auto, help_heading = READING)]
    pub(crate) io: IoMode,
    /// More protocols that inputs may open, besides the one they are read by, such as
    /// `https,tls,tcp`
    #[arg(long, global = true, value_name = "LIST", default_value = "", hide_default_value = true, help_heading = READING)]
    pub(crate) allow_protocols: Protocols,
    /// Refuse frames with more pixels than this
    #[arg(long, global = true, value_name = "N", default_value_t = 1 << 28, value_parser = clap::value_parser!(u64).range(1..), help_heading = READING)]
    pub(crate) max_pixels: u64,
    /// Decode on hardware if possible, else in software: auto, none, cuda, vaapi, qsv,
    /// videotoolbox, d3d11va, vulkan; `doctor` says which of them work
    #[arg(long, global = true, value_name = "KIND", default_value_t, help_heading = READING)]
    pub(crate) hwaccel: Hwaccel,
    /// Which stream of video is read: `best`, or a number; `probe` lists them
    #[arg(long, global = true, value_name = "STREAM", default_value_t, help_heading = READING)]
    pub(crate) video_stream: VideoChoice,
    /// Which stream of audio is read: `best`, a number, or a language, such as `lang:eng`
    #[arg(long, global = true, value_name = "STREAM", default_value_t, help_heading = READING)]
    pub(crate) audio_stream: AudioChoice,
}

/// The help's heading over the flags about reading.
pub(crate) const READING: &str = "Reading";
