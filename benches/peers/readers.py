"""How each library reads chosen frames of a video as RGB, the way its own documentation and torchcodec's benchmark do.

A reader is called with a path and what is wanted: times in seconds, or the number of first frames. It gives images of
height, width, 3, and the time of each where the library tells it. Its module is loaded before it is timed.
"""


def torchcodec(seek_mode, threads):
    """VideoDecoder of a seek mode; 0 threads lets FFmpeg choose."""
    from torchcodec.decoders import VideoDecoder

    def read(path, times, first):
        decoder = VideoDecoder(path, seek_mode=seek_mode, num_ffmpeg_threads=threads, dimension_order="NHWC")
        batch = decoder.get_frames_played_at(times) if first is None else decoder.get_frames_in_range(0, first)
        return batch.data.numpy(), batch.pts_seconds.tolist()
    return read


def torchcodec_open(seek_mode):
    """Only what VideoDecoder does when it is made: the exact mode looks at every packet."""
    from torchcodec.decoders import VideoDecoder
    return lambda path: len(VideoDecoder(path, seek_mode=seek_mode))


def torchcodec_resize(where, side):
    """For many callers: one thread a decoder. Resized by the decoder, or behind it as torchvision does."""
    import torch
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    def read(path, times, _first):
        transforms = [Resize((side, side))] if where == "decoder" else None
        decoder = VideoDecoder(path, num_ffmpeg_threads=1, transforms=transforms)
        batch = decoder.get_frames_played_at(times).data
        if where != "decoder":
            batch = torch.nn.functional.interpolate(batch, size=(side, side), mode="bilinear", antialias=True)
        return batch, None
    return read


def decord():
    """get_batch of indices."""
    import decord as library

    def read(path, times, first):
        reader = library.VideoReader(path, ctx=library.cpu(0))
        rate = reader.get_avg_fps()
        # A millionth of a frame later: rounding must not select the frame before.
        indices = list(range(first)) if first is not None else [int(time * rate + 1e-6) for time in times]
        return reader.get_batch(indices).asnumpy(), [float(reader.get_frame_timestamp(index)[0]) for index in indices]
    return read


def decord_open():
    import decord as library
    return lambda path: len(library.VideoReader(path, ctx=library.cpu(0)))


def pyav():
    """Seek to the keyframe before each time, then decode up to it; times in ascending order."""
    import av
    import numpy as np

    def read(path, times, first):
        with av.open(path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            if first is not None:
                decoded = container.decode(stream)
                frames = [next(decoded) for _ in range(first)]
                return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [f.time for f in frames]
            found = {place: played_at(container, stream, times[place]) for place in
                     sorted(range(len(times)), key=times.__getitem__)}
            frames = [found[place] for place in range(len(times))]
            return np.stack([image for image, _ in frames]), [time for _, time in frames]

    def played_at(container, stream, time):
        """The last frame that begins at or before a time."""
        container.seek(int(time / stream.time_base), stream=stream)
        last = None
        for frame in container.decode(stream):
            if last is not None and frame.time > time + 1e-9:
                break
            last = frame
        return last.to_ndarray(format="rgb24"), last.time
    return read


def opencv(seek):
    """Grab every frame and retrieve those wanted, as torchcodec's benchmark does; or set the position of each."""
    import cv2
    import numpy as np

    def read(path, times, first):
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        rate = capture.get(cv2.CAP_PROP_FPS)
        indices = list(range(first)) if first is not None else [int(time * rate + 1e-6) for time in times]
        found = dict(sought(capture, indices) if seek and first is None else grabbed(capture, indices))
        return np.stack([found[index][0] for index in indices]), [found[index][1] for index in indices]

    def sought(capture, indices):
        for index in sorted(set(indices)):
            capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            capture.grab()
            yield index, retrieved(capture)

    def grabbed(capture, indices):
        wanted = set(indices)
        for index in range(max(wanted) + 1):
            if not capture.grab():
                raise EOFError(f"OpenCV ends before frame {index}")
            if index in wanted:
                yield index, retrieved(capture)

    def retrieved(capture):
        time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB), time
    return read


READERS = {
    "torchcodec-exact": lambda threads: torchcodec("exact", threads),
    "torchcodec-approximate": lambda threads: torchcodec("approximate", threads),
    "decord": lambda _threads: decord(),
    "pyav": lambda _threads: pyav(),
    "opencv-grab": lambda _threads: opencv(seek=False),
    "opencv-seek": lambda _threads: opencv(seek=True),
}
OPENERS = {
    "torchcodec-exact": lambda: torchcodec_open("exact"),
    "torchcodec-approximate": lambda: torchcodec_open("approximate"),
    "decord": decord_open,
}
