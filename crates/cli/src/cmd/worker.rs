//! `moviola worker`: a worker process of `moviola bulk --isolate`. Users don't start it.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use moviola::bulk::isolate::{Isolation, serve};

use crate::{exit::Exit, global::Global};

/// No arguments: everything comes through standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Worker;

impl Worker {
    pub(crate) fn run(&self) -> anyhow::Result<Exit> {
        match serve(io::stdin(), io::stdout(), || Exit::Done.exit()) {
            // The parent process has ended, so there is no reader for an error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
            served => served.map(|()| Exit::Done).context("a worker process has to end"),
        }
    }
}

/// How to start worker processes: this command again, with the global flags about reading and
/// messages. A worker that takes longer than `deadline` seconds for a source is killed.
pub(crate) fn isolation(global: &Global, deadline: Option<f64>) -> anyhow::Result<Isolation> {
    let program = this_program().context("cannot find the program's own file to start workers")?;
    let (io, color) = (global.io.to_string(), global.color.to_string());
    let arguments = ["worker", "--io", &io, "--color", &color].map(Into::into).into_iter();
    let verbose = (0..global.verbose).map(|_| "--verbose".into());
    Ok(Isolation {
        program,
        arguments: arguments.chain(verbose).collect(),
        // A deadline too long for the type is none.
        deadline: deadline.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

/// The path of this program. On Linux it still names the running one after the file was replaced.
fn this_program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.into()) } else { env::current_exe() }
}
