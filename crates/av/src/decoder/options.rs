//! Options of video decoders.

use std::sync::Arc;

use crate::{
    dict::Dictionary,
    discard::Discard,
    hw::HwDevice,
    pool::{FramePool, PoolReuse},
    time::TimeBase,
};

/// How to open a video decoder. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderOptions {
    /// Number of threads inside the decoder; 0 means 1. The decoder never chooses it. Default: 1.
    pub threads: u16,
    /// How the work is divided among several threads. Default: [`ThreadKind::Frame`].
    pub thread_kind: ThreadKind,
    /// Frames that are not decoded. FFmpeg's VP9 and VVC decoders ignore this: send them only the
    /// packets of wanted frames. Default: [`Discard::Useless`].
    pub skip_frame: Discard,
    /// Frames that skip the loop filter. Default: [`Discard::Useless`].
    pub skip_loop_filter: Discard,
    /// The tick of the packets' timestamps. Default: unknown; set it to the stream's.
    pub time_base: Option<TimeBase>,
    /// The largest number of pixels (width × height) of a frame. Default: what FFmpeg can address,
    /// about 268 million.
    pub max_pixels: Option<u64>,
    /// Return damaged frames too, marked as corrupt, where the decoder would drop them.
    /// Default: `false`.
    pub output_corrupt: bool,
    /// Return frames without reordering delay where the stream allows it. Default: `false`.
    pub low_delay: bool,
    /// The smallest number of frames that the decoder holds back to reorder them. H.264 streams may
    /// declare too few, and a decoder that starts in the middle then returns frames too early; 15
    /// is always enough, but delays output by as many frames. Default: 0, what the stream declares.
    pub reorder_delay: u8,
    /// How damaged parts are filled. Default: [`Concealment::Guess`], as in FFmpeg.
    pub concealment: Concealment,
    /// Ignore the stream's crop rectangle and return whole coded frames. Default: `false`.
    pub ignore_crop: bool,
    /// The pool that frames are allocated from. Default: none; the decoder has its own, freed with
    /// it.
    pub pool: Option<Arc<FramePool>>,
    /// Which earlier contents memory from the pool may have. Default: [`PoolReuse::Any`].
    pub reuse: PoolReuse,
    /// The device to decode on. If it does not support the stream, decoding continues in software
    /// where the decoder can. Frames decoded on the device stay in its memory: see
    /// [`VideoFrame::download`](crate::VideoFrame::download). Default: none.
    pub hardware: Option<Arc<HwDevice>>,
    /// FFmpeg's name of the decoder to use, such as `"libdav1d"`. Default: the one that FFmpeg
    /// prefers.
    pub decoder: Option<String>,
    /// Options of the decoder, by FFmpeg's names; an unknown one is an error. Default: none.
    pub options: Dictionary,
}

/// How a decoder divides its work among threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ThreadKind {
    /// Frame threading: one frame per thread. The most parallel; each thread but the first adds one
    /// frame of delay.
    #[default]
    Frame,
    /// Slice threading: slices of one frame in parallel. No delay, but not all streams have slices.
    Slice,
    /// Frame threading if the decoder has it, else slice threading.
    FrameOrSlice,
}

/// How damaged parts of a frame are filled (FFmpeg's error concealment).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Concealment {
    /// Estimated from the surrounding pixels and frames.
    #[default]
    Guess,
    /// Not at all: they keep what the decoder left there.
    Off,
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            thread_kind: ThreadKind::default(),
            skip_frame: Discard::default(),
            skip_loop_filter: Discard::default(),
            time_base: None,
            max_pixels: None,
            output_corrupt: false,
            low_delay: false,
            reorder_delay: 0,
            concealment: Concealment::default(),
            ignore_crop: false,
            pool: None,
            reuse: PoolReuse::default(),
            hardware: None,
            decoder: None,
            options: Dictionary::new(),
        }
    }
}
