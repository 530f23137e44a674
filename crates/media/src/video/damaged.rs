//! The damaged frames of a video, and the policy for them.

use std::ops::Range;

use super::Video;
use crate::{damage::undecodable, error::Error, index::FrameMetadata, source::OnDamage};

impl Video {
    /// Sets the policy for damaged frames from now on, in place of
    /// [`SourceOptions::on_damage`](crate::source::SourceOptions::on_damage).
    pub fn on_damage(&mut self, policy: OnDamage) -> &mut Self {
        self.damage_handler.policy = policy;
        self
    }

    /// The damaged frames among those that were requested so far, as ranges of numbers.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        self.damage_handler.damaged()
    }

    pub(super) fn undecodable(&self, number: u64) -> Error {
        undecodable(&self.name, &self.info(number))
    }

    /// The metadata of a frame, without its planes.
    pub(super) fn info(&self, number: u64) -> FrameMetadata {
        let of_index = |index| FrameMetadata::of(number, index, self.start);
        let nothing = FrameMetadata { number, ..FrameMetadata::default() };
        self.index.as_deref().map_or(nothing, of_index)
    }
}
