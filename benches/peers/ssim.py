"""The similarity of two folders of JPEGs to the keyframes they were made from, averaged over every fourth image.

`luma` is the SSIM of each file's Y plane against the Y that its writer meant to store: for ours BT.601 luma of the
picture's colours, as JPEG wants it; for ffmpeg's the picture's own BT.709 luma, which it stores unchanged but for the
range. That compares the encoders alone. `rgb` is the SSIM of what a viewer shows, and `colour` how far, from 0 to 255,
the averages of 16x16 blocks are off: there ffmpeg's missing matrix counts.
"""

import json
import sys
from pathlib import Path

import av
import cv2
import numpy as np

STEP = 4
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
BT601 = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def ssim(a, b):
    """Mean structural similarity of two planes of 0 to 255; 11x11 Gaussian window, sigma 1.5."""
    def blur(x):
        return cv2.GaussianBlur(x, (11, 11), 1.5)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + C1) * (2 * both + C2)
    return float((top / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))).mean())


def shown(y, u, v):
    """RGB of BT.709 limited-range 4:2:0 planes."""
    y = (y.astype(np.float32) - 16) * (255 / 219)
    u, v = (cv2.resize(c.astype(np.float32), y.shape[::-1], interpolation=cv2.INTER_LINEAR) - 128 for c in (u, v))
    u, v = u * (255 / 224), v * (255 / 224)
    rgb = np.stack([y + 1.5748 * v, y - 0.1873 * u - 0.4681 * v, y + 1.8556 * u], axis=2)
    return np.clip(rgb, 0, 255), np.clip(y, 0, 255)


def planes(frame):
    """The three planes of a 4:2:0 frame, without padding."""
    rows = frame.to_ndarray()
    h, w = frame.height, frame.width
    chroma = rows[h:].reshape(2, h // 2, w // 2)
    return rows[:h], chroma[0], chroma[1]


def luma_plane(path):
    """The Y plane as it is stored in a JPEG."""
    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
        return np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)[:, : frame.width].astype(np.float32)


def blocks(rgb):
    return cv2.resize(rgb, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)


def compare(frame, ours, theirs):
    """The six figures of one image, ours and theirs in turn."""
    rgb, luma = shown(*planes(frame))
    files = [np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1], dtype=np.float32) for path in (ours, theirs)]
    similar = [np.mean([ssim(rgb[:, :, c], file[:, :, c]) for c in range(3)]) for file in files]
    off = [np.abs(blocks(rgb) - blocks(file)).mean() for file in files]
    return ssim(rgb @ BT601, luma_plane(ours)), ssim(luma, luma_plane(theirs)), *similar, *off


def main():
    clip, *folders = sys.argv[1:]
    ours, theirs = (sorted(Path(folder).glob("*.jpg")) for folder in folders)
    figures = []
    with av.open(clip) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for i, frame in enumerate(container.decode(stream)):
            if i % STEP == 0:
                figures.append(compare(frame, ours[i], theirs[i]))
    names = [f"{what}_{whose}" for what in ("luma", "rgb", "colour") for whose in ("ours", "theirs")]
    result = dict(zip(names, map(float, np.mean(figures, axis=0)), strict=True))
    result["luma_behind"] = result["luma_theirs"] - result["luma_ours"]
    print(json.dumps(result))


main()
