"""The usual way: ffmpeg writes keyframes as JPEG files, then Python reads them back and runs the model."""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import yolo

# Some decoders, such as VP9's, ignore -skip_frame, so other packets are dropped before the decoder.
ONLY_KEYS = ["-bsf:v", "noise=drop=not(key)"]


def extract(options, clip, folder):
    only_keys = ONLY_KEYS if options.only_keys else []
    command = [options.ffmpeg, "-nostdin", "-v", "error", *only_keys, "-skip_frame", "nokey", "-i", clip,
               "-map", "0:v:0", "-fps_mode", "passthrough", "-q:v", "2", str(folder / "%05d.jpg")]
    subprocess.run(command, check=True)
    return sorted(folder.glob("*.jpg"))


def main():
    start = time.perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("--ffmpeg", required=True)
    parser.add_argument("--only-keys", action="store_true", help="drop other packets before decoding")
    options = yolo.arguments(parser)
    session, count, found, first = None, 0, 0, None
    for clip in options.clips:
        with tempfile.TemporaryDirectory() as folder:
            files = extract(options, clip, Path(folder))
            session = session or yolo.session(options.model, options.provider, options.precision)
            for file in files:
                tensor, undo = yolo.letterbox(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
                found += len(yolo.boxes(session.run(None, {"images": tensor})[0], undo))
                first = first or time.perf_counter() - start
            count += len(files)
    print(json.dumps({"keyframes": count, "boxes": found, "first_record_s": first,
                      "wall_s": time.perf_counter() - start}))


main()
