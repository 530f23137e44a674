use super::*;
use crate::{frame_info::FramePosition, task::ObjectRecord};

#[track_caller]
fn check(record: Record, want: &str) {
    assert_eq!(serde_json::to_string(&record).unwrap(), want);
}

fn source() -> SourceRecord {
    SourceRecord {
        schema: SCHEMA,
        source: "a.mp4".into(),
        container: "mov,mp4".into(),
        duration: Some(13.055),
        video: Some(VideoRecord {
            stream: 0,
            codec: "h264".into(),
            width: Some(480),
            height: Some(270),
            frame_rate: Some(29.97),
            rotation: 0,
            pixel_format: Some("yuv420p".into()),
            color: Some(ColorRecord {
                matrix: Some("bt709".into()),
                range: Some("limited".into()),
            }),
            sample_aspect: None,
            mirrored: false,
        }),
        audio: Some(AudioRecord {
            stream: 1,
            codec: "aac".into(),
            sample_rate: Some(16000),
            channels: Some(2),
        }),
    }
}

fn position() -> FramePosition {
    FramePosition {
        frame: None,
        time: Some(0.0),
        pts: Some(0),
        time_base: Some([1, 30000]),
        width: 480,
        height: 270,
    }
}

fn keyframe() -> KeyframeRecord {
    KeyframeRecord {
        source: "a.mp4".into(),
        index: 0,
        position: position(),
        md5: None,
        path: Some("out/a/00000.jpg".into()),
        damaged: false,
        image: None,
    }
}

fn frame() -> FrameRecord {
    FrameRecord {
        source: "a.mp4".into(),
        position: position(),
        keyframe: false,
        md5: None,
        path: Some("out/a/00000.jpg".into()),
        damaged: false,
        image: None,
    }
}

fn summary() -> SummaryRecord {
    SummaryRecord { sources: 2, done: 1, failed: 1, frames: 1, elapsed: 0.4, models_loaded: 0 }
}

#[test]
fn records_are_written_as_documented() {
    check(
        Record::Source(source()),
        r#"{"type":"source","schema":1,"source":"a.mp4","container":"mov,mp4","duration":13.055,"video":{"stream":0,"codec":"h264","width":480,"height":270,"frame_rate":29.97,"rotation":0,"pixel_format":"yuv420p","color":{"matrix":"bt709","range":"limited"}},"audio":{"stream":1,"codec":"aac","sample_rate":16000,"channels":2}}"#,
    );
    check(
        Record::Keyframe(keyframe()),
        r#"{"type":"keyframe","source":"a.mp4","index":0,"time":0.0,"pts":0,"time_base":[1,30000],"width":480,"height":270,"path":"out/a/00000.jpg"}"#,
    );
    let position =
        FramePosition { frame: Some(30), time: Some(1.0), pts: Some(30000), ..position() };
    check(
        Record::Frame(FrameRecord {
            position,
            md5: Some("9e107d9d372bb6826bd81d3542a419d6".into()),
            path: Some("out/a/00000030.jpg".into()),
            ..frame()
        }),
        r#"{"type":"frame","source":"a.mp4","frame":30,"time":1.0,"pts":30000,"time_base":[1,30000],"width":480,"height":270,"keyframe":false,"md5":"9e107d9d372bb6826bd81d3542a419d6","path":"out/a/00000030.jpg"}"#,
    );
    let message = "moov atom not found: the file is truncated or still being written";
    check(
        Record::Error(ErrorRecord {
            source: "b.mp4".into(),
            stage: "demux".into(),
            time: None,
            message: message.into(),
        }),
        r#"{"type":"error","source":"b.mp4","stage":"demux","time":null,"message":"moov atom not found: the file is truncated or still being written"}"#,
    );
    check(
        Record::End(EndRecord {
            source: "a.mp4".into(),
            frames: 1,
            keyframes: 1,
            errors: 0,
            damaged: Vec::new(),
            elapsed: 0.31,
        }),
        r#"{"type":"end","source":"a.mp4","frames":1,"keyframes":1,"errors":0,"elapsed":0.31}"#,
    );
    check(
        Record::Summary(summary()),
        r#"{"type":"summary","sources":2,"done":1,"failed":1,"frames":1,"elapsed":0.4}"#,
    );
    check(
        Record::Summary(SummaryRecord { models_loaded: 2, ..summary() }),
        r#"{"type":"summary","sources":2,"done":1,"failed":1,"frames":1,"elapsed":0.4,"models_loaded":2}"#,
    );
}

