//! Where results go: lines of JSON, files and tables of many sources, folders of images.

pub mod dataset;
pub mod images;
pub(crate) mod journal;
pub mod jsonl;
pub mod tables;
