//! The command `moviola`.

mod args;
mod cmd;
mod exit;
mod inference;
mod input;
mod input_count;
mod interrupt;
mod output;
mod pictures;
mod plan_args;
mod progress;
mod run;
mod time_left;
mod wording;

use std::{ffi::OsString, io};

use clap::Parser;

use args::{Cli, Command, Global, Io};
use exit::Exit;
use output::Output;

fn main() {
    choose_color(std::env::args_os());
    wording::install();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that went away is none of our business; clap knows what goes where.
            drop(error.print());
            if error.use_stderr() { Exit::Nothing.leave() } else { Exit::Done.leave() }
        }
    };
    let mut out = Output::new(&cli.global);
    start(&cli.global);
    if !matches!(cli.command, Some(Command::Worker(_))) {
        interrupt::listen(); // a worker ends when whoever it works for does
    }
    let result = run(&cli, &mut out);
    out.end_progress();
    let exit = result.unwrap_or_else(|error| fail(&error, &out));
    // Threads that wait for what can't be interrupted may still be there.
    if interrupt::requested() { Exit::Interrupted.leave() } else { exit.leave() }
}

fn run(cli: &Cli, out: &mut Output) -> anyhow::Result<Exit> {
    let global = &cli.global;
    if cli.version {
        return cmd::version::run(out);
    }
    let Some(command) = &cli.command else {
        anyhow::bail!("no command; `moviola --help` lists them")
    };
    match command {
        Command::Probe(probe) => probe.run(global, out),
        Command::Keyframes(keyframes) => keyframes.run(global, out),
        Command::Frames(frames) => frames.run(global, out),
        Command::Detect(detect) => detect.run(global, out),
        Command::Inspect(inspect) => inspect.run(out),
        Command::Doctor(doctor) => doctor.run(out),
        Command::Completions(completions) => completions.run(out),
        Command::Embed(later) => later.run("embed"),
        Command::Transcribe(later) => later.run("transcribe"),
        Command::Run(run) => run.run(global, out),
        Command::Bulk(bulk) => bulk.run(global, out),
        Command::Debug(debug) => debug.run(global, out),
        Command::Worker(worker) => worker.run(),
        Command::Record(later) => later.run("record"),
        Command::Repair(later) => later.run("repair"),
    }
}

/// What must be in place before the first input is opened.
fn start(global: &Global) {
    if global.verbose > 0 {
        let level = if global.verbose > 1 { tracing::Level::TRACE } else { tracing::Level::DEBUG };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(|| anstream::AutoStream::auto(io::stderr()))
            .init();
    }
    moviola::log::init();
    moviola::memory::keep_freed();
    if global.io != Io::Read
        && let Err(error) = moviola::sigbus::install()
    {
        tracing::warn!(%error, "no signal handler: files must not shrink while they are mapped");
    }
}

/// Colour must be settled before the command line is parsed, whose errors are coloured too.
fn choose_color(arguments: impl Iterator<Item = OsString>) {
    let arguments: Vec<_> = arguments.collect();
    let value = |index: usize| {
        let argument = arguments[index].to_str()?;
        match argument.strip_prefix("--color") {
            Some("") => arguments.get(index + 1)?.to_str(),
            Some(value) => value.strip_prefix('='),
            None => None,
        }
    };
    let choice = match (0..arguments.len()).filter_map(value).next_back() {
        Some("always") => anstream::ColorChoice::Always,
        Some("never") => anstream::ColorChoice::Never,
        _ => anstream::ColorChoice::Auto,
    };
    choice.write_global();
}

/// Says what is wrong.
fn fail(error: &anyhow::Error, out: &Output) -> Exit {
    out.error(format_args!("{error:#}"));
    Exit::Nothing
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
