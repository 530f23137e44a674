//! Decoding: how a stream's decoders are opened, given packets and asked for frames.

mod config;
mod exchange;
mod prepare;
mod stream_decoder;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    config::DecoderConfig,
    exchange::{PacketDecoder, is_damage, receive, receive_all, send},
    prepare::with_headers,
    stream_decoder::StreamDecoder,
};
