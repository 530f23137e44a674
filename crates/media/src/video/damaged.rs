//! The damaged frames of a video, and what is done about them.

use std::ops::Range;

use super::Video;
use crate::{damage::undecodable, error::Error, index::FrameMetadata, source::OnDamage};

impl Video {
    /// Says what to do about damaged frames from now on, whatever
    /// [`SourceOptions::on_damage`](crate::source::SourceOptions::on_damage) says.
    pub fn on_damage(&mut self, policy: OnDamage) -> &mut Self {
        self.damage_handler.policy = policy;
        self
    }

    /// The frames that were asked for so far and are damaged, as ranges of numbers.
    pub fn damaged(&self) -> Vec<Range<u64>> {
        self.damage_handler.damaged()
    }

    pub(super) fn undecodable(&self, number: u64) -> Error {
        undecodable(&self.name, &self.info(number))
    }

    /// What is known of a frame without its picture.
    pub(super) fn info(&self, number: u64) -> FrameMetadata {
        let of_index = |index| FrameMetadata::of(number, index, self.start);
        let nothing = FrameMetadata { number, ..FrameMetadata::default() };
        self.index.as_deref().map_or(nothing, of_index)
    }
}
