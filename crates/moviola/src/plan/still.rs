//! Options of stills in a plan: image, record and hash of each frame.

use serde::{Deserialize, Serialize};

/// Options of stills: each frame has a record, and optionally an image and a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StillOptions {
    /// The format of images. Default: no images.
    #[serde(rename = "format", skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFormat>,
    /// JPEG quality, 1 to 100. Default: 90.
    pub quality: u8,
    /// The largest width and height of images in pixels; larger ones are scaled down with their
    /// aspect ratio. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<(usize, usize)>,
    /// Keep the coded size and orientation instead of upright images with square pixels.
    /// Default: `false`.
    pub coded: bool,
    /// Add an MD5 of the decoded planes to the record. Default: `false`.
    pub hash: bool,
}

impl Default for StillOptions {
    fn default() -> Self {
        Self { image: None, quality: 90, max_size: None, coded: false, hash: false }
    }
}

/// The format of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageFormat {
    /// JPEG.
    #[serde(rename = "jpg", alias = "jpeg")]
    Jpeg,
    /// PNG, 8 bits a channel.
    #[serde(rename = "png")]
    Png,
}

impl ImageFormat {
    /// The extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}
