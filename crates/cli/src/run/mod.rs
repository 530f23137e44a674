//! Carries out plans: on one source after another, on many at once, with a report.

pub(crate) mod bulk;
mod bulk_report;
pub(crate) mod debug;
pub(crate) mod fast;
