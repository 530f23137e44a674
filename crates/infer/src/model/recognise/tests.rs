//! Tests with shapes and metadata as exporters write them.

use super::*;
use crate::head::Grid;
use crate::model::names::MAX_CLASSES;

fn output(name: &str, shape: &[usize]) -> OutputSpec {
    OutputSpec { name: name.into(), is_float: true, shape: shape.into() }
}

/// Metadata of an Ultralytics export with that many classes.
fn ultralytics(classes: usize) -> Metadata {
    Metadata {
        author: Some("Ultralytics".into()),
        task: Some("detect".into()),
        stride: Some(32),
        names: Some((0..classes).map(|id| id.to_string()).collect()),
        ..Metadata::default()
    }
}

/// A model with a square input called `images`.
struct Case {
    side: usize,
    outputs: Vec<OutputSpec>,
    metadata: Metadata,
    has_exp: bool,
}

fn case(side: usize, name: &str, shape: &[usize], metadata: Metadata) -> Case {
    Case { side, outputs: vec![output(name, shape)], metadata, has_exp: false }
}

impl Case {
    fn recognise(&self, requested: Option<HeadKind>) -> Result<Recognised, NotRecognised> {
        let evidence = Evidence {
            input: Size { width: self.side, height: self.side },
            input_name: "images",
            outputs: &self.outputs,
            metadata: &self.metadata,
            has_exp: self.has_exp,
        };
        recognise(&evidence, requested)
    }

    #[track_caller]
    fn check(&self, kind: HeadKind, classes: usize, order: Order) {
        let head = self.recognise(None).unwrap().head;
        assert_eq!((head.kind, head.classes, head.order), (kind, classes, order));
    }

