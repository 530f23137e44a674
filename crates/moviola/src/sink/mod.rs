//! Where results go: lines of JSON, folders of images.

pub mod images;
pub mod jsonl;
