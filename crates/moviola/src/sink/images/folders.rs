//! The folders of a run: which images go where.

use std::path::{Component, Path, PathBuf};

use moviola_media::image::{ImageError, Overwrite, Result};
use serde::{Deserialize, Serialize};

use super::{FolderNames, ImageFolder, Numbering};
use crate::plan::{Frames, Plan};

/// Gives each source of a run folders of its own.
#[derive(Debug)]
pub struct Folders {
    names: FolderNames,
    stills: Option<Parent>,
    annotated: Option<Parent>,
    numbering: Numbering,
    overwrite: Overwrite,
}

/// A folder of folders, one for each source.
#[derive(Debug)]
struct Parent {
    folder: PathBuf,
    extension: &'static str,
}

/// The folders of one source.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SourceFolders {
    /// For its stills, if those have images.
    pub stills: Option<ImageFolder>,
    /// For pictures with boxes drawn in.
    pub annotated: Option<ImageFolder>,
}

impl Folders {
    /// Folders in `stills` and in `annotated` for what `plan` makes of them; images that it doesn't
    /// make need none.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if both are one folder: their images have the same names.
    pub fn new(
        plan: &Plan,
        stills: Option<&Path>,
        annotated: Option<&Path>,
        overwrite: Overwrite,
    ) -> Result<Self> {
        let format = plan.stills.and_then(|stills| stills.image);
        let stills = stills.zip(format).map(|(folder, format)| Parent {
            folder: folder.into(),
            extension: format.extension(),
        });
        let draws = plan.detect.as_ref().is_some_and(|detect| detect.annotate.is_some());
        let annotated = annotated
            .filter(|_| draws)
            .map(|folder| Parent { folder: folder.into(), extension: "jpg" });
        if let (Some(stills), Some(annotated)) = (&stills, &annotated)
            && plain(&stills.folder) == plain(&annotated.folder)
        {
            return Err(ImageError::Exists { path: annotated.folder.clone() });
        }
        let numbering = match plan.frames {
            Frames::Keyframes => Numbering::Keyframes,
            _ => Numbering::Frames,
        };
        Ok(Self { names: FolderNames::default(), stills, annotated, numbering, overwrite })
    }

    /// The folders for the source of that name. Sources are named in the order of the calls.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if one holds images already that may not be replaced.
    pub fn next(&mut self, source: &str) -> Result<SourceFolders> {
        let name = self.names.claim(source);
        self.named(&name, self.overwrite)
    }

    /// The folders of that name. If what they hold is ours, it is replaced, and what is unfinished is
    /// removed.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub(crate) fn of(&self, name: &str, is_ours: bool) -> Result<SourceFolders> {
        if !is_ours {
            return self.named(name, self.overwrite);
        }
        let folders = self.named(name, Overwrite::Replace)?;
        folders.clear_up();
        Ok(folders)
    }

    fn named(&self, name: &str, overwrite: Overwrite) -> Result<SourceFolders> {
        let folder = |parent: &Parent| {
            let folder = parent.folder.join(name);
            ImageFolder::new(folder, parent.extension, self.numbering, overwrite)
        };
        Ok(SourceFolders {
            stills: self.stills.as_ref().map(folder).transpose()?,
            annotated: self.annotated.as_ref().map(folder).transpose()?,
        })
    }
}

impl SourceFolders {
    /// Removes what a process that died has left unfinished.
    pub(crate) fn clear_up(&self) {
        self.stills.iter().chain(&self.annotated).for_each(ImageFolder::clear_up);
    }
}

/// The path without what says nothing, such as `./`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::from_toml(text).expect("a plan")
    }

    #[test]
    fn each_kind_of_image_has_a_folder_for_each_source() {
        let plan = plan("[stills]\nformat = 'png'\n[detect]\nmodel = 'demo'\nannotate = 90");
        let (a, b) = (Path::new("a"), Path::new("b"));
        let mut folders = Folders::new(&plan, Some(a), Some(b), Overwrite::Refuse).unwrap();
        folders.next("x/door.mp4").unwrap();
        let second = folders.next("y/door.mp4").unwrap();
        assert_eq!(second.stills.unwrap().path(3), Path::new("a/door-2/00003.png"));
        assert_eq!(second.annotated.unwrap().path(3), Path::new("b/door-2/00003.jpg"));
        for same in ["a", "./a", "a/"] {
            let same = Some(Path::new(same));
            assert!(Folders::new(&plan, Some(a), same, Overwrite::Refuse).is_err());
        }
    }

    #[test]
    fn images_that_are_not_made_need_no_folder() {
        let plan = plan("frames = 'all'\n[stills]\n[detect]\nmodel = 'demo'");
        let a = Some(Path::new("a"));
        let mut folders = Folders::new(&plan, a, a, Overwrite::Refuse).unwrap();
        let folders = folders.next("door.mp4").unwrap();
        assert!(folders.stills.is_none() && folders.annotated.is_none());
    }
}
