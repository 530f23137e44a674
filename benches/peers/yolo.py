"""What the Python detectors share: letterbox, session, and boxes out of a [1, 4 + classes, cells] head."""

import cv2
import numpy as np
import onnxruntime as ort

SIZE = 640
CONFIDENCE, IOU, MOST = 0.25, 0.7, 300
CLASS_STEP = 7680  # further than any box reaches, so that boxes of two classes never meet


def session(model, provider, precision, threads=2):
    """A session on `cpu` or `openvino`, at f32 or bf16; it fails rather than fall back to another provider.

    Without `threads`, the runtime chooses."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    if provider == "cpu":
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    number = f', "INFERENCE_NUM_THREADS": "{threads}"' if threads else ""
    hint = f'{{"CPU": {{"INFERENCE_PRECISION_HINT": "{precision}"{number}}}}}'
    openvino = ("OpenVINOExecutionProvider", {"device_type": "CPU", "load_config": hint})
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    made = ort.InferenceSession(model, options, providers=[openvino])
    if made.get_providers()[0] != openvino[0]:
        raise SystemExit("ONNX Runtime fell back to another provider")
    return made


def letterbox(picture, code):
    """An 8-bit image as a [1, 3, 640, 640] tensor, and the inverse mapping; `code` is the colour conversion, or None."""
    height, width = picture.shape[:2]
    scale = min(SIZE / height, SIZE / width)
    w, h = round(width * scale), round(height * scale)
    left, top = (SIZE - w) // 2, (SIZE - h) // 2
    small = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)
    square = cv2.copyMakeBorder(small, top, SIZE - h - top, left, SIZE - w - left, cv2.BORDER_CONSTANT,
                                value=(114, 114, 114))
    if code is not None:
        square = cv2.cvtColor(square, code)
    tensor = np.ascontiguousarray(square.transpose(2, 0, 1)[None], dtype=np.float32)
    tensor /= 255.0
    return tensor, (scale, left, top, width, height)


def boxes(output, undo):
    """Boxes in the image's pixels with confidence and class, after class-aware NMS; none wholly in the border."""
    scale, left, top, width, height = undo
    scores = output[0, 4:]
    classes = scores.argmax(axis=0)
    best = scores[classes, np.arange(scores.shape[1])]
    chosen = np.flatnonzero(best > CONFIDENCE)
    if chosen.size == 0:
        return []
    x, y, w, h = output[0, :4, chosen].T
    corner = np.stack([x - w / 2, y - h / 2, w, h], axis=1)
    apart = corner.copy()
    apart[:, :2] += (classes[chosen] * CLASS_STEP)[:, None]
    kept = cv2.dnn.NMSBoxes(apart.tolist(), best[chosen].tolist(), CONFIDENCE, IOU)[:MOST]
    result = []
    for i in np.asarray(kept).ravel():
        x, y, w, h = corner[i]
        x1, x2 = (min(max((value - left) / scale, 0), width) for value in (x, x + w))
        y1, y2 = (min(max((value - top) / scale, 0), height) for value in (y, y + h))
        if x1 < x2 and y1 < y2:
            result.append(([x1, y1, x2, y2], float(best[chosen[i]]), int(classes[chosen[i]])))
    return result


def arguments(parser):
    """The arguments that all detectors take, parsed; most read the first clip only."""
    parser.add_argument("clips", nargs="+")
    parser.add_argument("model")
    parser.add_argument("--provider", default="cpu", choices=["cpu", "openvino"])
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16"])
    return parser.parse_args()
