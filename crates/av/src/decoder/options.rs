//! How to open a decoder.

use std::sync::Arc;

use crate::{
    dict::Dictionary,
    discard::Discard,
    hw::HwDevice,
    pool::{FramePool, PoolReuse},
    time::TimeBase,
};

/// How to open a decoder. Every field has a working default.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderOptions {
    /// Threads inside the decoder, at least 1; never chosen by the decoder itself. Default: 1.
    pub threads: u16,
    /// What several threads share out. Default: [`ThreadKind::Frame`].
    pub thread_kind: ThreadKind,
    /// Pictures not to decode. FFmpeg's decoders of VP9 and VVC take no notice of it: send them
    /// only the packets that are wanted. Default: [`Discard::Useless`].
    pub skip_frame: Discard,
    /// Pictures to leave without their loop filter. Default: [`Discard::Useless`].
    pub skip_loop_filter: Discard,
    /// The tick of the packets' timestamps. Default: unknown; set it to the stream's.
    pub time_base: Option<TimeBase>,
    /// The most pixels (width × height) a picture may have. Default: what FFmpeg can address,
    /// about 268 million.
    pub max_pixels: Option<u64>,
    /// Give out damaged pictures too, marked as such, where the decoder would hide them.
    /// Default: `false`.
    pub output_corrupt: bool,
    /// Do not hold pictures back where the stream allows it. Default: `false`.
    pub low_delay: bool,
    /// Pictures to hold back at least for putting them in order. H.264 streams may say too little,
    /// and a decoder that starts in the middle then gives out pictures too early; 15 is always
    /// enough, at the price of that much delay. Default: 0, what the stream says.
    pub reorder_delay: u8,
    /// What to put in place of damaged parts. Default: [`Concealment::Guess`], as FFmpeg does.
    pub concealment: Concealment,
    /// Ignore the stream's crop rectangle: give out whole coded pictures. Default: `false`.
    pub ignore_crop: bool,
    /// Where pictures get their memory. Default: the decoder's own, which ends with it.
    pub pool: Option<Arc<FramePool>>,
    /// What memory of the pool may hold when a picture gets it. Default: anyone's pictures.
    pub reuse: PoolReuse,
    /// The device to decode on, if it takes the stream; else the decoder goes on in software, if it
    /// can. Pictures then lie in the device: see
    /// [`VideoFrame::download`](crate::VideoFrame::download). Default: none.
    pub hardware: Option<Arc<HwDevice>>,
    /// The decoder by FFmpeg's name, such as `"libdav1d"`. Default: the one FFmpeg prefers.
    pub decoder: Option<String>,
    /// Options of the decoder by FFmpeg's names; one that it does not know is an error.
    /// Default: none.
    pub options: Dictionary,
}

/// What several threads of one decoder share out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ThreadKind {
    /// Whole pictures: most work at once, one picture of delay for each thread but the first.
    #[default]
    Frame,
    /// Parts of one picture: no delay, but only some streams have parts.
    Slice,
    /// Whichever of the two the decoder has, whole pictures first.
    FrameOrSlice,
}

/// What to put in place of damaged parts of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Concealment {
    /// What the neighbourhood suggests.
    #[default]
    Guess,
    /// Nothing: what the decoder left there.
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
