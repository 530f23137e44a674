//! Sinks, which store records: JSON Lines, files and tables of many sources, folders of images.

mod bulk_input;
pub mod dataset;
pub mod images;
pub(crate) mod journal;
pub mod jsonl;
pub mod tables;

pub use bulk_input::BulkInput;
