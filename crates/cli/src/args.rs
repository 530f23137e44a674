//! The command line as types. Doc comments become the help.

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use moviola::{
    Protocols,
    hardware::Hwaccel,
    source::{AudioChoice, VideoChoice},
};

use crate::cmd::{
    bulk::Bulk, completions::Completions, debug::Debug, detect::Detect, doctor::Doctor,
    frames::Frames, inspect::Inspect, keyframes::Keyframes, probe::Probe, run::Run, worker::Worker,
};

/// Turn video into frames and detections, in memory.
///
/// Data goes to standard output, everything else to standard error. `-` is standard input.
#[derive(Debug, Parser)]
#[command(
    name = "moviola",
    disable_version_flag = true,
    arg_required_else_help = true,
    args_override_self = true,
    after_help = "Exit codes: 0 all done · 2 wrong usage, or nothing could be done · 3 some inputs \
                  or frames failed and the rest is done · 130 interrupted"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) global: Global,
    /// Print the versions of Moviola and of the libraries it uses
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
}

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
    /// How files are read; `auto` maps those over 1 GiB
    #[arg(long, global = true, value_enum, default_value_t, help_heading = READING)]
    pub(crate) io: Io,
    /// More protocols that inputs may open, besides the one they are read by, such as `https,tls,tcp`
    #[arg(long, global = true, value_name = "LIST", default_value = "", hide_default_value = true, help_heading = READING)]
    pub(crate) allow_protocols: Protocols,
    /// Refuse frames with more pixels than this
    #[arg(long, global = true, value_name = "N", default_value_t = 1 << 28, help_heading = READING)]
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

/// How files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Io {
    #[default]
    Auto,
    Mmap,
    Read,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe inputs: container, streams, duration, keyframes, rotation, colour
    Probe(Probe),
    /// Read every keyframe, as records and images
    Keyframes(Keyframes),
    /// Read any frames, by time or number, exact to the frame, as records and images
    Frames(Frames),
    /// Find objects on keyframes or other frames
    Detect(Detect),
    /// Read frames and find objects from one read of each input
    Run(Run),
    /// The same on many inputs: folders, patterns, lists
    Bulk(Bulk),
    /// The same on one input, with a report of every detail
    Debug(Debug),
    /// Describe a model: inputs, outputs, head, classes
    Inspect(Inspect),
    /// Check what works on this machine, and what to install for the rest
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions(Completions),
    /// A worker process of `bulk --isolate`, which starts it
    #[command(hide = true)]
    Worker(Worker),
}
