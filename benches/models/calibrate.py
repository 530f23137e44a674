"""Choose the score bias of yolo_shape.py: run the graph without one over real frames, and print what to write there.

Run: python calibrate.py CLIP MODEL.onnx   (MODEL made with SCORE_BIAS = (0, 0, 0); with any other, only counts boxes)
"""

import sys
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import yolo
import yolo_shape

# Cells that pass at each stride, in an average frame.
WANTED = (40, 15, 5)
LEVELS = [(yolo_shape.SIZE // stride) ** 2 for stride in yolo_shape.STRIDES]


def outputs(clip, model):
    """The head's output for every fifth keyframe."""
    session = yolo.session(model, "cpu", "f32")
    with av.open(clip) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for i, frame in enumerate(container.decode(stream)):
            if i % 5 == 0:
                tensor, undo = yolo.letterbox(frame.to_ndarray(format="rgb24"), None)
                yield session.run(None, {"images": tensor})[0], undo


def logit(p):
    p = np.asarray(p, dtype=np.float64)
    return np.log(p / (1 - p))


def main():
    heads = list(outputs(*sys.argv[1:]))
    best = np.stack([logit(output[0, 4:]).max(axis=0) for output, _ in heads])
    first, bias = 0, []
    for cells, wanted in zip(LEVELS, WANTED, strict=True):
        level = best[:, first : first + cells]
        bias.append(float(logit(yolo.CONFIDENCE) - np.quantile(level, 1 - wanted / cells)))
        first += cells
    print("SCORE_BIAS =", tuple(round(b, 3) for b in bias), "to be added to what the model has")
    counts = [len(yolo.boxes(output, undo)) for output, undo in heads]
    print("boxes a frame with the model as it is:", counts)


main()
