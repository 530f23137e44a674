//! `moviola worker`: one of the processes that `moviola bulk --isolate` lets work. It isn't for people.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::ValueEnum;
use moviola::bulk::isolate::{Isolation, serve};

use crate::{args::Global, exit::Exit};

/// All that it has to know comes through its standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct Worker;

impl Worker {
    pub(crate) fn run(&self) -> anyhow::Result<Exit> {
        match serve(io::stdin(), io::stdout(), || Exit::Done.leave()) {
            // Whoever it worked for is gone: there is nobody to complain to.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
            served => served.map(|()| Exit::Done).context("a worker process can't go on"),
        }
    }
}

/// Workers that are this command again, with what `global` says of reading and of messages; none may
/// take longer than `deadline` seconds for an input.
pub(crate) fn isolation(global: &Global, deadline: Option<f64>) -> anyhow::Result<Isolation> {
    let program = this_program().context("the command can't find itself to start workers")?;
    let io = global.io.to_possible_value();
    let io = io.as_ref().map_or("auto", |value| value.get_name());
    let color = global.color.to_string();
    let arguments = ["worker", "--io", io, "--color", &color].map(Into::into).into_iter();
    let verbose = (0..global.verbose).map(|_| "--verbose".into());
    Ok(Isolation {
        program,
        arguments: arguments.chain(verbose).collect(),
        // What is too long to be counted is no bound.
        deadline: deadline.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

/// This program itself, even if its file was replaced meanwhile, where the system has a name for that.
fn this_program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.into()) } else { env::current_exe() }
}
