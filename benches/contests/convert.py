"""One decoded 1080p frame is converted to a 640x640 tensor: letterboxed, RGB, planar, 0 to 1."""

from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola"
SWSCALE = "swscale (PyAV reformat), then numpy"
OPENCV = "OpenCV cvtColor and resize, then numpy"
OPENCV_BGR = "OpenCV from a BGR picture already there"
KEY = "inside_ms_per_frame"


def entrants(setting):
    clip = setting.clip("quick")
    peer = [*tools.peer("convert"), clip]
    return [
        Entrant(OURS, [tools.engine(), "convert", clip]),
        Entrant(SWSCALE, [*peer, "swscale"]),
        Entrant(OPENCV, [*peer, "opencv"]),
        Entrant(OPENCV_BGR, [*peer, "opencv-bgr"]),
    ]


def rows(results):
    ours = (OURS, KEY)
    peers = [judge.value(results, name, name, KEY, None, "ms") for name in (SWSCALE, OPENCV, OPENCV_BGR)]
    return [
        judge.value(results, "one frame, one thread", OURS, KEY, 1.5, "ms"),
        judge.ratio(results, "ours / swscale", ours, (SWSCALE, KEY), 1),
        judge.ratio(results, "ours / OpenCV", ours, (OPENCV, KEY), 1),
        *peers,
    ]


CONTEST = Contest("convert", "1080p picture to 640x640 tensor, one thread", entrants, rows)
