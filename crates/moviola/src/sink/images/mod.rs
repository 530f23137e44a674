//! Images in folders: `DIR/<stem>/<number>.jpg`, one folder a source.

mod folder;
mod names;

pub use folder::{ImageFolder, Numbering};
pub use names::FolderNames;
