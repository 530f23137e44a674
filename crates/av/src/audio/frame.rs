//! A frame of decoded audio: shared and read-only.

use std::{fmt, ptr::NonNull, slice};

use ffmpeg_sys_next as ffi;

use super::{ChannelLayout, SampleFormat};
use crate::{
    error::{Error, Result},
    frame::RawFrame,
    packet, time,
};

/// A frame of decoded audio samples.
///
/// Owns its `AVFrame` and one reference to each sample buffer, which the decoder may share: the
/// samples never change. Format, layout and length have no setters, because they describe the
/// allocation.
pub struct AudioFrame {
    raw: RawFrame,
    format: SampleFormat,
    layout: ChannelLayout,
    sample_rate: u32,
    samples: usize,
}

// SAFETY: methods on `&AudioFrame` only read, and nothing writes to shared samples.
unsafe impl Sync for AudioFrame {}

impl AudioFrame {
    /// Takes over a frame that a decoder filled.
    ///
    /// # Errors
    ///
    /// [`Error::Ffmpeg`] if its format, rate or number of samples is unknown.
    pub(crate) fn from_raw_frame(raw: RawFrame) -> Result<Self> {
        // SAFETY: `raw` owns a valid frame.
        let format = SampleFormat::from_raw(unsafe { (*raw.as_ptr()).format });
        // SAFETY: as above.
        let rate = u32::try_from(unsafe { (*raw.as_ptr()).sample_rate }).unwrap_or(0);
        // SAFETY: as above.
        let samples = usize::try_from(unsafe { (*raw.as_ptr()).nb_samples }).ok();
        // SAFETY: as above.
        let layout = unsafe { &raw const (*raw.as_ptr()).ch_layout };
        // SAFETY: a valid frame's layout is valid, and nothing changes it during the call.
        let layout = unsafe { ChannelLayout::copy_of(layout) }?;
        match (format, samples) {
            (Some(format), Some(samples)) if rate > 0 => {
                Ok(Self { raw, format, layout, sample_rate: rate, samples })
            }
            _ => Err(Error::Ffmpeg {
                op: "avcodec_receive_frame",
                code: ffi::AVERROR_BUG,
                message: format!("audio in format {format:?} with {rate} samples a second"),
            }),
        }
    }

    /// The sample format.
    pub fn format(&self) -> SampleFormat {
        self.format
    }

    /// The channel layout.
    pub fn layout(&self) -> &ChannelLayout {
        &self.layout
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Number of samples per channel.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Presentation time of the first sample, in ticks of the stream's time base. Where the
    /// container has no timestamp, FFmpeg's estimate; `None` if there is none.
    pub fn pts(&self) -> Option<i64> {
        // FFmpeg adjusts only `pts` when it trims samples at the front, so `pts` comes first.
        // SAFETY: `self` owns a valid frame.
        let pts = time::known(unsafe { (*self.raw()).pts });
        // SAFETY: as above.
        pts.or_else(|| time::known(unsafe { (*self.raw()).best_effort_timestamp }))
    }

    /// Duration in ticks of the stream's time base, if known.
    pub fn duration(&self) -> Option<i64> {
        // SAFETY: `self` owns a valid frame.
        let duration = unsafe { (*self.raw()).duration };
        (duration > 0).then_some(duration)
    }

    /// The tag of the packet that it was decoded from: see
    /// [`Packet::set_tag`](crate::packet::Packet::set_tag).
    pub fn tag(&self) -> i64 {
        // SAFETY: `self` owns a valid frame; the pointer is a number and never followed.
        packet::tag_from_raw(unsafe { (*self.raw()).opaque })
    }

    /// Whether the decoder found it damaged.
    pub fn is_corrupt(&self) -> bool {
        // SAFETY: `self` owns a valid frame.
        let flags = unsafe { (*self.raw()).flags };
        // SAFETY: as above.
        let errors = unsafe { (*self.raw()).decode_error_flags };
        flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || errors != 0
    }

    /// The bytes of plane `index`: one channel's samples, or all channels interleaved if the format
    /// is not planar. `None` if there is no such plane.
    pub fn plane(&self, index: usize) -> Option<&[u8]> {
        let channels = self.layout.channels();
        if index >= self.format.planes(channels) {
            return None;
        }
        let interleaved = if self.format.planar { 1 } else { channels };
        let bytes = self.samples * interleaved * self.format.sample_bytes();
        // SAFETY: `self` owns a valid frame.
        let planes = unsafe { (*self.raw()).extended_data };
        // SAFETY: an audio frame has one pointer per plane there.
        let plane = unsafe { planes.add(index) };
        // SAFETY: as above.
        let plane = NonNull::new(unsafe { *plane })?;
        // SAFETY: FFmpeg allocated that many bytes for each plane, and nothing writes to them while
        // `self` holds its references.
        Some(unsafe { slice::from_raw_parts(plane.as_ptr(), bytes) })
    }

    pub(super) fn raw(&self) -> *const ffi::AVFrame {
        self.raw.as_ptr()
    }
}

impl fmt::Debug for AudioFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioFrame")
            .field("samples", &self.samples)
            .field("sample_rate", &self.sample_rate)
            .field("layout", &self.layout)
            .field("format", &self.format)
            .field("pts", &self.pts())
            .finish_non_exhaustive()
    }
}
