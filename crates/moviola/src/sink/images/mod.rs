//! Images in folders: `DIR/<stem>/<number>.jpg`, one folder a source.

mod folder_names;
mod image_folder;
mod saved_records;
mod source_folders;

pub use folder_names::FolderNames;
pub use image_folder::{ImageFolder, Numbering};
pub use saved_records::SavedRecords;
pub use source_folders::{Folders, SourceFolders};
