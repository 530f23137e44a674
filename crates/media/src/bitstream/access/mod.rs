//! Classification of packets: which are keyframes by each codec's bitstream, not by the container.
//!
//! A keyframe is a picture that decodes correctly without earlier ones: H.264 IDR pictures and
//! intra pictures at an immediate recovery point (`recovery_frame_cnt` 0), HEVC and VVC IRAP
//! pictures (IDR, CRA, BLA), intra pictures of MPEG-1, 2 and 4, key frames of VP8 and VP9. For
//! other codecs the key flag of the container or FFmpeg's parser counts, and the decoder is set to
//! skip packets that are no keyframes after all.

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

/// What a packet contains, for a reader of keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A whole keyframe.
    Key,
    /// The first field of a keyframe; the next packet may hold the second.
    KeyField,
    /// The second field of the frame whose first field is in the packet before.
    SecondField,
    /// A hidden picture: others refer to it, and it is not shown.
    Invisible,
    /// Anything else.
    Other,
}

/// The syntax that marks a codec's keyframes.
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
    /// Every picture is intra coded: MJPEG, ProRes, PNG …
    IntraOnly,
    /// The packet's key flag.
    Flag,
}

/// A classifier of a stream's packets, which it must get in order.
#[derive(Debug)]
pub(crate) struct Classifier {
    syntax: KeyframeSyntax,
    framing: Framing,
    headers: Headers,
    sets: ParameterSets,
    /// The last packet's field, if it is the first of its frame.
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

    /// A classifier for the codec that FFmpeg calls `codec`.
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

    /// Whether packets' own bytes mark keyframes; otherwise only the decoder knows for sure.
    pub(crate) fn is_sure(&self) -> bool {
        self.syntax != KeyframeSyntax::Flag
    }

    /// Whether this is H.264 whose parameter sets so far allow no fields.
    pub(crate) fn is_h264_of_frames(&self) -> bool {
        self.headers.has_only_frames()
    }

    /// The parameter sets that the packets so far have carried.
    pub(crate) fn parameter_sets(&mut self) -> Snapshot {
        let framing = self.framing;
        match self.syntax {
            KeyframeSyntax::H264 | KeyframeSyntax::Hevc | KeyframeSyntax::Vvc => {
                self.sets.snapshot(|set, out| framing.append(set, out))
            }
            _ => self.sets.snapshot(|set, out| out.extend(set)),
        }
    }

    /// Classifies the next packet, and stores its parameter sets.
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

    /// The reason for the last packet's classification, in words.
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

/// Whether a packet is a random access point, by its own bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomAccess {
    /// Whether decoding can start at the packet.
    pub(crate) is_point: bool,
    /// Whether the packet carries parameter sets.
    pub(crate) has_sets: bool,
}

impl RandomAccess {
    /// Classifies a single packet of a stream.
    pub(crate) fn of(parameters: &CodecParameters, packet: &Packet) -> Self {
        let mut classifier = Classifier::of(parameters);
        let access = classifier.classify(packet.data(), packet.is_key());
        let is_point = matches!(access, Access::Key | Access::KeyField);
        Self { is_point, has_sets: classifier.parameter_sets().version > 0 }
    }
}
