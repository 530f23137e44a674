"""Measures the exported detector on scenes that were not used in training, with ONNX Runtime.

    python evaluate.py demo.onnx --output accuracy.json

mAP50 is the mean over classes of the area under the precision-recall curve, where a detection
counts as right when it overlaps a not yet found object of its class with an IoU of 0.5 or more.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

import scenes

# Far above the seeds used in training, which start at 0.
FIRST_UNSEEN_SEED = 10_000_000
MATCH = 0.5
LOWEST_CONFIDENCE = 0.01
SAME_OBJECT = 0.7
USEFUL_CONFIDENCE = 0.25
VIDEO_SIZE = (640, 360)


class Detector:
    """The ONNX model with its pre- and postprocessing: letterbox, threshold, NMS."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        self.seconds = []

    def __call__(self, picture):
        """Detections as rows of class, confidence, x1, y1, x2, y2 in pixels of the image."""
        square, _, (scale, left, top) = scenes.letterbox(picture, np.empty((0, 5), np.float32))
        images = np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32) / 255
        start = time.process_time()
        output = self.session.run(None, {"images": images})[0][0]
        self.seconds.append(time.process_time() - start)
        found = select(output)
        found[:, 2:] = (found[:, 2:] - [left, top, left, top]) / scale
        height, width = picture.shape[:2]
        found[:, 2:] = np.clip(found[:, 2:], 0, [width, height, width, height])
        return found


def select(output):
    """The candidates of an image after the threshold and NMS per class."""
    scores = output[4:]
    classes, points = np.nonzero(scores >= LOWEST_CONFIDENCE)
    centre, size = output[:2, points].T, output[2:4, points].T
    rows = np.column_stack([classes, scores[classes, points], centre - size / 2, centre + size / 2])
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    kept = []
    while len(rows):
        kept.append(rows[0])
        rows = rows[1:][(rows[1:, 0] != rows[0, 0]) | (overlaps(rows[0, 2:], rows[1:, 2:]) <= SAME_OBJECT)]
    return np.array(kept).reshape(-1, 6)


def overlaps(box, boxes):
    """IoU of one box with each of several."""
    shared = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(shared, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return shared / ((box[2:] - box[:2]).prod() + areas - shared)


def judge(found, labels):
    """Which detections are correct: each object counts once, for its most confident detection."""
    right, free = np.zeros(len(found), bool), np.ones(len(labels), bool)
    for index in np.argsort(-found[:, 1], kind="stable"):
        if not len(labels):
            break
        iou = overlaps(found[index, 2:], labels[:, 1:]) * free * (labels[:, 0] == found[index, 0])
        best = iou.argmax()
        if iou[best] >= MATCH:
            right[index], free[best] = True, False
    return right


def average_precision(confidence, right, objects):
    """The area under the precision-recall curve, with precision made monotonically decreasing."""
    right = right[np.argsort(-confidence, kind="stable")]
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * right).sum() / max(objects, 1))


def figures(detector, pictures):
    """The accuracy over pairs of image and labels."""
    found, right, labels = [], [], []
    for picture, truth in pictures:
        detections = detector(picture)
        found.append(detections)
        right.append(judge(detections, truth))
        labels.append(truth)
    found, right, labels = np.concatenate(found), np.concatenate(right), np.concatenate(labels)
    per_class = {}
    for index, name in enumerate(scenes.CLASSES):
        own = found[:, 0] == index
        objects = int((labels[:, 0] == index).sum())
        per_class[name] = {"objects": objects, "ap50": round(average_precision(found[own, 1], right[own], objects), 4)}
    sure = found[:, 1] >= USEFUL_CONFIDENCE
    return {
        "map50": round(float(np.mean([entry["ap50"] for entry in per_class.values()])), 4),
        "precision_at_0.25": round(float(right[sure].mean()), 4),
        "recall_at_0.25": round(float(right[sure].sum() / len(labels)), 4),
        "scenes": len(pictures), "objects": len(labels), "classes": per_class,
    }


def through_h264(pictures, crf):
    """The same images after encoding with H.264 at a given quality, and decoding."""
    width, height = VIDEO_SIZE
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    encode = ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "25", "-i", "-", "-c:v", "libx264",
              "-g", "1", "-crf", str(crf), "-pix_fmt", "yuv420p", "-f", "matroska", "-"]
    decode = ["ffmpeg", "-v", "error", "-i", "-", *raw, "-"]
    source = b"".join(picture.tobytes() for picture, _ in pictures)
    video = subprocess.run(encode, input=source, capture_output=True, check=True).stdout
    back = subprocess.run(decode, input=video, capture_output=True, check=True).stdout
    back = np.frombuffer(back, np.uint8).reshape(-1, height, width, 3)
    return [(picture, labels) for picture, (_, labels) in zip(back, pictures, strict=True)]


def keyframes_of(clip):
    """The demo clip's keyframes, decoded, with their true boxes."""
    truth = json.loads(clip.with_suffix(".boxes.json").read_text())
    width, height = truth["width"], truth["height"]
    words = ["ffmpeg", "-v", "error", "-skip_frame", "nokey", "-i", str(clip), "-vsync", "passthrough",
             "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(words, capture_output=True, check=True).stdout
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    labels = [np.array([[o["class_id"], *o["box"]] for o in k["objects"]]) for k in truth["keyframes"]]
    return list(zip(pictures, labels, strict=True))


def on_clip(detector, clip):
    """The accuracy on the demo clip at the command's default confidence."""
    right = wrong = objects = 0
    worst = 1.0
    for picture, labels in keyframes_of(clip):
        found = detector(picture)
        found = found[found[:, 1] >= USEFUL_CONFIDENCE]
        hits = judge(found, labels)
        right, wrong, objects = right + int(hits.sum()), wrong + int((~hits).sum()), objects + len(labels)
        for row in found[hits]:
            worst = min(worst, float(overlaps(row[2:], labels[labels[:, 0] == row[0], 1:]).max()))
    return {"objects": objects, "found": right, "wrong": wrong, "lowest_iou": round(worst, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--output", type=Path, help="where to write the figures as JSON")
    parser.add_argument("--clip", type=Path, help="demo.mp4, with demo.boxes.json beside it")
    parser.add_argument("--scenes", type=int, default=1000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = Detector(arguments.model)
    seeds = range(FIRST_UNSEEN_SEED, FIRST_UNSEEN_SEED + arguments.scenes)
    report = {"unseen": figures(detector, [scenes.scene(seed) for seed in seeds])}
    # CPU time, because wall time depends on the machine's other load.
    report["inference_cpu_ms"] = round(1000 * float(np.median(detector.seconds)), 1)
    wide = [scenes.scene(seed + arguments.scenes, VIDEO_SIZE) for seed in seeds[:arguments.scenes // 5]]
    for crf in (23, 32):
        report[f"unseen_h264_crf{crf}"] = figures(detector, through_h264(wide, crf))
    if arguments.clip:
        report["clip"] = on_clip(detector, arguments.clip)
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
