//! What the benchmarks' helpers share: how they are called, and what a piece of work costs.

use std::{
    env, fs, iter,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

/// How a helper was called: `MODE VIDEO... [NAME VALUE]...`.
pub(crate) struct Call {
    pub(crate) mode: String,
    /// At least one.
    pub(crate) videos: Vec<String>,
    /// Names with their dashes, and their values.
    pub(crate) options: Vec<(String, String)>,
}

/// Starts as the command does, and reads the arguments.
pub(crate) fn start() -> Result<Call> {
    moviola::system::log::init();
    moviola::system::memory::keep_freed();
    let mut words = env::args().skip(1).peekable();
    let mode = words.next().context("which mode?")?;
    let videos: Vec<_> = iter::from_fn(|| words.next_if(|word| !word.starts_with('-'))).collect();
    ensure!(!videos.is_empty(), "which video?");
    let mut options = Vec::new();
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("{name} needs a value"))?;
        options.push((name, value));
    }
    Ok(Call { mode, videos, options })
}

/// Runs `work`; its result and the CPU and wall seconds it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64, f64)> {
    let (cpu_before, before) = (cpu(), Instant::now());
    let result = work()?;
    Ok((result, (cpu() - cpu_before).as_secs_f64(), before.elapsed().as_secs_f64()))
}

/// User and system time of the process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A line of `/proc/self/status`, in megabytes.
pub(crate) fn resident(line: &str) -> Result<f64> {
    Ok(kernel_says("/proc/self/status", line)? / 1024.0)
}

/// The number in a line of a file that the kernel writes.
pub(crate) fn kernel_says(file: &str, line: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let value = text.lines().find_map(|text| text.strip_prefix(line)).context("no such line")?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
