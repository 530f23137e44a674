//! The subcommands, one file each.

pub(crate) mod bulk;
pub(crate) mod completions;
pub(crate) mod debug;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod frames;
pub(crate) mod inspect;
pub(crate) mod keyframes;
pub(crate) mod probe;
pub(crate) mod run;
pub(crate) mod version;
pub(crate) mod worker;
