//! Remedies: what a caller can change to avoid an error, as data.
//!
//! An error's message has a sentence about what to do, in which a [`Remedy`] names what to change.
//! By default it is named in the API's terms: the name of an option or a value. A program with
//! another interface, such as a command with flags, can set its own wording for all messages:
//!
//! ```
//! use moviola_av::remedy::{self, Remedy};
//!
//! assert_eq!(Remedy::Resume.to_string(), "Existing::Resume");
//! remedy::set_wording(|remedy| match remedy {
//!     Remedy::Resume => Some("--resume".into()),
//!     _ => None, // as by default
//! });
//! assert_eq!(Remedy::Resume.to_string(), "--resume");
//! ```

use std::{fmt, iter, sync::OnceLock};

/// What a caller can change to avoid an error.
///
/// [`Display`](fmt::Display) writes a noun that fits after "use" or "with": in the API's terms,
/// unless [`set_wording`] was called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Raise the limit on the pixels of a frame (`max_pixels`).
    RaiseMaxPixels {
        /// The number of pixels that must be allowed, or a lower bound of it.
        needed: u64,
    },
    /// Allow the input to open other files or URLs with this protocol (`allow_protocols`).
    AllowProtocol(String),
    /// Make images smaller (`max_size`).
    ShrinkImage,
    /// Replace existing output (`Replace`, of the option about existing files).
    Overwrite,
    /// Continue an earlier run (`Existing::Resume`).
    Resume,
    /// Specify the model's head: one of these (`head`).
    ChooseHead(Vec<String>),
    /// Do not specify the model's head, so that it is recognised from the file (`head: None`).
    OmitHead,
    /// Compute in this precision (`precision`).
    UsePrecision(&'static str),
    /// Run the model on one of these providers (`provider`).
    UseProvider(Vec<&'static str>),
    /// Request only keyframes (`Frames::Keyframes`).
    OnlyKeyframes,
    /// Use another number of threads (`decoders`).
    SetThreads,
    /// Process several sources in one run (`Bulk`).
    UseBulk,
}

/// A function that returns a program's wording of a remedy; `None` for the default.
pub type Wording = fn(&Remedy) -> Option<String>;

static WORDING: OnceLock<Wording> = OnceLock::new();

/// Sets the wording of remedies in this process. Only the first call has an effect; returns whether
/// this one was.
pub fn set_wording(wording: Wording) -> bool {
    WORDING.set(wording).is_ok()
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WORDING.get().and_then(|word| word(self)) {
            Some(text) => f.write_str(&text),
            None => self.default_wording(f),
        }
    }
}

impl Remedy {
    fn default_wording(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RaiseMaxPixels { .. } => f.write_str("max_pixels"),
            Self::AllowProtocol(protocol) => write!(f, "allow_protocols {protocol}"),
            Self::ShrinkImage => f.write_str("max_size"),
            Self::Overwrite => f.write_str("the option Replace"),
            Self::Resume => f.write_str("Existing::Resume"),
            Self::ChooseHead(heads) => write!(f, "head {}", alternatives(heads)),
            Self::OmitHead => f.write_str("head"),
            Self::UsePrecision(precision) => write!(f, "precision {precision}"),
            Self::UseProvider(providers) => write!(f, "provider {}", alternatives(providers)),
            Self::OnlyKeyframes => f.write_str("Frames::Keyframes"),
            Self::SetThreads => f.write_str("decoders"),
            Self::UseBulk => f.write_str("Bulk"),
        }
    }
}

impl Remedy {
    /// One of each kind, to test that a program words them all.
    pub fn examples() -> impl Iterator<Item = Self> {
        iter::successors(Some(Self::RaiseMaxPixels { needed: 1 }), Self::next_example)
    }

    /// The example after this kind's. The compiler asks for an arm for each kind.
    fn next_example(&self) -> Option<Self> {
        Some(match self {
            Self::RaiseMaxPixels { .. } => Self::AllowProtocol("file".into()),
            Self::AllowProtocol(_) => Self::ShrinkImage,
            Self::ShrinkImage => Self::Overwrite,
            Self::Overwrite => Self::Resume,
            Self::Resume => Self::ChooseHead(vec!["yolov8".into()]),
            Self::ChooseHead(_) => Self::OmitHead,
            Self::OmitHead => Self::UsePrecision("f32"),
            Self::UsePrecision(_) => Self::UseProvider(vec!["openvino", "tensorrt"]),
            Self::UseProvider(_) => Self::OnlyKeyframes,
            Self::OnlyKeyframes => Self::SetThreads,
            Self::SetThreads => Self::UseBulk,
            Self::UseBulk => return None,
        })
    }
}

/// Joins alternatives in a sentence: "a, b or c".
pub fn alternatives<T: fmt::Display>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_named_in_the_terms_of_the_api() {
        let heads = ["yolov5", "yolov8", "yolox"].map(str::to_owned).to_vec();
        for (remedy, want) in [
            (Remedy::RaiseMaxPixels { needed: 5 }, "max_pixels"),
            (Remedy::AllowProtocol("file".into()), "allow_protocols file"),
            (Remedy::ChooseHead(heads), "head yolov5, yolov8 or yolox"),
            (Remedy::UseProvider(vec!["cpu", "cuda"]), "provider cpu or cuda"),
        ] {
            assert_eq!(remedy.to_string(), want);
        }
    }
}
