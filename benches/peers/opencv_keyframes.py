"""OpenCV: it has no access to keyframes, so every frame is grabbed and one a second is retrieved."""

import json
import sys
import time

import cv2


def main():
    start = time.perf_counter()
    capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
    step = max(1, round(capture.get(cv2.CAP_PROP_FPS)))
    grabbed = retrieved = 0
    while capture.grab():
        if grabbed % step == 0:
            retrieved += bool(capture.retrieve()[0])
        grabbed += 1
    print(json.dumps({"keyframes": retrieved, "grabbed": grabbed, "wall_s": time.perf_counter() - start}))


main()
