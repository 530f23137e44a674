//! A command's sources, and the flags for opening them.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::Arc,
};

use anyhow::bail;
use moviola::source::{Source, SourceOptions, StreamSelection};

use crate::{
    global::{Global, READING},
    interrupt,
};

/// Sources that are read one after another.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Files, `-` for standard input, or URLs
    #[arg(required = true, value_name = "INPUT")]
    sources: Vec<OsString>,
}

impl SourceArgs {
    /// As given to a command that takes them in another way.
    pub(crate) fn new(sources: Vec<OsString>) -> Self {
        Self { sources }
    }

    /// Refuses sources that can't be read together.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.sources.iter().filter(|source| *source == "-").count() > 1 {
            bail!("standard input (`-`) can be read once only");
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.sources.iter().map(|word| parse_source(word))
    }
}

/// The source that a word names. A word that isn't Unicode is a path.
pub(crate) fn parse_source(word: &OsStr) -> Source {
    word.to_str().map_or_else(|| Source::path(word), Source::parse)
}

/// The flags about indexes: how frames anywhere in a source are found.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexArgs {
    /// Keep indexes in DIR, for files that must be read through to know where their frames are
    #[arg(long, value_name = "DIR", help_heading = READING)]
    index_cache: Option<PathBuf>,
}

impl IndexArgs {
    /// How sources are opened by these and the global flags.
    pub(crate) fn source_options(&self, global: &Global) -> SourceOptions {
        let index_cache = self.index_cache.as_deref().map(Arc::from);
        SourceOptions { index_cache, ..source_options(global) }
    }
}

/// How sources are opened by the global flags.
pub(crate) fn source_options(global: &Global) -> SourceOptions {
    SourceOptions {
        io: global.io,
        allow_protocols: global.allow_protocols.clone(),
        max_pixels: global.max_pixels,
        hwaccel: global.hwaccel,
        interrupt: interrupt::of_sources(),
        streams: StreamSelection { video: global.video_stream, audio: global.audio_stream.clone() },
        ..SourceOptions::default()
    }
}
