//! The index of a stream whose packets have no presentation times: all are decoded once.
//!
//! Raw H.264 and HEVC carry no times, and AVI knows the order of decoding alone.

use moviola_av::{demuxer::Demuxer, error::Error as AvError};

use super::{FrameIndex, PacketEntry};
use crate::{
    decode::{self, DecoderConfig, StreamDecoder},
    error::{Error, Result},
    input::{OpenInput, VideoStream},
    source::cannot_read,
};

/// The number of a frame's packet, and the frame's time in ticks.
type Shown = (i64, Option<i64>);

/// Decodes all packets, of which `packets` are known, and numbers the frames as they come out.
///
/// A packet that decodes to nothing is no frame; where no frame has a time, they are counted. Takes
/// as long as decoding the whole stream on all cores.
///
/// # Errors
///
/// [`Error::Demux`] if the decoder can't be opened at all, or if reading breaks off before the
/// packets that are known: the index would be incomplete.
pub(super) fn index(
    demuxer: &mut Demuxer,
    input: &OpenInput,
    video: &VideoStream,
    mut packets: Vec<PacketEntry>,
) -> Result<FrameIndex> {
    let shown = decode_all(demuxer, input, video, packets.len())?;
    let shown =
        shown.into_iter().filter_map(|(tag, pts)| Some((first_packet(&packets, tag)?, pts)));
    let (order, known): (Vec<_>, Vec<_>) = shown.unzip();
    for (&number, pts) in order.iter().zip(times(video, &known)) {
        packets[number].pts = pts;
    }
    let order: Vec<_> =
        order.into_iter().map(|number| u32::try_from(number).unwrap_or(u32::MAX)).collect();
    Ok(FrameIndex::of_order(video.time_base, &packets, &order))
}

/// The frames in presentation order; `known` packets must be readable.
fn decode_all(
    demuxer: &mut Demuxer,
    input: &OpenInput,
    video: &VideoStream,
    known: usize,
) -> Result<Vec<Shown>> {
    let threads = u16::try_from(input.decoders()).unwrap_or(u16::MAX);
    let decoder = DecoderConfig::of(input, video).open(threads, 0);
    let mut decoder = decoder.map_err(|cause| cannot_read(&input.name, cause))?;
    let (mut shown, mut number) = (Vec::new(), 0);
    loop {
        let mut packet = match demuxer.read_packet() {
            Ok(Some(packet)) if packet.stream_index() != video.index => continue,
            Ok(Some(packet)) => packet,
            Err(cause) if number < known => return Err(broken_off(input, number, known, cause)),
            Ok(None) | Err(_) => break,
        };
        packet.set_tag(i64::try_from(number).unwrap_or(i64::MAX));
        number += 1;
        // A packet that the decoder refuses has no frame, so that it isn't in the index.
        drop(decode::send(&mut decoder, &packet, |decoder| {
            note_ready(decoder, &mut shown);
            Ok(())
        }));
        note_ready(&mut decoder, &mut shown);
    }
    // A decoder that refuses the end holds no more frames.
    if decoder.send_end().is_ok() {
        note_ready(&mut decoder, &mut shown);
    }
    Ok(shown)
}

fn broken_off(input: &OpenInput, number: usize, known: usize, cause: AvError) -> Error {
    let reason = format!("reading breaks off before packet {number} of {known}: {cause}");
    Error::Demux { name: input.name.clone(), reason, cause }
}

/// The times of all frames, of which `known` has those that the decoder returned. Frames before the
/// first known time are counted back from it; if none is known, all are counted from 0.
fn times(stream: &VideoStream, known: &[Option<i64>]) -> Vec<i64> {
    let counted = |count: usize| stream.counted_ticks(count as u64);
    let untimed = known.iter().take_while(|pts| pts.is_none()).count();
    let first = known.get(untimed).copied().flatten();
    let (mut times, mut last) = (Vec::with_capacity(known.len()), None);
    for (number, &pts) in known.iter().enumerate() {
        let pts = match first {
            Some(first) if number < untimed => {
                let before = untimed - number;
                let ticks = counted(before).unwrap_or(before as i64);
                Some(first.saturating_sub(ticks))
            }
            Some(_) => pts,
            None => counted(number),
        };
        // Later frames have later times, whatever the stream says.
        let pts = pts.max(last.map(|last: i64| last.saturating_add(1))).unwrap_or(0);
        times.push(pts);
        last = Some(pts);
    }
    times
}

/// The packet in which a frame begins: decoders give frames the number of either field's packet.
fn first_packet(packets: &[PacketEntry], tag: i64) -> Option<usize> {
    let number = usize::try_from(tag).ok().filter(|&number| number < packets.len())?;
    let is_second = number > 0 && !packets[number].shown;
    Some(number - usize::from(is_second))
}

/// Notes the frames that are ready: their packets' numbers and their times.
fn note_ready(decoder: &mut StreamDecoder, shown: &mut Vec<Shown>) {
    // An error ends what is ready: frames over the pixel limit aren't in the index.
    drop(decode::receive_all(decoder, |frame| {
        if !frame.is_discard() {
            shown.push((frame.tag(), frame.pts()));
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor, Read};

    use moviola_av::interrupt::Interrupt;

    use super::{super::scan::scan, *};
    use crate::{
        input::Purpose,
        source::{Source, SourceOptions},
    };

    /// Gives some bytes, then an error.
    struct FailsAfter(Cursor<Vec<u8>>);

    impl Read for FailsAfter {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            match self.0.read(target)? {
                0 => Err(io::Error::other("the cable was pulled")),
                count => Ok(count),
            }
        }
    }

    /// The index of a stream that gives so many bytes when it is read for the second time.
    fn index_of(bytes: &[u8], second: usize) -> Result<FrameIndex> {
        let source = Source::bytes("a.h264", bytes.to_vec());
        let mut input = OpenInput::open(source, SourceOptions::default(), Purpose::Video)?;
        let video = input.read_video()?;
        let packets = scan(&mut input.reopen()?, &video).packets;
        let reader = FailsAfter(Cursor::new(bytes[..second].to_vec()));
        let again = Source::reader("a.h264", reader);
        let (_, mut demuxer) = again.demuxer(&SourceOptions::default(), Interrupt::new())?;
        index(&mut demuxer, &input, &video, packets)
    }

    #[test]
    fn a_second_reading_that_breaks_off_is_an_error() {
        let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/parameter_sets_once.h264");
        let bytes = std::fs::read(clip).unwrap();
        let whole = index_of(&bytes, bytes.len()).unwrap().len();
        let error = index_of(&bytes, bytes.len() / 2).unwrap_err().to_string();
        let begin = "a.h264: reading breaks off before packet ";
        assert!(error.starts_with(begin), "{error}");
        assert!(error.ends_with(&format!(" of {whole}: the cable was pulled")), "{error}");
    }
}
