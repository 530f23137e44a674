use super::*;

#[track_caller]
fn check(codec: &str, packet: &[u8], key_flag: bool, want: Access) {
    assert_eq!(Classifier::new(codec, false, &[]).classify(packet, key_flag), want);
}

#[test]
fn an_idr_picture_is_a_keyframe_whatever_the_container_says() {
    check("h264", &[0, 0, 1, 9, 16, 0, 0, 1, 0x65, 0x88, 0x84, 0], false, Access::Key);
}

#[test]
fn an_intra_picture_without_a_recovery_point_is_no_keyframe() {
    check("h264", &[0, 0, 1, 0x41, 0x88, 0x84, 0], true, Access::Other);
}

#[test]
fn an_immediate_recovery_point_is_a_keyframe_if_the_picture_is_intra() {
    let sei = [0, 0, 1, 6, 6, 1, 0xc4, 0x80];
    check("h264", &[&sei[..], &[0, 0, 1, 0x41, 0x88, 0x84, 0]].concat(), true, Access::Key);
    check("h264", &[&sei[..], &[0, 0, 1, 0x41, 0x9b, 0, 0]].concat(), true, Access::Other);
}

#[test]
fn a_gradual_refresh_is_not_a_keyframe() {
    let packet = [0, 0, 1, 6, 6, 1, 0b0010_0100, 0x80, 0, 0, 1, 0x41, 0x88, 0x84, 0];
    check("h264", &packet, true, Access::Other);
}

#[test]
fn hevc_irap_pictures_are_keyframes() {
    for (kind, want) in [(19, Access::Key), (21, Access::Key), (16, Access::Key)]
        .into_iter()
        .chain([(1, Access::Other), (8, Access::Other)])
    {
        check("hevc", &[0, 0, 1, kind << 1, 1, 0xaf], true, want);
    }
}

#[test]
fn vp8_and_vp9_mark_keyframes_in_the_first_byte() {
    check("vp8", &[0x10], false, Access::Key);
    check("vp8", &[0x11], true, Access::Other);
    check("vp8", &[0x01], true, Access::Invisible);
    check("vp9", &[0b1000_0010], false, Access::Key);
    check("vp9", &[0b1000_0110], true, Access::Other);
    check("vp9", &[0b1000_1000], true, Access::Other); // shows an existing frame
    check("vp9", &[0b1011_0001], false, Access::Key); // profile 3
}

#[test]
fn mpeg2_and_mpeg4_mark_keyframes_in_the_picture_header() {
    check("mpeg2video", &[0, 0, 1, 0xb3, 1, 0, 0, 1, 0, 0, 0x08, 0], false, Access::Key);
    check("mpeg2video", &[0, 0, 1, 0, 0, 0x10, 0], true, Access::Other);
    check("mpeg4", &[0, 0, 1, 0xb6, 0x10, 0], false, Access::Key);
    check("mpeg4", &[0, 0, 1, 0xb6, 0x50, 0], true, Access::Other);
}

#[test]
fn other_codecs_go_by_the_key_flag_unless_every_picture_is_intra() {
    check("h263", &[1, 2, 3], true, Access::Key);
    check("h263", &[1, 2, 3], false, Access::Other);
    assert_eq!(Classifier::new("mjpeg", true, &[]).classify(&[1], false), Access::Key);
}

#[test]
fn the_encoders_name_is_kept_like_a_parameter_set() {
    let mut classifier = Classifier::new("h264", false, &[]);
    let sei = [&[6, 5, 40][..], &[7; 16], b"x264 - core 148 r2643", &[0x80]].concat();
    classifier.classify(&[&[0, 0, 1][..], &sei, &[0, 0, 1, 0x65, 0x88, 0x84]].concat(), true);
    assert_eq!(*classifier.parameter_sets().bytes, [&[0, 0, 0, 1][..], &sei].concat());
}

#[test]
fn empty_packets_are_no_keyframes() {
    for codec in ["h264", "hevc", "vvc", "mpeg2video", "mpeg4", "vp8", "vp9"] {
        check(codec, &[], true, Access::Other);
    }
}

#[test]
fn parameter_sets_are_kept_framed_like_the_packets() {
    let mut classifier = Classifier::new("h264", false, &[1, 100, 0, 40, 0xff, 0xe0, 0]);
    classifier.classify(&[0, 0, 0, 2, 0x67, 9, 0, 0, 0, 3, 0x68, 7, 7], false);
    let sets = classifier.parameter_sets();
    assert_eq!(*sets.bytes, [0, 0, 0, 2, 0x67, 9, 0, 0, 0, 3, 0x68, 7, 7]);
}
