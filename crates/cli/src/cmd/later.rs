//! Commands of a later version: they are listed, so that nobody searches for them in vain.

use std::ffi::OsString;

use anyhow::bail;

use crate::exit::Exit;

/// Takes any arguments, so that the answer is always the same.
#[derive(Debug, clap::Args)]
pub(crate) struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

impl Later {
    pub(crate) fn run(&self, command: &str) -> anyhow::Result<Exit> {
        tracing::debug!(arguments = ?self.arguments, "ignored");
        bail!("`moviola {command}` is not in this build")
    }
}
