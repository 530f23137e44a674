//! The folder of one source's images.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use moviola_media::image::{ImageError, Overwrite, Result, remove_unfinished, write_atomic};
use serde::{Deserialize, Serialize};

use crate::exact_path;

/// The fewest digits of a number in the name of an image.
const FEWEST_DIGITS: usize = Numbering::Keyframes.digits();

/// The numbers that images are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Numbering {
    /// The number among the keyframes: `00007.jpg`.
    Keyframes,
    /// The number among all frames: `00000007.jpg`.
    Frames,
}

impl Numbering {
    /// The minimum number of digits, so that names sort as numbers do.
    const fn digits(self) -> usize {
        match self {
            Self::Keyframes => 5,
            Self::Frames => 8,
        }
    }
}

/// The folder of one source's images.
///
/// The folder is created when the first image is written. Each image file is complete or absent.
/// The value can be serialised and sent to another process that writes the images.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImageFolder {
    #[serde(with = "exact_path")]
    folder: PathBuf,
    extension: Cow<'static, str>,
    numbering: Numbering,
    #[serde(with = "Replacing")]
    overwrite: Overwrite,
    created: bool,
}

/// The serialised form of [`Overwrite`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Overwrite")]
enum Replacing {
    Refuse,
    Replace,
}

impl ImageFolder {
    /// The folder `folder` for files that end in `extension`.
    ///
    /// With [`Overwrite::Replace`], images with the same number are replaced; other files stay.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if the folder contains numbered images that may not be replaced, so
    /// that this is known before the source is decoded.
    pub fn new(
        folder: PathBuf,
        extension: &'static str,
        numbering: Numbering,
        overwrite: Overwrite,
    ) -> Result<Self> {
        if overwrite == Overwrite::Refuse
            && let Some(path) = numbered_image(&folder)
        {
            return Err(ImageError::Exists { path });
        }
        let extension = extension.into();
        Ok(Self { folder, extension, numbering, overwrite, created: false })
    }

    /// Writes the image numbered `number`; returns its path.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if the file exists and may not be replaced, [`ImageError::Write`] if
    /// it can't be written.
    pub fn write(&mut self, number: u64, bytes: &[u8]) -> Result<PathBuf> {
        if !self.created {
            fs::create_dir_all(&self.folder).map_err(|cause| self.not_created(cause))?;
            self.created = true;
        }
        let path = self.path(number);
        write_atomic(&path, bytes, self.overwrite)?;
        Ok(path)
    }

    /// The path of the image numbered `number`.
    pub fn path(&self, number: u64) -> PathBuf {
        let digits = self.numbering.digits();
        self.folder.join(format!("{number:0digits$}.{}", self.extension))
    }

    /// Removes unfinished files that a crashed process has left.
    pub(crate) fn remove_unfinished(&self) {
        remove_unfinished(&self.folder);
    }

    fn not_created(&self, cause: io::Error) -> ImageError {
        let advice = "choose a folder that you may write to";
        ImageError::Write { path: self.folder.clone(), advice, cause }
    }
}

/// A file in `folder` whose name is a number and an image's extension.
fn numbered_image(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| is_numbered_image(path))
}

fn is_numbered_image(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((number, extension)) = name.split_once('.') else { return false };
    matches!(extension, "jpg" | "png")
        && number.len() >= FEWEST_DIGITS
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_numbered_with_five_digits() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("out/a");
        let mut images =
            ImageFolder::new(folder.clone(), "jpg", Numbering::Keyframes, Overwrite::Refuse)
                .unwrap();
        assert!(!folder.exists());
        assert_eq!(images.write(7, b"seven").unwrap(), folder.join("00007.jpg"));
        assert_eq!(images.write(123_456, b"many").unwrap(), folder.join("123456.jpg"));
        assert_eq!(fs::read(folder.join("00007.jpg")).unwrap(), b"seven");
    }

    #[test]
    fn frames_have_eight_digits() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().to_owned();
        let images = ImageFolder::new(folder.clone(), "png", Numbering::Frames, Overwrite::Refuse);
        assert_eq!(images.unwrap().path(30), folder.join("00000030.png"));
    }

    #[test]
    fn a_folder_with_images_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("notes.txt"), "").unwrap();
        fs::write(path.join("cover.jpg"), "").unwrap();
        assert!(
            ImageFolder::new(path.clone(), "jpg", Numbering::Keyframes, Overwrite::Refuse).is_ok()
        );
        fs::write(path.join("00000.png"), "").unwrap();
        let refused =
            ImageFolder::new(path.clone(), "jpg", Numbering::Keyframes, Overwrite::Refuse);
        assert!(matches!(refused, Err(ImageError::Exists { .. })));
        assert!(ImageFolder::new(path, "jpg", Numbering::Keyframes, Overwrite::Replace).is_ok());
    }

    #[test]
    fn an_image_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let mut images =
            ImageFolder::new(path.clone(), "jpg", Numbering::Keyframes, Overwrite::Refuse).unwrap();
        fs::write(path.join("00000.jpg"), "theirs").unwrap();
        assert!(matches!(images.write(0, b"ours"), Err(ImageError::Exists { .. })));
        assert_eq!(fs::read(path.join("00000.jpg")).unwrap(), b"theirs");
    }

    #[test]
    fn replacing_leaves_other_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("00000.jpg"), "old").unwrap();
        fs::write(path.join("00001.jpg"), "old").unwrap();
        let mut images =
            ImageFolder::new(path.clone(), "jpg", Numbering::Keyframes, Overwrite::Replace)
                .unwrap();
        images.write(0, b"new").unwrap();
        assert_eq!(fs::read(path.join("00000.jpg")).unwrap(), b"new");
        assert_eq!(fs::read(path.join("00001.jpg")).unwrap(), b"old");
    }

    #[test]
    fn only_unfinished_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        for name in [".moviola-x1.tmp", "00000.jpg", ".moviola-notes", "x.tmp"] {
            fs::write(path.join(name), "").unwrap();
        }
        ImageFolder::new(path.clone(), "jpg", Numbering::Keyframes, Overwrite::Replace)
            .unwrap()
            .remove_unfinished();
        let mut left: Vec<_> =
            fs::read_dir(path).unwrap().flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, [".moviola-notes", "00000.jpg", "x.tmp"]);
    }

    #[test]
    fn a_file_at_the_folders_path_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a");
        fs::write(&path, "").unwrap();
        let mut images =
            ImageFolder::new(path, "jpg", Numbering::Keyframes, Overwrite::Refuse).unwrap();
        assert!(matches!(images.write(0, b""), Err(ImageError::Write { .. })));
    }
}