    #[track_caller]
    fn check_ambiguous(&self, want: &[HeadKind]) {
        match self.recognise(None) {
            Err(NotRecognised::Ambiguous { candidates: got, .. }) => assert_eq!(got, want),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check_unsupported(&self, requested: Option<HeadKind>, word: &str) {
        match self.recognise(requested) {
            Err(
                NotRecognised::Unsupported { problem, .. } | NotRecognised::Head { problem, .. },
            ) => {
                assert!(problem.contains(word), "{problem}")
            }
            other => panic!("{other:?}"),
        }
    }
}

use HeadKind::{Yolov5, Yolov8, Yolov10, Yolox};
use Order::{Planes, Rows};

#[test]
fn ultralytics_exports_are_recognised() {
    case(640, "output0", &[1, 84, 8400], ultralytics(80)).check(Yolov8, 80, Planes);
    case(320, "output0", &[1, 5, 2100], ultralytics(1)).check(Yolov8, 1, Planes);
    case(640, "output0", &[1, 25200, 85], ultralytics(80)).check(Yolov5, 80, Rows);
    case(1280, "output0", &[1, 102_000, 85], ultralytics(80)).check(Yolov5, 80, Rows);
    case(640, "output0", &[1, 25200, 6], ultralytics(1)).check(Yolov5, 1, Rows);
    // YOLOv3-tiny has two strides.
    case(640, "output0", &[1, 6000, 85], ultralytics(80)).check(Yolov5, 80, Rows);
    // A model with a stride of 4.
    case(640, "output0", &[1, 84, 34_000], ultralytics(80)).check(Yolov8, 80, Planes);
}

#[test]
fn final_boxes_are_recognised() {
    let said = Metadata { end_to_end: Some(true), ..ultralytics(80) };
    case(640, "output0", &[1, 300, 6], said).check(Yolov10, 80, Rows);
    let nms = Metadata { nms: Some(true), ..ultralytics(2) };
    case(640, "output0", &[1, 300, 6], nms).check(Yolov10, 2, Rows);
    // YOLOv10's first exports have no `end2end`.
    case(640, "output0", &[1, 300, 6], ultralytics(80)).check(Yolov10, 80, Rows);
    case(640, "output0", &[1, 300, 6], Metadata::default()).check(Yolov10, MAX_CLASSES, Rows);
}

#[test]
fn files_without_metadata_are_recognised_by_the_number_of_boxes() {
    case(640, "out", &[1, 84, 8400], Metadata::default()).check(Yolov8, 80, Planes);
    case(640, "out", &[1, 25200, 85], Metadata::default()).check(Yolov5, 80, Rows);
}

#[test]
fn yolox_is_recognised_by_its_exporters_names() {
    let official = case(416, "output", &[1, 3549, 85], Metadata::default());
    official.check(Yolox, 80, Rows);
    let grid = official.recognise(None).unwrap().head.grid.unwrap();
    assert_eq!((grid.strides, grid.cells()), (Grid::P5, 3549));
    let large = case(1280, "output", &[1, 34_000, 85], Metadata::default());
    assert_eq!(large.recognise(None).unwrap().head.grid.unwrap().strides, Grid::P6);
    let decoded = Case { has_exp: true, ..official };
    assert_eq!(decoded.recognise(None).unwrap().head.grid, None);
}

#[test]
fn yolox_under_other_names_may_be_yolov6() {
    let unknown = case(640, "outputs", &[1, 8400, 85], Metadata::default());
    unknown.check_ambiguous(&[Yolov5, Yolov8, Yolox]);
    assert!(unknown.recognise(Some(Yolox)).unwrap().head.grid.is_some());
    assert!(unknown.recognise(Some(Yolov5)).unwrap().head.grid.is_none());
    case(640, "output", &[1, 8400, 85], ultralytics(80)).check_ambiguous(&[Yolov5, Yolox]);
}

#[test]
fn yolov8_in_rows_needs_class_names() {
    case(640, "output0", &[1, 8400, 84], ultralytics(80)).check(Yolov8, 80, Rows);
    let silent = case(640, "out", &[1, 8400, 84], Metadata::default());
    silent.check_ambiguous(&[Yolov5, Yolov8, Yolox]);
    assert_eq!(silent.recognise(Some(Yolov8)).unwrap().head.order, Rows);
}

#[test]
fn raw_maps_of_older_yolov5_exports_are_ignored() {
    let mut old = case(640, "output", &[1, 25200, 85], Metadata::default());
    old.outputs.push(output("340", &[1, 3, 80, 80, 85]));
    old.check(Yolov5, 80, Rows);
}

#[test]
fn other_tasks_are_refused() {
    let with = |task: &str| Metadata { task: Some(task.into()), ..ultralytics(80) };
    case(640, "output0", &[1, 116, 8400], with("segment")).check_unsupported(None, "'segment'");
    let silent = Metadata { task: None, ..ultralytics(80) };
    case(640, "output0", &[1, 116, 8400], silent.clone())
        .check_unsupported(None, "32 values per box");
    let mut masks = case(640, "output0", &[1, 116, 8400], silent);
    masks.outputs.push(output("output1", &[1, 32, 160, 160]));
    masks.check_unsupported(None, "segmentation");
    case(224, "logits", &[1, 1000], Metadata::default()).check_unsupported(None, "classifier");
    let description = Some("Ultralytics rtdetr-l model".into());
    let detr = Metadata { description, ..ultralytics(2) };
    case(640, "output0", &[1, 300, 6], detr).check_unsupported(None, "RT-DETR");
}

#[test]
fn other_outputs_are_refused() {
    let mut detr = case(560, "dets", &[1, 300, 4], Metadata::default());
    detr.outputs.push(output("labels", &[1, 300, 91]));
    detr.check_unsupported(None, "`labels` [1, 300, 91]");
    case(640, "out", &[1, 1234, 77], Metadata::default()).check_unsupported(None, "640x640");
    case(640, "out", &[4, 84, 8400], Metadata::default()).check_unsupported(None, "one image");
    case(640, "out", &[1, 7, 721_420_414], Metadata::default())
        .check_unsupported(None, "too large");
    case(640, "out", &[1, 3, 80, 80, 85], Metadata::default())
        .check_unsupported(None, "list of boxes");
    Case { outputs: vec![], ..case(1, "", &[], Metadata::default()) }
        .check_unsupported(None, "outputs");
}

#[test]
fn a_requested_head_that_does_not_fit_is_refused() {
    let v8 = case(640, "output0", &[1, 84, 8400], ultralytics(80));
    v8.check_unsupported(Some(Yolov10), "does not fit the head yolov10");
    v8.check_unsupported(Some(Yolov5), "8395 classes as yolov5, but 80 names");
    v8.check_unsupported(Some(Yolox), "does not fit YOLOX's grid");
    let tiny = case(640, "out", &[1, 4, 3], Metadata::default());
    for kind in HeadKind::ALL {
        tiny.check_unsupported(Some(kind), "does not fit");
    }
}

#[test]
fn empty_sides_do_not_panic() {
    for shape in [[1, 0, 0], [1, 0, 6], [1, 6, 0], [1, usize::MAX, usize::MAX]] {
        let odd = case(640, "out", &shape, Metadata::default());
        for requested in HeadKind::ALL.into_iter().map(Some).chain([None]) {
            let _ = odd.recognise(requested);
        }
    }
    let _ = case(1, "out", &[1, 6, 6], Metadata::default()).recognise(None);
}
