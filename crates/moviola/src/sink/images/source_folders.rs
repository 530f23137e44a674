//! The folders of a run's images.

use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
};

use moviola_media::image::{ImageError, Overwrite, Result};
use serde::{Deserialize, Serialize};

use super::{FolderNames, ImageFolder, Numbering};
use crate::plan::{Frames, Plan, TaskKind};

/// The folders of a run's images: for each source, one for each task that makes images.
#[derive(Debug)]
pub struct Folders {
    names: FolderNames,
    parents: Vec<Parent>,
    numbering: Numbering,
    overwrite: Overwrite,
}

/// The parent of the sources' folders for one task.
#[derive(Debug)]
struct Parent {
    task: TaskKind,
    folder: PathBuf,
    extension: &'static str,
}

/// The folders of one source, one for each task that makes images.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SourceFolders(Vec<(TaskKind, ImageFolder)>);

impl Folders {
    /// Folders in `dirs` for the images of `plan`'s tasks. Tasks that make no images are ignored.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if two tasks have the same folder, because their images would have
    /// the same names.
    pub fn new<'a>(
        plan: &Plan,
        dirs: impl IntoIterator<Item = (TaskKind, &'a Path)>,
        overwrite: Overwrite,
    ) -> Result<Self> {
        let parent = |(task, folder): (TaskKind, &Path)| {
            let task_of_plan = plan.tasks.iter().find(|one| one.kind() == task)?;
            let extension = task_of_plan.image_extension()?;
            Some(Parent { task, folder: folder.into(), extension })
        };
        let parents: Vec<_> = dirs.into_iter().filter_map(parent).collect();
        let mut taken = HashSet::new();
        if let Some(repeated) =
            parents.iter().find(|parent| !taken.insert(normalized(&parent.folder)))
        {
            return Err(ImageError::Exists { path: repeated.folder.clone() });
        }
        let numbering = match plan.frames {
            Frames::Keyframes => Numbering::Keyframes,
            _ => Numbering::Frames,
        };
        Ok(Self { names: FolderNames::default(), parents, numbering, overwrite })
    }

    /// The folders for the next source, called `source`. Equal names are numbered in the order of
    /// the calls.
    ///
    /// # Errors
    ///
    /// [`ImageError::Exists`] if a folder contains images that may not be replaced.
    pub fn next(&mut self, source: &str) -> Result<SourceFolders> {
        let name = self.names.claim(source);
        self.named(&name, self.overwrite)
    }

    /// The folders called `name`. If a run has started their source (`is_ours`), existing images
    /// are replaced and unfinished files are removed.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub(crate) fn of(&self, name: &str, is_ours: bool) -> Result<SourceFolders> {
        if !is_ours {
            return self.named(name, self.overwrite);
        }
        let folders = self.named(name, Overwrite::Replace)?;
        folders.remove_unfinished();
        Ok(folders)
    }

    fn named(&self, name: &str, overwrite: Overwrite) -> Result<SourceFolders> {
        let folder = |parent: &Parent| {
            let folder = parent.folder.join(name);
            let folder = ImageFolder::new(folder, parent.extension, self.numbering, overwrite)?;
            Ok((parent.task, folder))
        };
        self.parents.iter().map(folder).collect::<Result<_>>().map(SourceFolders)
    }
}

impl SourceFolders {
    /// The folder for the images of a task; `None` if they aren't written to files.
    pub(super) fn of(&mut self, task: TaskKind) -> Option<&mut ImageFolder> {
        self.0.iter_mut().find(|(kind, _)| *kind == task).map(|(_, folder)| folder)
    }

    /// Removes unfinished files that a crashed process has left.
    pub(crate) fn remove_unfinished(&self) {
        self.0.iter().for_each(|(_, folder)| folder.remove_unfinished());
    }
}

/// The path without `./` parts.
fn normalized(path: &Path) -> PathBuf {
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
        let dirs = [(TaskKind::Still, a), (TaskKind::Detect, b)];
        let mut folders = Folders::new(&plan, dirs, Overwrite::Refuse).unwrap();
        folders.next("x/door.mp4").unwrap();
        let mut second = folders.next("y/door.mp4").unwrap();
        let mut path = |task| second.of(task).unwrap().path(3);
        assert_eq!(path(TaskKind::Still), Path::new("a/door-2/00003.png"));
        assert_eq!(path(TaskKind::Detect), Path::new("b/door-2/00003.jpg"));
        for same in ["a", "./a", "a/"] {
            let dirs = [(TaskKind::Still, a), (TaskKind::Detect, Path::new(same))];
            assert!(Folders::new(&plan, dirs, Overwrite::Refuse).is_err());
        }
    }

    #[test]
    fn images_that_are_not_made_need_no_folder() {
        let plan = plan("frames = 'all'\n[stills]\n[detect]\nmodel = 'demo'");
        let dirs = [TaskKind::Still, TaskKind::Detect].map(|task| (task, Path::new("a")));
        let mut folders = Folders::new(&plan, dirs, Overwrite::Refuse).unwrap();
        let mut folders = folders.next("door.mp4").unwrap();
        assert!(folders.of(TaskKind::Still).is_none() && folders.of(TaskKind::Detect).is_none());
    }
}
