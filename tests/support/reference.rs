//! The reference ffmpeg, built from the same sources by `native/`.

use std::{path::Path, process::Command};

/// A frame as ffmpeg's `framemd5` muxer reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Presentation time in ticks of the output's time base.
    pub pts: i64,
    /// MD5 of the decoded planes, in hexadecimal.
    pub md5: String,
}

/// The decoded frames of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Length of a tick in seconds, as a fraction.
    pub time_base: (i64, i64),
    /// All frames, in decoder output order.
    pub frames: Vec<Frame>,
}

/// The path of the reference ffmpeg; prints a line and returns `None` if it was not built.
fn ffmpeg() -> Option<String> {
    let path = std::env::var("MOVIOLA_FFMPEG").ok();
    if path.is_none() {
        println!("skipped: MOVIOLA_FFMPEG does not name the reference ffmpeg");
    }
    path
}

/// Decodes stream `stream` of `clip`; `before` are options for the input, such as `-skip_frame`.
///
/// `None` without a reference ffmpeg, or if it decodes no frame of the clip.
pub fn decode(clip: &Path, stream: usize, before: &[&str]) -> Option<Decoded> {
    let output = Command::new(ffmpeg()?)
        .args(["-v", "quiet", "-nostdin", "-threads", "1", "-noautorotate", "-copyts"])
        .args(before)
        .arg("-i")
        .arg(clip)
        .args(["-map", &format!("0:{stream}"), "-noautoscale", "-fps_mode", "passthrough"])
        // The stream's own ticks, because ticks of the frame rate would merge frames.
        .args(["-enc_time_base", "demux"])
        .args(["-f", "framemd5", "-"])
        .output()
        .ok()?;
    let decoded = parse(&String::from_utf8_lossy(&output.stdout));
    (!decoded.frames.is_empty()).then_some(decoded)
}

/// The samples of stream `stream` of `clip`, channels interleaved; `after` are options for the
/// output, such as `-ar`.
///
/// `None` without a reference ffmpeg.
pub fn audio(clip: &Path, stream: usize, after: &[&str]) -> Option<Vec<f32>> {
    let output = Command::new(ffmpeg()?)
        .args(["-v", "quiet", "-nostdin", "-threads", "1", "-i"])
        .arg(clip)
        .args(["-map", &format!("0:{stream}")])
        .args(after)
        .args(["-f", "f32le", "-"])
        .output()
        .ok()?;
    let (samples, _) = output.stdout.as_chunks::<4>();
    Some(samples.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

/// Encrypts the streams of `clip`; returns the MP4 file.
///
/// `None` without a reference ffmpeg.
pub fn encrypted(clip: &Path) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().ok()?;
    let target = folder.path().join("encrypted.mp4");
    let status = Command::new(ffmpeg()?)
        .args(["-v", "quiet", "-nostdin", "-i"])
        .arg(clip)
        .args(["-c", "copy", "-encryption_scheme", "cenc-aes-ctr"])
        .args(["-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"])
        .args(["-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"])
        .arg(&target)
        .status()
        .ok()?;
    status.success().then(|| std::fs::read(&target).ok()).flatten()
}

fn parse(report: &str) -> Decoded {
    let mut decoded = Decoded { time_base: (0, 1), frames: Vec::new() };
    for line in report.lines() {
        if let Some(base) = line.strip_prefix("#tb 0: ") {
            let (num, den) = base.split_once('/').unwrap_or(("0", "1"));
            decoded.time_base = (num.parse().unwrap_or(0), den.parse().unwrap_or(1));
        }
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        if let ["0", _dts, pts, _duration, _size, md5, ..] = fields[..] {
            decoded.frames.push(Frame { pts: pts.parse().unwrap_or(i64::MIN), md5: md5.into() });
        }
    }
    decoded
}
