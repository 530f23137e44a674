//! Continuing an audio decoder at another position of its stream.

use super::{
    super::{
        grid::Grid,
        marks::{Marks, Resync},
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

    /// Whether the packets since the last jump don't start where they should, so that the decoder
    /// doesn't know its position. `at_end` says that all packets were decoded.
    pub(in crate::audio) fn is_lost(&self, at_end: bool) -> bool {
        self.resync == Resync::Lost || (at_end && self.resync != Resync::Synced)
    }

    /// Prepares for packets from another position.
    ///
    /// Samples before the stream's sample `begin` are dropped. The output is the same as if all
    /// packets before had been decoded.
    pub(in crate::audio) fn jump(&mut self, begin: i64, resync: Resync) -> Result<()> {
        // A flush doesn't reset everything: decoders' noise generators keep their state.
        self.decoder = open_decoder(&self.name, &self.stream)?;
        (self.resync, self.is_finished) = (resync, false);
        let Some(grid) = &mut self.grid else { return Ok(()) };
        grid.jump(begin).map_err(|cause| self.failed(&cause))
    }
}
