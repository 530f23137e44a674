//! What README.md shows of the library, in a crate of a user's own, and what can be done about errors.

use moviola::{
    Error, ErrorKind, Frame, Source, Video,
    audio::{AudioOptions, AudioReader},
    convert::{PixelOrder, PixelSpec},
    keyframes::KeyframeReader,
    remedy::Remedy,
    source::SourceOptions,
};

/// The README's example, on any video.
fn show(path: &str) -> Result<(), Error> {
    for keyframe in KeyframeReader::open(Source::path(path), Default::default())? {
        let keyframe = keyframe?;
        let (width, height) = (keyframe.decoded.width(), keyframe.decoded.height());
        println!("{:?}: {width}x{height}", keyframe.time);
    }

    let mut video = Video::open(Source::path(path), Default::default())?;
    let last = video.frame_at(-1)?;
    let four = video.frames_played_at(&[0.5, 1.0, 0.25, 1.5])?;
    println!("{} frames, the last at {:?}, {} of them here", video.len()?, last.time, four.len());

    let spec = PixelSpec { size: (224, 224), crop: None, order: PixelOrder::Hwc };
    let mut pixels = vec![0; 3 * spec.values()];
    video.read_frames_at(&[0, 30, -1], &spec, &mut pixels)?;

    let speech =
        AudioOptions { sample_rate: Some(16_000), channels: Some(1), ..Default::default() };
    let mut audio = AudioReader::open(Source::path(path), Default::default(), speech)?;
    println!("{} samples", audio.samples_played_in_range(0.5, 1.0)?.len());
    Ok(())
}

/// What a program would do about an error.
fn next_step(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "ask for another path",
        ErrorKind::NotMedia | ErrorKind::Corrupt => "skip the file",
        ErrorKind::NoVideo => "transcribe it",
        ErrorKind::NoFrame => "ask for another frame",
        ErrorKind::InvalidArgument => "mend the program",
        ErrorKind::Interrupted => "stop",
        _ => match error.remedy() {
            Some(Remedy::RaiseMaxPixels { .. }) => "raise the limit",
            _ => "report it",
        },
    }
}

fn first_frame(path: &str, options: SourceOptions) -> Result<Frame, Error> {
    Video::open(Source::path(path), options)?.frame_at(0)
}

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).expect("the folder of the clips");
    let clip = |name: &str| format!("{folder}/{name}");
    let usual = SourceOptions::default;
    show(&clip("h264_bframes.mp4"))?;
    for (name, options, want) in [
        ("there_is_none.mp4", usual(), "ask for another path"),
        ("not_media.mp4", usual(), "skip the file"),
        ("audio_only.m4a", usual(), "transcribe it"),
        ("demo.mp4", SourceOptions { decoders: 0, ..usual() }, "mend the program"),
        ("demo.mp4", SourceOptions { max_pixels: 100, ..usual() }, "raise the limit"),
    ] {
        let error = first_frame(&clip(name), options).expect_err(name);
        assert_eq!(next_step(&error), want, "{error}");
        println!("{error}: {want}");
    }
    Ok(())
}
