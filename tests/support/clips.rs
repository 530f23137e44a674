//! The clips that tests use: the project's own, and others if there is a folder of them beside the
//! checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The folder of the project's own clips.
pub fn testdata() -> PathBuf {
    root().join("testdata")
}

/// The folder of other clips, images and models; prints a line and returns `None` if it is missing.
pub fn shared_media() -> Option<PathBuf> {
    let folder = root().join("../shared/media");
    let found = folder.is_dir();
    if !found {
        println!("skipped: there are no other clips at {}", folder.display());
    }
    found.then_some(folder)
}

/// All files that may contain video, in `testdata/` and among the other clips.
pub fn all_videos() -> Vec<PathBuf> {
    let mut clips = files_in(&testdata());
    if let Some(shared) = shared_media() {
        clips.extend(files_in(&shared.join("video")));
    }
    clips.retain(|clip| !is_side_file(clip));
    clips
}

/// All files that may contain audio: those that may contain video, and the other audio clips.
pub fn all_audio() -> Vec<PathBuf> {
    let mut clips = all_videos();
    if let Some(shared) = shared_media() {
        clips.extend(files_in(&shared.join("audio")));
    }
    clips.retain(|clip| !is_side_file(clip));
    clips
}

/// Whether it is a hash, description or script beside the clips.
fn is_side_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "md5" | "json" | "md" | "py" | "sh" | "tsv" | "onnx" | "framemd5")
}

/// The files of a folder, sorted by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The file's name, for messages and lookups.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
