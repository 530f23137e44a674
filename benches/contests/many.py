"""Many videos at once: ten callers read ten frames each of fifty videos, at 256x256, as a loader of training data does.

torchcodec resizes in the decoder, or behind it with antialiasing, as its own benchmark does through torchvision; its
decoders have one thread each. Ours is bilinear without antialiasing, in one pass with the conversion to RGB.
"""

from dataclasses import replace

from contests import random_access
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola"
DECODER = "torchcodec-exact, Resize in the decoder"
BEHIND = "torchcodec-exact, resized behind the decoder"
KEY = "inside_median_s"


def contest(name, clip_name, about, limit):
    def entrants(setting):
        clip = setting.clip(clip_name)
        videos = "4" if setting.quick else "50"
        options = ["many", clip, "--times", random_access.uniform_times(clip), "--videos", videos, "--budget", "5"]
        peer = [*tools.peer("random_access"), *options, "--library"]
        return [Entrant(OURS, [tools.engine("bench_frames"), *options], runs=2),
                Entrant(DECODER, [*peer, "decoder"], runs=2), Entrant(BEHIND, [*peer, "behind"], runs=2)]

    def rows(results):
        fastest = random_access.best(results, [DECODER, BEHIND])
        speed = judge.ratio(results, "torchcodec / ours", (fastest, KEY), (OURS, KEY), limit, at_least=True)
        return [replace(speed, note=f"{fastest}: {speed.note}"),
                *(judge.value(results, who, who, KEY) for who in (OURS, DECODER, BEHIND))]

    return Contest(name, about, entrants, rows, warm=False)


CONTESTS = [
    contest("many-gop60", "mandelbrot10_gop60", "50 videos, 10 callers, 10 frames each at 256x256: GOP 60", 2.0),
    contest("many-gop600", "mandelbrot10", "50 videos, 10 callers, 10 frames each at 256x256: GOP 600", 1.3),
]
