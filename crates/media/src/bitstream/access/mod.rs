//! Which packets are keyframes: what each codec's bitstream says, not what the container claims.
//!
//! A keyframe is a picture that decodes right with nothing before it: H.264 IDR pictures and
//! intra pictures at a recovery point that is immediate (`recovery_frame_cnt` 0), HEVC and VVC
//! IRAP pictures (IDR, CRA, BLA), intra pictures of MPEG-1, 2 and 4, key frames of VP8 and VP9.
//! For other codecs the container's (or parser's) key flag counts and the decoder is told to skip
//! what isn't a keyframe after all.

mod h264;
mod irap;
mod mpeg;
#[cfg(test)]
mod tests;
mod vpx;

use moviola_av::{packet::Packet, parameters::CodecParameters};

use self::{
    irap::{hevc_unit, vvc_unit},
    vpx::{classify_vp8, is_vp9_key},
};
use super::{
    h264::{Field, Headers},
    nal::Framing,
    parameter_sets::{ParameterSets, Snapshot},
};

/// What a packet is to a reader of keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A whole keyframe.
    Key,
    /// The first field of a keyframe; the next packet may hold the second.
    KeyField,
    /// The second field of the frame that the packet before began.
    SecondField,
    /// A picture that others refer to and that is not shown itself.
    Invisible,
    /// Anything else.
    Other,
}

/// Where a codec says which packets are keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyframeSyntax {
    H264,
    Hevc,
    Vvc,
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    Mpeg4,
    Vp8,
    Vp9,
    /// Every packet is a picture of its own: MJPEG, ProRes, PNG …
    IntraOnly,
    /// The packet's key flag.
    Flag,
}

/// Looks at a stream's packets one after another.
#[derive(Debug)]
pub(crate) struct Classifier {
    syntax: KeyframeSyntax,
    framing: Framing,
    headers: Headers,
    sets: ParameterSets,
    /// The field the last packet held, if it was the first of its frame.
    open_field: Option<Field>,
    /// Whether the last slice was of an IDR picture.
    is_idr: bool,
}

impl Classifier {
    /// A classifier for a stream.
    pub(crate) fn of(parameters: &CodecParameters) -> Self {
        let (codec, intra_only) = (parameters.codec_name(), parameters.is_intra_only());
        Self::new(codec, intra_only, parameters.extradata())
    }

    /// A classifier for the codec FFmpeg calls `codec`.
    pub(crate) fn new(codec: &str, intra_only: bool, extradata: &[u8]) -> Self {
        let (syntax, framing) = match codec {
            "h264" => (KeyframeSyntax::H264, Framing::of_h264(extradata)),
            "hevc" => (KeyframeSyntax::Hevc, Framing::of_hevc(extradata)),
            "vvc" => (KeyframeSyntax::Vvc, Framing::of_vvc(extradata)),
            "mpeg1video" | "mpeg2video" => (KeyframeSyntax::Mpeg2, Framing::StartCodes),
            "mpeg4" => (KeyframeSyntax::Mpeg4, Framing::StartCodes),
            "vp8" => (KeyframeSyntax::Vp8, Framing::StartCodes),
            "vp9" => (KeyframeSyntax::Vp9, Framing::StartCodes),
            _ if intra_only => (KeyframeSyntax::IntraOnly, Framing::StartCodes),
            _ => (KeyframeSyntax::Flag, Framing::StartCodes),
        };
        let mut classifier = Self {
            syntax,
            framing,
            headers: Headers::default(),
            sets: ParameterSets::default(),
            open_field: None,
            is_idr: false,
        };
        classifier.learn_extradata(extradata);
        classifier
    }

    /// Whether the packet's own bytes tell; else the decoder has the last word.
    pub(crate) fn is_sure(&self) -> bool {
        self.syntax != KeyframeSyntax::Flag
    }

    /// Whether this is H.264 whose parameter sets so far allow no fields.
    pub(crate) fn is_h264_of_frames(&self) -> bool {
        self.headers.frames_only()
    }

    /// The parameter sets that all packets so far have carried in band.
    pub(crate) fn parameter_sets(&mut self) -> Snapshot {
        let framing = self.framing;
        match self.syntax {
            KeyframeSyntax::H264 | KeyframeSyntax::Hevc | KeyframeSyntax::Vvc => {
                self.sets.snapshot(|set, out| framing.append(set, out))
            }
            _ => self.sets.snapshot(|set, out| out.extend(set)),
        }
    }

    /// Says what the next packet is, and learns from it.
    pub(crate) fn classify(&mut self, packet: &[u8], key_flag: bool) -> Access {
        let key = match self.syntax {
            KeyframeSyntax::H264 => return self.classify_h264(packet),
            KeyframeSyntax::Hevc => self.is_irap(packet, hevc_unit),
            KeyframeSyntax::Vvc => self.is_irap(packet, vvc_unit),
            KeyframeSyntax::Mpeg2 => self.is_mpeg2_intra(packet),
            KeyframeSyntax::Mpeg4 => self.is_mpeg4_intra(packet),
            KeyframeSyntax::Vp8 => return classify_vp8(packet),
            KeyframeSyntax::Vp9 => is_vp9_key(packet),
            KeyframeSyntax::IntraOnly => true,
            KeyframeSyntax::Flag => key_flag,
        };
        if key { Access::Key } else { Access::Other }
    }

    /// Why the last packet is what it was said to be.
    pub(crate) fn why(&self, access: Access) -> &'static str {
        match (access, self.syntax) {
            (Access::SecondField, _) => "the second field of the frame before",
            (Access::Invisible, _) => "a picture that others refer to and that isn't shown",
            (Access::Key | Access::KeyField, syntax) => self.why_key(syntax),
            (Access::Other, KeyframeSyntax::Flag) => "the container doesn't mark it as a keyframe",
            (Access::Other, _) => "its bitstream says that it needs pictures before it",
        }
    }

    fn why_key(&self, syntax: KeyframeSyntax) -> &'static str {
        match syntax {
            KeyframeSyntax::H264 if self.is_idr => "an IDR picture",
            KeyframeSyntax::H264 => "intra slices at an immediate recovery point",
            KeyframeSyntax::Hevc | KeyframeSyntax::Vvc => "a random access picture (IRAP)",
            KeyframeSyntax::Mpeg2 | KeyframeSyntax::Mpeg4 => "an intra picture",
            KeyframeSyntax::Vp8 | KeyframeSyntax::Vp9 => "a key frame by its header",
            KeyframeSyntax::IntraOnly => "every picture of this codec stands alone",
            KeyframeSyntax::Flag => "the container marks it as a keyframe",
        }
    }
}

/// What a packet's own bytes say about decoding from it on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomAccess {
    /// Whether decoding can start at it.
    pub(crate) is_point: bool,
    /// Whether it carries parameter sets.
    pub(crate) has_sets: bool,
}

impl RandomAccess {
    /// Looks at one packet of a stream, without those before it.
    pub(crate) fn of(parameters: &CodecParameters, packet: &Packet) -> Self {
        let mut classifier = Classifier::of(parameters);
        let access = classifier.classify(packet.data(), packet.is_key());
        let is_point = matches!(access, Access::Key | Access::KeyField);
        Self { is_point, has_sets: classifier.parameter_sets().version > 0 }
    }
}
