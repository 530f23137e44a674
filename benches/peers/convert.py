"""Converts one decoded frame to a 640x640 tensor, in the usual ways, on one thread.

`swscale`     PyAV's reformat scales and converts in one go, numpy pads and reorders
`opencv`      cvtColor from the planes, resize, then numpy
`opencv-bgr`  the same from a BGR picture that something else has made: after imread
"""

import json
import statistics
import sys
import time

import av
import cv2
import numpy as np
import yolo

ROUNDS = 100


def swscale(frame):
    scale = min(yolo.SIZE / frame.height, yolo.SIZE / frame.width)
    w, h = round(frame.width * scale), round(frame.height * scale)
    small = frame.reformat(width=w, height=h, format="rgb24", interpolation="BILINEAR", threads=1).to_ndarray()
    left, top = (yolo.SIZE - w) // 2, (yolo.SIZE - h) // 2
    tensor = np.full((1, 3, yolo.SIZE, yolo.SIZE), 114 / 255, dtype=np.float32)
    np.multiply(small.transpose(2, 0, 1), np.float32(1 / 255), out=tensor[0, :, top : top + h, left : left + w])
    return tensor


def opencv(planes):
    return yolo.letterbox(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), None)[0]


def opencv_bgr(picture):
    return yolo.letterbox(picture, cv2.COLOR_BGR2RGB)[0]


def main():
    cv2.setNumThreads(1)
    clip, way = sys.argv[1:]
    with av.open(clip) as container:
        frame = next(container.decode(video=0))
    call, given = {
        "swscale": (swscale, frame),
        "opencv": (opencv, frame.to_ndarray()),
        "opencv-bgr": (opencv_bgr, frame.to_ndarray(format="bgr24")),
    }[way]
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call(given)
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps({"ms_per_frame": statistics.median(times), "ms_least": min(times), "frames": ROUNDS}))


main()
