//! stub
use moviola_av::demuxer::Demuxer;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub pts: i64,
    pub key: bool,
    pub discard: bool,
    pub position: u64,
}
pub struct Listing {
    pub packets: Vec<Listed>,
    pub end: Option<i64>,
}
pub struct Bytes;
pub fn list(_bytes: &Bytes, _demuxer: &mut Demuxer, _stream: usize) -> Option<Listing> {
    None
}
