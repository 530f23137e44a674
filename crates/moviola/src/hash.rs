//! The hash of a decoded frame, equal to that of ffmpeg's framemd5.

use md5::{Digest, Md5};
use moviola_av::frame::VideoFrame;

/// MD5 of the frame's planes in their own pixel format, as 32 lowercase hexadecimal digits.
///
/// Rows follow one another without padding, planes without gaps, and the palette, if there is
/// one, comes last: what `ffmpeg -noautorotate -f framemd5` hashes.
pub fn frame_md5(frame: &VideoFrame) -> String {
    let mut md5 = Md5::new();
    for plane in frame.planes() {
        plane.iter().for_each(|row| md5.update(row));
    }
    for color in frame.palette().iter().flatten() {
        md5.update(color.to_le_bytes());
    }
    hexadecimal(&md5.finalize())
}

/// The bytes as lowercase hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
