//! Images in folders: `DIR/<stem>/<number>.jpg`, one folder a source.

mod folder;
mod folders;
mod names;
mod saved;

pub use folder::{ImageFolder, Numbering};
pub use folders::{Folders, SourceFolders};
pub use names::FolderNames;
pub use saved::SavedRecords;
