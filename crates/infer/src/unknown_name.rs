//! A name that isn't one of the known ones.

/// A provider, precision or head that isn't known by that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected}, got {got}")]
pub struct UnknownName {
    /// What is named.
    pub what: &'static str,
    /// The known names.
    pub expected: &'static str,
    /// The unknown name.
    pub got: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, expected: &'static str, got: &str) -> Self {
        Self { what, expected, got: got.into() }
    }
}
