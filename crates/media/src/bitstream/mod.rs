//! What the bytes of packets say: which are keyframes, which nothing depends on, which parameter
//! sets they carry.

pub(crate) mod access;
mod bits;
mod h264;
mod nal;
pub(crate) mod parameter_sets;
pub(crate) mod references;
