//! The command line as types. Doc comments become the help.

use clap::{Parser, Subcommand};

use crate::cmd::{
    bulk::Bulk, completions::Completions, debug::Debug, detect::Detect, doctor::Doctor,
    frames::Frames, inspect::Inspect, keyframes::Keyframes, probe::Probe, run::Run, worker::Worker,
};
use crate::global::Global;

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
