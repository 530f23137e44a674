//! The selection of a stream by the caller's choice, or an error that lists the streams.

use std::fmt::Display;

use moviola_av::{demuxer::Demuxer, media_kind::MediaKind, stream::Stream};

use crate::source::{AudioChoice, VideoChoice};

/// The number of the video stream that `choice` selects.
pub(super) fn find_video(demuxer: &Demuxer, choice: VideoChoice) -> Option<usize> {
    if let VideoChoice::Number(number) = choice {
        return demuxer.stream(number).filter(is_video).map(Stream::index);
    }
    let mut best = None;
    for stream in demuxer.streams().filter(is_video) {
        let score = score(&stream);
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, stream.index()));
        }
    }
    best.map(|(_, index)| index)
}

/// As the ffmpeg command weighs them.
fn score(stream: &Stream<'_>) -> u64 {
    const DEFAULT_BONUS: u64 = 5_000_000;
    let pixels = stream
        .parameters()
        .map_or(0, |parameters| u64::from(parameters.width()) * u64::from(parameters.height()));
    pixels + if stream.disposition().is_default() { DEFAULT_BONUS } else { 0 }
}

/// Whether the stream is video. Cover art isn't.
fn is_video(stream: &Stream<'_>) -> bool {
    stream.kind() == MediaKind::Video && !stream.disposition().is_attached_picture()
}

/// Whether it is audio that `choice` may mean.
pub(super) fn may_be_meant(stream: &Stream<'_>, choice: &AudioChoice) -> bool {
    let is_meant = match choice {
        AudioChoice::Best => true,
        AudioChoice::Number(number) => stream.index() == *number,
        AudioChoice::Language(wanted) => {
            stream.language().is_some_and(|languages| has_language(&languages, wanted))
        }
    };
    is_meant && stream.kind() == MediaKind::Audio
}

/// Whether a stream's languages, such as `eng`, have the wanted one. MPEG-TS has several of a stream
/// with two channels of speech, separated by commas: `deu,fra`.
fn has_language(languages: &str, wanted: &str) -> bool {
    languages.split(',').any(|language| language.eq_ignore_ascii_case(wanted))
}

/// The message that the video stream doesn't exist, with the existing ones; `None` if there are
/// none.
pub(super) fn no_such_video(demuxer: &Demuxer, choice: VideoChoice) -> Option<String> {
    no_such(demuxer, "video", &choice, is_video)
}

/// The message that the audio stream doesn't exist, with the existing ones; `None` if there are
/// none.
pub(super) fn no_such_audio(demuxer: &Demuxer, choice: &AudioChoice) -> Option<String> {
    no_such(demuxer, "audio", choice, |stream| stream.kind() == MediaKind::Audio)
}

fn no_such(
    demuxer: &Demuxer,
    kind: &str,
    choice: &dyn Display,
    is_of_kind: impl Fn(&Stream<'_>) -> bool,
) -> Option<String> {
    let streams: Vec<_> = demuxer.streams().filter(is_of_kind).map(describe).collect();
    let there = streams.join(", ");
    let reason = format!("there is no {kind} stream {choice}; its {kind} streams: {there}");
    (!streams.is_empty()).then_some(reason)
}

/// Such as `1 (aac, eng)`.
fn describe(stream: Stream<'_>) -> String {
    let codec = stream.parameters().map_or("unknown", |parameters| parameters.codec_name());
    let language = stream.language().map(|language| format!(", {language}")).unwrap_or_default();
    format!("{} ({codec}{language})", stream.index())
}

#[cfg(test)]
mod tests {
    use super::has_language;

    #[test]
    fn each_language_of_a_stream_selects_it() {
        for (languages, wanted, has) in [
            ("deu", "deu", true),
            ("deu", "DEU", true),
            ("deu,fra", "deu", true),
            ("deu,fra", "fra", true),
            ("deu,fra", "de", false),
            ("deu,fra", "eng", false),
            ("", "deu", false),
        ] {
            assert_eq!(has_language(languages, wanted), has, "{wanted} of {languages}");
        }
    }
}
