use moviola_av::{demuxer::Demuxer, interrupt::Interrupt};

use super::*;
use crate::source::{AudioChoice, Source, SourceOptions};

/// A WAV file of one channel of 16 bits at 8 kHz, with two samples.
fn wav() -> Vec<u8> {
    let mut wav = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data\x04\0\0\0\0\0\0\0");
    wav
}

fn demuxer() -> Demuxer {
    let source = Source::bytes("a.wav", wav());
    source.demuxer(&SourceOptions::default(), Interrupt::new()).unwrap().1
}

/// A packet of the samples `first` to before `stop`; the value of each is its number.
fn packet(pts: i64, first: i16, stop: i16) -> Packet {
    let bytes: Vec<_> = (first..stop).flat_map(i16::to_le_bytes).collect();
    let mut packet = Packet::from_data(&bytes).unwrap();
    packet.set_pts(Some(pts));
    packet
}

/// Decodes packets; gives all samples as one piece, and the report.
fn run(packets: &[Packet], wanted: AudioOptions) -> (Samples, AudioReport) {
    let stream = AudioStream::pick(&demuxer(), &AudioChoice::Best).unwrap().unwrap();
    let mut audio = AudioStreamDecoder::open("test", stream, None, wanted).unwrap();
    let mut whole: Option<Samples> = None;
    let mut receive = |audio: &mut AudioStreamDecoder| {
        while let Some(piece) = audio.receive().unwrap() {
            match &mut whole {
                Some(whole) => whole.append(&piece),
                None => whole = Some(piece),
            }
        }
    };
    for packet in packets {
        assert_eq!(audio.push(packet).unwrap(), Sent::Accepted);
        receive(&mut audio);
    }
    audio.end().unwrap();
    receive(&mut audio);
    (whole.unwrap_or_default(), audio.report())
}

fn numbers(samples: &Samples) -> Vec<i16> {
    samples.channels[0].iter().map(|sample| (sample * 32_768.0) as i16).collect()
}

#[test]
fn a_gap_is_silence_and_an_overlap_is_cut() {
    let packets = [packet(0, 1, 401), packet(600, 601, 1001), packet(800, 801, 1201)];
    let (samples, report) = run(&packets, AudioOptions::default());
    let want: Vec<_> = (1..401).chain([0; 200]).chain(601..1201).collect();
    assert_eq!(numbers(&samples), want);
    assert_eq!((samples.start, samples.sample_rate), (0, 8000));
    assert_eq!(report, AudioReport { silent_samples: 200, cut_samples: 200, ..report });
}

#[test]
fn jitter_moves_no_sample() {
    let packets = [packet(0, 0, 400), packet(520, 400, 800), packet(700, 800, 1200)];
    let (samples, report) = run(&packets, AudioOptions::default());
    assert_eq!(numbers(&samples), (0..1200).collect::<Vec<_>>());
    assert_eq!(report, AudioReport::default());
}

#[test]
fn long_silence_comes_in_pieces_and_resampling_keeps_its_length() {
    let packets = [packet(0, 1, 401), packet(800_000, 1, 401)];
    for (sample_rate, length) in [(None, 800_400), (Some(16_000), 1_600_800)] {
        let wanted = AudioOptions { sample_rate, channels: Some(2), ..Default::default() };
        let (samples, report) = run(&packets, wanted);
        assert_eq!((samples.len(), samples.channels.len()), (length, 2));
        assert_eq!(report.silent_samples, 799_600);
    }
}

#[test]
fn a_stream_without_packets_has_no_samples() {
    assert_eq!(run(&[], AudioOptions::default()).0, Samples::default());
}
