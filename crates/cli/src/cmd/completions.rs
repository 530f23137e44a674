//! `moviola completions`: a script with which a shell completes the command line.

use clap::Command;
use clap_complete::{Shell, generate};

use crate::{console::Console, exit::Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell to write for
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script for `command`.
    pub(crate) fn run(&self, mut command: Command, out: &mut Console) -> anyhow::Result<Exit> {
        // The generator panics when it can't write, so it writes to memory.
        let mut script = Vec::new();
        generate(self.shell, &mut command, "moviola", &mut script);
        out.text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
