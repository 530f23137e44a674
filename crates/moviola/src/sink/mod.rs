//! Where results go: lines of JSON, files of them for many sources, folders of images.

pub mod dataset;
pub mod images;
pub mod jsonl;
