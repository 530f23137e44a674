//! The inputs of a command and how they are opened.

use std::ffi::{OsStr, OsString};

use anyhow::bail;
use moviola::source::{IoMode, Source, SourceOptions};

use crate::args::{Global, Io};

#[derive(Debug, clap::Args)]
pub(crate) struct Inputs {
    /// Files, `-` for standard input, or addresses
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<OsString>,
}

impl Inputs {
    /// A single input.
    pub(crate) fn one(input: OsString) -> Self {
        Self { inputs: vec![input] }
    }

    /// Refuses what can't be right in a whole.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.inputs.iter().filter(|input| *input == "-").count() > 1 {
            bail!("standard input (`-`) can be read once only");
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.inputs.len()
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.inputs.iter().map(|input| source(input))
    }
}

/// A path that isn't text can't be an address.
fn source(input: &OsStr) -> Source {
    input.to_str().map_or_else(|| Source::path(input), Source::parse)
}

/// How the global flags want sources to be opened.
pub(crate) fn source_options(global: &Global) -> SourceOptions {
    SourceOptions {
        io: match global.io {
            Io::Auto => IoMode::Auto,
            Io::Mmap => IoMode::Map,
            Io::Read => IoMode::Read,
        },
        allow_protocols: global.allow_protocols.clone(),
        max_pixels: global.max_pixels,
        hwaccel: global.hwaccel,
        ..SourceOptions::default()
    }
}
