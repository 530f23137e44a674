//! Lookups in small indexes, made by hand.

use super::*;

const BASE: TimeBase = TimeBase::MICROSECONDS;

fn packet(pts: i64, key: bool, shown: bool) -> PacketEntry {
    PacketEntry { pts, key, shown, position: Some(1000 + pts.unsigned_abs()) }
}

/// Decoding order I P B B, then an open group: I with two pictures before it.
fn open_group() -> FrameIndex {
    let packets = [
        packet(0, true, true),
        packet(30, false, true),
        packet(10, false, true),
        packet(20, false, true),
        packet(60, true, true),
        packet(40, false, true),
        packet(50, false, true),
        packet(70, false, true),
    ];
    FrameIndex::of_packets(BASE, &packets, Some(80), Origin::Packets)
}

#[test]
fn a_frame_takes_sixteen_bytes() {
    assert_eq!(size_of::<PackedFrame>(), 16);
    assert_eq!(open_group().bytes(), 8 * 16);
}

#[test]
fn frames_come_in_the_order_they_are_shown() {
    let index = open_group();
    let pts: Vec<_> = index.frames().map(|frame| frame.pts.ticks).collect();
    assert_eq!(pts, [0, 10, 20, 30, 40, 50, 60, 70]);
    let packets: Vec<_> = (0..8).map(|frame| index.packet_of(frame).unwrap()).collect();
    assert_eq!(packets, [0, 2, 3, 1, 5, 6, 4, 7]);
    assert_eq!((index.len(), index.keyframes(), index.reorder_delay()), (8, 2, 1));
    assert!(index.frames().all(|frame| frame.duration == 10));
}

#[test]
fn positions_and_keys_are_kept_up_to_64_tib() {
    let index = open_group();
    assert_eq!(index.frame(6).unwrap().position, Some(1060));
    assert!(index.frame(6).unwrap().keyframe && !index.frame(5).unwrap().keyframe);
    let far = [PacketEntry { position: Some(1 << 46), ..packet(0, true, true) }];
    let index = FrameIndex::of_packets(BASE, &far, None, Origin::Tables);
    assert_eq!(index.frame(0).unwrap().position, Some(1 << 46));
    let nowhere = [PacketEntry { position: None, ..packet(0, true, true) }];
    let index = FrameIndex::of_packets(BASE, &nowhere, None, Origin::Tables);
    assert_eq!(index.frame(0).unwrap().position, None);
}

#[test]
fn frames_shown_before_their_keyframe_start_one_group_earlier() {
    let index = open_group();
    let access_points: Vec<_> = (0..8).map(|frame| index.access_point(frame).packet).collect();
    assert_eq!(access_points, [0, 0, 0, 0, 0, 0, 4, 4]);
    assert_eq!(index.access_point_before(index.access_point(7)).packet, 0);
}

#[test]
fn hidden_keyframes_are_access_points_and_no_frames() {
    let packets = [packet(0, true, false), packet(10, false, false), packet(20, false, true)];
    let index = FrameIndex::of_packets(BASE, &packets, None, Origin::Tables);
    assert_eq!((index.len(), index.keyframes(), index.packet_of(0)), (1, 0, Some(2)));
    assert_eq!(
        index.access_point(0),
        RandomAccessPoint { packet: 0, pts: 0, position: Some(1000) }
    );
}

#[test]
fn a_removed_access_point_is_no_keyframe() {
    let mut index = open_group();
    index.remove_access_point(index.access_point(7));
    assert_eq!((index.access_point(7).packet, index.keyframes()), (0, 1));
}

#[test]
fn the_frame_at_an_instant_is_the_last_that_has_begun() {
    let index = open_group();
    let at = |ticks| index.frame_played_at(Pts { ticks, base: BASE });
    assert_eq!([at(-1), at(0), at(9), at(10), at(79)], [None, Some(0), Some(0), Some(1), Some(7)]);
    assert_eq!(at(80), None);
    let milliseconds = TimeBase::new(1, 1000).unwrap();
    assert_eq!(index.first_from(Pts { ticks: 0, base: milliseconds }), 0);
    assert_eq!(index.first_from(Pts { ticks: 11, base: BASE }), 2);
    assert_eq!(index.first_from(Pts { ticks: 71, base: BASE }), 8);
}

#[test]
fn frames_may_be_shown_far_from_where_they_are_decoded() {
    let mut packets: Vec<_> = (1..=40_000).map(|pts| packet(pts, false, true)).collect();
    packets.push(packet(0, false, true));
    let index = FrameIndex::of_packets(BASE, &packets, None, Origin::Packets);
    assert_eq!((index.packet_of(0), index.packet_of(1)), (Some(40_000), Some(0)));
}
