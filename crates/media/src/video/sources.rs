//! What all decoders of a stream read from.

use std::sync::{Mutex, PoisonError};

use moviola_av::error::Error as AvError;

use super::packets::{Batch, PacketReader, Span};
use crate::{
    error::{Error, Result},
    index::FrameIndex,
    media::cannot_decode,
};

/// The stream's packets, and what is known of them.
pub(super) struct Sources<'a> {
    pub(super) reader: &'a Mutex<PacketReader>,
    pub(super) index: &'a FrameIndex,
}

impl Sources<'_> {
    /// As [`PacketReader::read`].
    pub(super) fn read(&self, span: &Span) -> Result<Batch> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(span)
    }

    /// What becomes of a packet that a decoder refuses: its picture won't come, or come damaged,
    /// unless something else is wrong than its bytes.
    pub(super) fn lost(&self, cause: &AvError) -> Result<()> {
        match cause {
            AvError::Ffmpeg { .. } => Ok(()),
            cause => Err(self.cannot_decode(cause)),
        }
    }

    pub(super) fn cannot_decode(&self, cause: &AvError) -> Error {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let media = reader.media();
        cannot_decode(&media.name, &media.video, cause)
    }
}
