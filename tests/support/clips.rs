//! The clips tests run on: our own, and real ones where a folder of them lies beside the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Our own clips.
pub fn testdata() -> PathBuf {
    root().join("testdata")
}

/// Real clips, pictures and models, if the folder is there; says so when it is not.
pub fn shared_media() -> Option<PathBuf> {
    let folder = root().join("../shared/media");
    let found = folder.is_dir();
    if !found {
        println!("left out: there are no real clips at {}", folder.display());
    }
    found.then_some(folder)
}

/// Every file that may hold video: of `testdata/` and of the real clips.
pub fn all_videos() -> Vec<PathBuf> {
    let mut clips = files_in(&testdata());
    if let Some(shared) = shared_media() {
        clips.extend(files_in(&shared.join("video")));
    }
    clips.retain(|clip| !is_side_file(clip));
    clips
}

/// Every file that may hold audio: those with video, and real audio.
pub fn all_audio() -> Vec<PathBuf> {
    let mut clips = all_videos();
    if let Some(shared) = shared_media() {
        clips.extend(files_in(&shared.join("audio")));
    }
    clips.retain(|clip| !is_side_file(clip));
    clips
}

/// Hashes, descriptions and scripts that lie beside the clips.
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

/// The file's name, for messages and tables.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
