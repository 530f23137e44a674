"""decord: the indices of all keyframes, then one batch of them."""

import json
import sys
import time

import decord


def main():
    start = time.perf_counter()
    reader = decord.VideoReader(sys.argv[1], ctx=decord.cpu(0))
    batch = reader.get_batch(reader.get_key_indices()).asnumpy()
    print(json.dumps({"keyframes": len(batch), "wall_s": time.perf_counter() - start}))


main()
