//! Where the pictures of a stream are, without reading the pictures.

pub mod tables;
