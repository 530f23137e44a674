"""All frames first, then the model: PyAV decodes and keeps every keyframe, then each runs through a session with the
threads that ONNX Runtime chooses by itself."""

import argparse
import json
import time

import av
import yolo


def keyframes(clip):
    with av.open(clip) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = "NONKEY"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


def main():
    start = time.perf_counter()
    options = yolo.arguments(argparse.ArgumentParser())
    pictures = keyframes(options.clips[0])
    session = yolo.session(options.model, options.provider, options.precision, threads=None)
    found, first = 0, None
    for picture in pictures:
        tensor, undo = yolo.letterbox(picture, None)
        found += len(yolo.boxes(session.run(None, {"images": tensor})[0], undo))
        first = first or time.perf_counter() - start
    print(json.dumps({"keyframes": len(pictures), "boxes": found, "first_record_s": first,
                      "wall_s": time.perf_counter() - start}))


main()
