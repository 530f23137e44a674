"""Write an ONNX detector with YOLOv8n's shape and cost, and random weights.

The graph is written from the published architecture (layer widths 16/32/64/128/256, C2f depths 1/2/2/1, SPPF, a
two-way neck, a decoupled head with a softmax over 16 distance bins, strides 8/16/32), so that runtimes spend on it what
they spend on the real thing: 3.2 M parameters, 8.7 GFLOPs (2 x multiply-adds) at 640x640. It detects nothing of
meaning; `calibrate.py` chose the score bias below so that a few dozen boxes a frame pass the usual thresholds, which
keeps decoding, NMS and records honest.

Run: python yolo_shape.py OUT.onnx
"""

import sys

import numpy as np
import onnx
from graph import Graph

SIZE = 640
CLASSES = 80
BINS = 16
STRIDES = (8, 16, 32)
SEED = 23
# The gain of the first layer on the image's edges.
INPUT_GAIN = 6.0
# The score logits' bias at each stride, chosen by calibrate.py for SEED.
SCORE_BIAS = (-2.833, -3.215, -3.631)


def c2f(g, x, cout, n, shortcut):
    """Splits in two halves, sends one through `n` bottlenecks, and joins all intermediate results."""
    half = cout // 2
    parts = g.split(g.conv_silu(x, cout, 1), half)
    for _ in range(n):
        y = g.conv_silu(g.conv_silu(parts[-1], half, 3), half, 3)
        parts.append(g.add(parts[-1], y) if shortcut else y)
    return g.conv_silu(g.concat(parts), cout, 1)


def sppf(g, x, cout):
    """Three chained 5x5 max-pools see 5, 9 and 13 cells; all four scales are joined."""
    levels = [g.conv_silu(x, cout // 2, 1)]
    for _ in range(3):
        levels.append(g.max_pool(levels[-1], 5))
    return g.conv_silu(g.concat(levels), cout, 1)


def backbone(g, image):
    """Features at strides 8, 16 and 32."""
    x = g.conv_silu(image, 16, 3, stride=2, gain=INPUT_GAIN)
    x = c2f(g, g.conv_silu(x, 32, 3, stride=2), 32, 1, True)
    p3 = c2f(g, g.conv_silu(x, 64, 3, stride=2), 64, 2, True)
    p4 = c2f(g, g.conv_silu(p3, 128, 3, stride=2), 128, 2, True)
    p5 = c2f(g, g.conv_silu(p4, 256, 3, stride=2), 256, 1, True)
    return p3, p4, sppf(g, p5, 256)


def neck(g, p3, p4, p5):
    """Coarse features flow down to fine ones, and back up."""
    up4 = c2f(g, g.concat([g.upsample(p5), p4]), 128, 1, False)
    out3 = c2f(g, g.concat([g.upsample(up4), p3]), 64, 1, False)
    out4 = c2f(g, g.concat([g.conv_silu(out3, 64, 3, stride=2), up4]), 128, 1, False)
    out5 = c2f(g, g.concat([g.conv_silu(out4, 128, 3, stride=2), p5]), 256, 1, False)
    return out3, out4, out5


def head(g, features):
    """Distances to four sides and one score per class for every cell of every level, as [1, 84, cells]."""
    levels = []
    for x, bias in zip(features, SCORE_BIAS, strict=True):
        box = g.conv(g.conv_silu(g.conv_silu(x, 64, 3), 64, 3), 4 * BINS, 1)
        score = g.conv(g.conv_silu(g.conv_silu(x, CLASSES, 3), CLASSES, 3), CLASSES, 1, bias=bias)
        levels.append(g.reshape(g.concat([box, score]), (1, 4 * BINS + CLASSES, -1)))
    cells = g.concat(levels, axis=2)
    box, score = g.split(cells, 4 * BINS, CLASSES)
    return g.concat([boxes(g, box), g.sigmoid(score)])


def boxes(g, box):
    """Expected distance of each side, then centre and size in pixels of the input."""
    bins = g.transpose(g.reshape(box, (1, 4, BINS, -1)), (0, 2, 1, 3))
    distance = g.weighted_sum(g.softmax(bins, axis=1), np.arange(BINS, dtype=np.float32))
    left_top, right_bottom = g.split(g.reshape(distance, (1, 4, -1)), 2)
    centres, strides = cells()
    first = g.subtract(g.constant(centres), left_top)
    last = g.add(g.constant(centres), right_bottom)
    middle = g.divide(g.add(first, last), 2.0)
    return g.multiply(g.concat([middle, g.subtract(last, first)]), g.constant(strides))


def cells():
    """Centre of every cell in units of its stride, [1, 2, cells], and that stride, [1, cells]."""
    centres, strides = [], []
    for stride in STRIDES:
        axis = np.arange(SIZE // stride, dtype=np.float32) + 0.5
        y, x = np.meshgrid(axis, axis, indexing="ij")
        centres.append(np.stack([x.ravel(), y.ravel()]))
        strides.append(np.full((1, x.size), stride, dtype=np.float32))
    return np.concatenate(centres, axis=1)[None], np.concatenate(strides, axis=1)


def build():
    """The finished graph; `graph.macs` and `graph.parameters` say what it costs."""
    g = Graph(SEED)
    image = g.input("images", (1, 3, SIZE, SIZE))
    g.output(head(g, neck(g, *backbone(g, image))), "output0")
    return g


def metadata():
    """What exporters of this family write, so that readers know head, classes and input size without being told."""
    names = {i: f"class{i}" for i in range(CLASSES)}
    return {"description": "random weights in a detector's shape, for benchmarks", "task": "detect", "stride": "32",
            "batch": "1", "imgsz": str([SIZE, SIZE]), "names": str(names)}


def main():
    g = build()
    onnx.save(g.model(metadata()), sys.argv[1])
    print(f"{g.parameters / 1e6:.2f} M parameters, {2 * g.macs / 1e9:.2f} GFLOPs")


if __name__ == "__main__":
    main()
