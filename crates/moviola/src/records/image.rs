//! One image of a frame, on its way to a folder.

use std::path::PathBuf;

use moviola_av::{stage, trace};
use moviola_media::image::Result;

use crate::sink::images::ImageFolder;

/// Which image it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image {
    /// The number of the keyframe.
    pub(super) index: Option<u64>,
    /// The number in the image's name.
    pub(super) number: u64,
    /// It is there already.
    pub(super) comes_again: bool,
}

impl Image {
    /// Writes the image, if there is one and a folder for it, and says where it is.
    pub(super) fn save(
        self,
        folder: Option<&mut ImageFolder>,
        image: Option<&[u8]>,
    ) -> Result<Option<PathBuf>> {
        let Some((folder, image)) = folder.zip(image) else { return Ok(None) };
        if self.comes_again {
            return Ok(Some(folder.path(self.number)));
        }
        let stage = stage!("write");
        trace::record_bytes(&stage, image.len());
        folder.write(self.number, image).map(Some)
    }
}
