//! Reading real clips, end to end.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are tests

mod clips;
mod conformance;
mod decoder;
mod demuxer;
mod hardware;
mod io;
mod pool;
mod safety;
mod stress;
