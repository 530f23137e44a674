"""PyAV: every keyframe with skip_frame, as its documentation shows; --rgb turns each into an RGB array."""

import json
import sys
import time

import av


def main():
    start = time.perf_counter()
    rgb = "--rgb" in sys.argv
    count, first = 0, None
    with av.open(sys.argv[1]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            if rgb:
                frame.to_ndarray(format="rgb24")
            count += 1
            first = first or time.perf_counter() - start
    print(json.dumps({"keyframes": count, "first_frame_s": first, "wall_s": time.perf_counter() - start}))


main()
