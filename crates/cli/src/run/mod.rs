//! Plans carried out: on one input after another, on many at once, with a report.

pub(crate) mod bulk;
pub(crate) mod debug;
pub(crate) mod fast;
