"""Detection in Python without files: PyAV decodes keyframes to RGB arrays, and each runs through the model in turn."""

import argparse
import json
import time

import av
import yolo


def main():
    start = time.perf_counter()
    options = yolo.arguments(argparse.ArgumentParser())
    session = yolo.session(options.model, options.provider, options.precision)
    count, found, first = 0, 0, None
    with av.open(options.clips[0]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            tensor, undo = yolo.letterbox(frame.to_ndarray(format="rgb24"), None)
            found += len(yolo.boxes(session.run(None, {"images": tensor})[0], undo))
            count += 1
            first = first or time.perf_counter() - start
    print(json.dumps({"keyframes": count, "boxes": found, "first_record_s": first,
                      "wall_s": time.perf_counter() - start}))


main()
