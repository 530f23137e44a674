//! Going to another place in a stream of audio.

use super::{
    super::{
        grid::Grid,
        marks::{Landing, Marks},
    },
    AudioStreamDecoder, open_decoder,
};
use crate::error::Result;

impl AudioStreamDecoder {
    pub(in crate::audio) fn grid(&self) -> Option<&Grid> {
        self.grid.as_ref()
    }

    pub(in crate::audio) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(in crate::audio) fn first_packet(&self) -> Option<i64> {
        self.first_packet
    }

    /// Whether the packets did not come from where they were expected; at the end, also if it
    /// still doesn't know its place.
    pub(in crate::audio) fn is_lost(&self, at_end: bool) -> bool {
        self.landing == Landing::Lost || (at_end && self.landing != Landing::Done)
    }

    /// Forgets all packets; of those that come next, what lies before the stream's sample `begin`
    /// is dropped, and what comes out is as if all before it had gone in.
    pub(in crate::audio) fn jump(&mut self, begin: i64, landing: Landing) -> Result<()> {
        // A flush would not reset all: generators of noise go on where they are.
        self.decoder = open_decoder(&self.name, &self.stream)?;
        (self.landing, self.finished) = (landing, false);
        let Some(grid) = &mut self.grid else { return Ok(()) };
        grid.jump(begin).map_err(|cause| self.failed(&cause))
    }
}
