//! The packets and the index that all decoders of a stream share.

use std::sync::{Mutex, PoisonError};

use moviola_av::error::Error as AvError;

use super::packets::{Batch, PacketReader, Span};
use crate::{
    decode::is_damage,
    error::{Error, Result},
    index::FrameIndex,
    input::cannot_decode,
};

/// A stream's packets and its index.
pub(super) struct Sources<'a> {
    pub(super) reader: &'a Mutex<PacketReader>,
    pub(super) index: &'a FrameIndex,
}

impl Sources<'_> {
    /// As [`PacketReader::read`].
    pub(super) fn read(&self, span: &Span) -> Result<Batch> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(span)
    }

    /// The error of a packet that a decoder refuses; none if the packet is damaged, because then
    /// its frame doesn't come, or comes damaged.
    pub(super) fn lost(&self, cause: &AvError) -> Result<()> {
        if is_damage(cause) { Ok(()) } else { Err(self.cannot_decode(cause)) }
    }

    pub(super) fn cannot_decode(&self, cause: &AvError) -> Error {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        cannot_decode(&reader.input().name, reader.video(), cause)
    }
}
