//! The inputs of a command and how they are opened.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::Arc,
};

use anyhow::bail;
use moviola::source::{IoMode, Source, SourceOptions};

use crate::args::{Global, Io, READING};

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

    /// These inputs.
    pub(crate) fn of(inputs: Vec<OsString>) -> Self {
        Self { inputs }
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

/// How commands that look for frames anywhere find them.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexArgs {
    /// Keep in DIR where frames are, of files that must be read through to know it
    #[arg(long, value_name = "DIR", help_heading = READING)]
    index_cache: Option<PathBuf>,
}

impl IndexArgs {
    /// How these and the global flags want sources to be opened.
    pub(crate) fn source_options(&self, global: &Global) -> SourceOptions {
        let index_cache = self.index_cache.as_deref().map(Arc::from);
        SourceOptions { index_cache, ..source_options(global) }
    }
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
