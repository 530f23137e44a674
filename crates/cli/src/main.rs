//! The command `moviola`.

mod args;
mod cmd;
mod console;
mod exit;
mod global;
mod image_args;
mod inference;
mod input_count;
mod interrupt;
mod memory_warning;
mod output_dirs;
mod plan_args;
mod progress;
mod provider_notice;
mod run;
mod source_args;
mod time_left;
mod wording;

use std::{ffi::OsString, io};

use clap::{CommandFactory, Parser};
use moviola::source::IoMode;

use args::{Cli, Command};
use console::Console;
use exit::Exit;
use global::Global;

fn main() {
    choose_color(std::env::args_os());
    wording::install();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Fails if the stream is closed, which can't be reported. clap chooses the stream.
            drop(error.print());
            if error.use_stderr() { Exit::Nothing.exit() } else { Exit::Done.exit() }
        }
    };
    let mut out = Console::new(&cli.global);
    start(&cli.global);
    if !matches!(cli.command, Some(Command::Worker(_))) {
        interrupt::listen(); // a worker ends with the process that started it
    }
    let result = run(&cli, &mut out);
    out.end_progress();
    let exit = result.unwrap_or_else(|error| fail(&error, &out));
    // At once: other threads may wait for what can't be interrupted.
    if interrupt::is_requested() { Exit::Interrupted.exit() } else { exit.exit() }
}

fn run(cli: &Cli, out: &mut Console) -> anyhow::Result<Exit> {
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
        Command::Completions(completions) => completions.run(Cli::command(), out),
        Command::Run(run) => run.run(global, out),
        Command::Bulk(bulk) => bulk.run(global, out),
        Command::Debug(debug) => debug.run(global, out),
        Command::Worker(worker) => worker.run(),
    }
}

/// Sets up messages, memory and signals before the first source is opened.
fn start(global: &Global) {
    if global.verbose > 0 {
        let level = if global.verbose > 1 { tracing::Level::TRACE } else { tracing::Level::DEBUG };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(|| anstream::AutoStream::auto(io::stderr()))
            .init();
    }
    moviola::system::log::init();
    moviola::system::memory::keep_freed();
    if global.io != IoMode::Read
        && let Err(error) = moviola::system::sigbus::install()
    {
        tracing::warn!(%error, "no signal handler: files must not shrink while they are mapped");
    }
}

/// Chooses colours before the command line is parsed, because its errors are coloured too.
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

/// Prints the error that ends the command.
fn fail(error: &anyhow::Error, out: &Console) -> Exit {
    out.error(with_causes(error));
    Exit::Nothing
}

/// The message of an error, with the causes that it doesn't tell itself.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |message, cause| {
        let cause = cause.to_string();
        if message.contains(&cause) { message } else { format!("{message}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_cause_is_told_once() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let error = anyhow::Error::new(missing()).context(format!("plan.toml: {}", missing()));
        assert_eq!(with_causes(&error), format!("plan.toml: {}", missing()));
        let error = anyhow::Error::new(missing()).context("plan.toml").context("no plan");
        assert_eq!(with_causes(&error), format!("no plan: plan.toml: {}", missing()));
    }
}