#[test]
fn floats_are_the_shortest_text_of_their_own_type() {
    let object = ObjectRecord {
        class_id: 0,
        class: Some("person".into()),
        confidence: 0.912,
        bbox: [12.1, 30.0, 80.5, 200.2],
    };
    let record = DetectionsRecord {
        source: "a.mp4".into(),
        keyframe: Some(0),
        position: FramePosition { frame: Some(0), ..position() },
        objects: vec![object],
        path: None,
        damaged: false,
        image: None,
    };
    check(
        Record::Detections(record),
        r#"{"type":"detections","source":"a.mp4","keyframe":0,"frame":0,"time":0.0,"pts":0,"time_base":[1,30000],"width":480,"height":270,"objects":[{"class_id":0,"class":"person","confidence":0.912,"box":[12.1,30.0,80.5,200.2]}]}"#,
    );
}

#[test]
fn unknown_fields_are_omitted() {
    let unknown = FramePosition { time: None, pts: None, time_base: None, ..position() };
    let bare = KeyframeRecord { position: unknown, path: None, ..keyframe() };
    check(
        Record::Keyframe(bare),
        r#"{"type":"keyframe","source":"a.mp4","index":0,"width":480,"height":270}"#,
    );
    let bare = SourceRecord { duration: None, video: None, audio: None, ..source() };
    check(
        Record::Source(bare),
        r#"{"type":"source","schema":1,"source":"a.mp4","container":"mov,mp4"}"#,
    );
}

#[test]
fn damaged_is_the_last_field() {
    let damaged = KeyframeRecord { damaged: true, path: None, ..keyframe() };
    check(
        Record::Keyframe(damaged),
        r#"{"type":"keyframe","source":"a.mp4","index":0,"time":0.0,"pts":0,"time_base":[1,30000],"width":480,"height":270,"damaged":true}"#,
    );
}

#[test]
fn names_with_line_breaks_and_quotes_are_escaped() {
    let end = EndRecord {
        source: "a\n\"b\".mp4".into(),
        frames: 0,
        keyframes: 0,
        errors: 0,
        damaged: vec![[60, 74]],
        elapsed: 0.0,
    };
    let line = serde_json::to_string(&Record::End(end)).unwrap();
    assert!(!line.contains('\n'));
    assert!(line.contains(r#""source":"a\n\"b\".mp4""#));
    assert!(line.contains(r#""damaged":[[60,74]]"#));
}

#[test]
fn records_are_read_back_as_they_were_written() {
    let object = |confidence, corner| ObjectRecord {
        class_id: 3,
        class: None,
        confidence,
        bbox: [corner, -corner, 0.1, f32::MAX],
    };
    // Varied bit patterns, all finite.
    let floats = (1..200_u32).map(|n| f32::from_bits(n.wrapping_mul(0x9e37_79b9) & 0xbf7f_ffff));
    let objects = floats.map(|float| object(float.abs(), float)).collect();
    let position = FramePosition { time: Some(1.0 / 3.0), pts: Some(-1), ..position() };
    let detections = DetectionsRecord {
        source: "a.mp4".into(),
        keyframe: None,
        position,
        objects,
        path: None,
        damaged: true,
        image: None,
    };
    let error = ErrorRecord {
        source: "a".into(),
        stage: "open".into(),
        time: None,
        message: "no\nsuch".into(),
    };
    for record in [
        Record::Source(source()),
        Record::Keyframe(keyframe()),
        Record::Frame(FrameRecord { keyframe: true, ..frame() }),
        Record::Detections(detections),
        Record::Error(error),
    ] {
        let line = serde_json::to_string(&record).unwrap();
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(read, record);
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}
