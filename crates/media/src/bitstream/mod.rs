//! Parsing of coded packets: which are keyframes, which no other picture depends on, and which
//! parameter sets they carry.

pub(crate) mod access;
mod bits;
mod h264;
mod nal;
pub(crate) mod parameter_sets;
pub(crate) mod references;
