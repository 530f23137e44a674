"""Chosen frames by another library, timed in one process: `frames`, `many` callers at once, or `open` only.

Takes the options and prints the figures of the engine's helper, crates/moviola/examples/bench_frames.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import readers

THUMBNAILS = 10
SQUARES = 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mode", choices=("frames", "many", "open"))
    parser.add_argument("path")
    parser.add_argument("--library", required=True)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--times", type=lambda text: [float(time) for time in text.split(",")], default=[])
    parser.add_argument("--first", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--videos", type=int, default=50)
    parser.add_argument("--callers", type=int, default=10)
    parser.add_argument("--side", type=int, default=256)
    return parser.parse_args()


def repeated(options, work):
    """One warm-up, then runs until there are enough or the budget is spent; a warm-up that spends it counts itself."""
    start = time.perf_counter()
    result = work()
    warm_up, times = time.perf_counter() - start, []
    while len(times) < options.repeats and time.perf_counter() - start < options.budget:
        before = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - before)
    times = times or [warm_up]
    return result, {"median_s": statistics.median(times), "least_s": min(times), "repeats": len(times)}


def thumbnail(image):
    """The mean red, green and blue of each square, left to right, top to bottom."""
    down, across = (side // SQUARES for side in image.shape[:2])
    squares = image[: down * SQUARES, : across * SQUARES].reshape(SQUARES, down, SQUARES, across, 3)
    return np.round(squares.mean(axis=(1, 3), dtype=np.float64), 2).ravel().tolist()


def frames(options):
    read = readers.READERS[options.library](options.threads)
    (images, pts), figures = repeated(options, lambda: read(options.path, options.times, options.first))
    shown = min(len(images), THUMBNAILS)
    thumbnails = [thumbnail(images[n * len(images) // shown]) for n in range(shown)]
    return {**figures, "frames": len(images), "pts": pts, "thumbnails": thumbnails}


def many(options):
    read = readers.torchcodec_resize(options.library, options.side)

    def work():
        with ThreadPoolExecutor(options.callers) as pool:
            calls = [pool.submit(read, options.path, options.times, None) for _ in range(options.videos)]
            return sum(len(call.result()[0]) for call in calls)
    count, figures = repeated(options, work)
    return {**figures, "frames": count}


def open_only(options):
    opened = readers.OPENERS[options.library]()
    count, figures = repeated(options, lambda: opened(options.path))
    return {**figures, "frames": count}


def main():
    options = arguments()
    print(json.dumps({"frames": frames, "many": many, "open": open_only}[options.mode](options)))


main()
