//! How the decoders of one stream are opened.

use std::sync::Arc;

use moviola_av::{
    decoder::DecoderOptions, discard::Discard, error::Result as AvResult,
    parameters::CodecParameters, pool::PoolReuse,
};

use super::StreamDecoder;
use crate::{
    bitstream::{access::Classifier, parameter_sets::Snapshot},
    hardware::Hardware,
    input::{OpenInput, VideoStream},
};

/// How to open the decoders of a video stream, but for their threads.
///
/// Where frames are damaged, decoders of one configuration may show what is left of each other's
/// frames.
#[derive(Clone, Debug)]
pub(crate) struct DecoderConfig {
    pub(crate) parameters: Arc<CodecParameters>,
    options: DecoderOptions,
    hardware: Arc<Hardware>,
    /// The parameter sets in the stream's first packet, which decoders need that don't get it.
    pub(crate) first_sets: Snapshot,
}

impl DecoderConfig {
    /// The configuration for the `video` of `input`.
    pub(crate) fn of(input: &OpenInput, video: &VideoStream) -> Self {
        let (parameters, pool) = (&video.parameters, &input.options.pool);
        // FFmpeg's decoder of H.264 conceals all damage, but in fields.
        let reuse = match Classifier::of(parameters).is_h264_of_frames() {
            true => PoolReuse::OwnedBy(pool.new_owner()),
            false => PoolReuse::Cleared,
        };
        let options = DecoderOptions {
            time_base: Some(video.time_base),
            max_pixels: Some(input.options.max_pixels),
            pool: Some(Arc::clone(pool)),
            reuse,
            ..DecoderOptions::default()
        };
        Self {
            parameters: Arc::clone(parameters),
            options,
            hardware: Arc::clone(&input.hardware),
            first_sets: Snapshot::default(),
        }
    }

    /// The same for decoders that decode no frames but those that `skip` lets through.
    pub(crate) fn with_skip(mut self, skip: Discard) -> Self {
        self.options.skip_frame = skip;
        self
    }

    /// The same without hardware.
    pub(crate) fn in_software(&self) -> Self {
        Self { hardware: Hardware::none(), ..self.clone() }
    }

    /// Whether the decoders themselves skip frames that are no keyframes.
    pub(crate) fn skips_other_frames(&self) -> bool {
        self.options.skip_frame == Discard::NonKey
    }

    /// Whether a decoder keeps something of earlier frames when it is flushed: MJPEG's tables,
    /// which damaged frames would be decoded with.
    pub(crate) fn outlives_flush(&self) -> bool {
        self.parameters.codec_name() == "mjpeg"
    }

    /// Opens a decoder. `reorder_delay` is how many frames it must hold back at least to put them
    /// in order; 0 if that isn't known.
    ///
    /// # Errors
    ///
    /// As [`StreamDecoder::open`].
    pub(crate) fn open(&self, threads: u16, reorder_delay: u8) -> AvResult<StreamDecoder> {
        let options = DecoderOptions { threads, reorder_delay, ..self.options.clone() };
        StreamDecoder::open(&self.parameters, &options, &self.hardware)
    }
}
