//! What a caller can change so that an error does not come again, as data.
//!
//! The text of an error says what to do in a sentence of its own and names what is to be changed by
//! a [`Remedy`]. Its default wording is the API's: the name of an option or a value. A program with
//! another surface, such as a command with flags, words remedies its own way, for all messages at
//! once:
//!
//! ```
//! use moviola_av::remedy::{self, Remedy};
//!
//! assert_eq!(Remedy::Resume.to_string(), "resume");
//! remedy::set_wording(|remedy| match remedy {
//!     Remedy::Resume => Some("--resume".into()),
//!     _ => None, // as by default
//! });
//! assert_eq!(Remedy::Resume.to_string(), "--resume");
//! ```

use std::{fmt, sync::OnceLock};

/// What a caller can change so that an error does not come again.
///
/// [`Display`](fmt::Display) names it, as a noun that fits behind "use" or "with": in the API's
/// terms, unless [`set_wording`] was called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Raise the limit on the pixels of a coded picture (`max_pixels`).
    RaiseMaxPixels {
        /// Pixels that would have been allowed to go on, or a lower bound of them.
        needed: u64,
    },
    /// Let the input open others by this protocol (`protocols`).
    AllowProtocol(String),
    /// Make images smaller (`max_size`).
    ShrinkImage,
    /// Replace what is there (`Overwrite::Replace`).
    Overwrite,
    /// Go on with what an earlier run began (`resume`).
    Resume,
    /// Say that the model has this head, or one of these (`head`).
    ChooseHead(Vec<String>),
    /// Leave the choice of the head to the model's file (`head: None`).
    OmitHead,
    /// Compute in this precision (`precision`).
    UsePrecision(&'static str),
    /// Run the model on one of these providers (`provider`).
    UseProvider(Vec<&'static str>),
    /// Ask for keyframes only (`Frames::Keyframes`).
    OnlyKeyframes,
    /// Use another number of threads (`decoders`).
    SetThreads,
    /// Read many sources in one run (`Bulk`).
    UseBulk,
}

/// How a program words remedies; `None` leaves one to the default.
pub type Wording = fn(&Remedy) -> Option<String>;

static WORDING: OnceLock<Wording> = OnceLock::new();

/// Sets how remedies are worded in this process. Returns whether it was set: only the first call
/// has an effect.
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
            Self::AllowProtocol(protocol) => write!(f, "protocols ({protocol})"),
            Self::ShrinkImage => f.write_str("max_size"),
            Self::Overwrite => f.write_str("Overwrite::Replace"),
            Self::Resume => f.write_str("resume"),
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

/// Names as a reader says them: "a, b or c".
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
            (Remedy::AllowProtocol("file".into()), "protocols (file)"),
            (Remedy::ChooseHead(heads), "head yolov5, yolov8 or yolox"),
            (Remedy::UseProvider(vec!["cpu", "cuda"]), "provider cpu or cuda"),
        ] {
            assert_eq!(remedy.to_string(), want);
        }
    }
}
