//! `moviola --version`: the versions of Moviola and its libraries.

use moviola::{infer::runtime::Runtime, system::ffmpeg};

use crate::{console::Console, exit::Exit};

pub(crate) fn run(out: &mut Console) -> anyhow::Result<Exit> {
    let moviola = env!("CARGO_PKG_VERSION");
    let runtime = match Runtime::load() {
        Ok(runtime) => format!("{} ({})", runtime.version(), runtime.path().display()),
        // `doctor` prints the rest.
        Err(error) => format!("not available: {}", first_line(&error.to_string())),
    };
    out.text(&format!(
        "moviola {moviola}\n{}\nONNX Runtime {runtime}\nwhisper.cpp not in this build\n",
        ffmpeg_line()
    ))?;
    Ok(Exit::Done)
}

/// FFmpeg's release, licence and linkage.
pub(crate) fn ffmpeg_line() -> String {
    let linkage = match ffmpeg::linkage() {
        ffmpeg::Linkage::Static => "static",
        ffmpeg::Linkage::Shared => "shared",
    };
    format!("FFmpeg {} ({}, {linkage})", ffmpeg::release(), ffmpeg::license())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
