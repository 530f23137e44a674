"""The usual way: ffmpeg writes keyframes as JPEG files, then Python reads them back and runs the model."""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import yolo


def extract(ffmpeg, clip, folder):
    command = [ffmpeg, "-nostdin", "-v", "error", "-skip_frame", "nokey", "-i", clip, "-map", "0:v:0", "-fps_mode",
               "passthrough", "-q:v", "2", str(folder / "%05d.jpg")]
    subprocess.run(command, check=True)
    return sorted(folder.glob("*.jpg"))


def main():
    start = time.perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("--ffmpeg", required=True)
    options = yolo.arguments(parser)
    found, first = 0, None
    with tempfile.TemporaryDirectory() as folder:
        files = extract(options.ffmpeg, options.clip, Path(folder))
        extracted = time.perf_counter() - start
        session = yolo.session(options.model, options.provider, options.precision)
        ready = time.perf_counter() - start
        for file in files:
            tensor, undo = yolo.letterbox(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
            found += len(yolo.boxes(session.run(None, {"images": tensor})[0], undo))
            first = first or time.perf_counter() - start
    print(json.dumps({"keyframes": len(files), "boxes": found, "extracted_s": extracted, "session_ready_s": ready,
                      "first_record_s": first, "wall_s": time.perf_counter() - start}))


main()
