//! What a decoder must be given before it starts in the middle of a stream.

use std::sync::Arc;

use moviola_av::{error::Result as AvResult, packet::Packet};

/// The packet after parameter `sets`, and with `extradata`, that the decoder hasn't had yet; `None`
/// if the packet needs neither.
pub(crate) fn with_headers(
    packet: &Packet,
    sets: Option<&Arc<[u8]>>,
    extradata: Option<&Arc<[u8]>>,
) -> AvResult<Option<Packet>> {
    let sets = sets.map(|sets| &**sets).filter(|sets| !sets.is_empty());
    let extradata = extradata.filter(|_| packet.new_extradata().is_none());
    if sets.is_none() && extradata.is_none() {
        return Ok(None);
    }
    let mut prepared = match sets {
        Some(sets) => {
            let mut whole = Packet::from_data(&[sets, packet.data()].concat())?;
            whole.copy_properties_from(packet)?;
            whole
        }
        None => packet.try_clone()?,
    };
    if let Some(extradata) = extradata {
        prepared.set_new_extradata(extradata)?;
    }
    Ok(Some(prepared))
}
