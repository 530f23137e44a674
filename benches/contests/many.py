"""Many videos at once: ten callers read ten frames each of fifty videos, at 256x256, as a loader of training data does.

torchcodec resizes in the decoder, or behind it with antialiasing, as its own benchmark does through torchvision; its
decoders have one thread each. Ours is bilinear without antialiasing, in one pass with the conversion to RGB.

At GOP 60 all frames asked for are keyframes, and each keyframe is asked for: the floor is what decoding these takes,
without opening, converting and resizing. All entrants have FFmpeg's decoder, so none can be faster.
"""

from dataclasses import replace

from contests import random_access
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola"
DECODER = "torchcodec-exact, Resize in the decoder"
BEHIND = "torchcodec-exact, resized behind the decoder"
FLOOR = "floor: the keyframes of one video, one thread, from memory"
KEY = "inside_median_s"


def contest(name, clip_name, about, limit, has_floor=False):
    def entrants(setting):
        clip = setting.clip(clip_name)
        videos = "4" if setting.quick else "50"
        options = ["many", clip, "--times", random_access.uniform_times(clip), "--videos", videos, "--budget", "5"]
        peer = [*tools.peer("random_access"), *options, "--library"]
        floor = [Entrant(FLOOR, [tools.engine(), "floor-decode", clip])] if has_floor else []
        return [Entrant(OURS, [tools.engine("bench_frames"), *options], runs=2),
                Entrant(DECODER, [*peer, "decoder"], runs=2), Entrant(BEHIND, [*peer, "behind"], runs=2), *floor]

    def rows(results):
        fastest = random_access.best(results, [DECODER, BEHIND])
        speed = judge.ratio(results, "torchcodec / ours", (fastest, KEY), (OURS, KEY), limit, at_least=True)
        return [replace(speed, note=f"{fastest}: {speed.note}"), *(floor_rows(results, fastest) if has_floor else []),
                *(judge.value(results, who, who, KEY) for who in (OURS, DECODER, BEHIND))]

    return Contest(name, about, entrants, rows, warm=False)


def floor_rows(results, fastest):
    one, frames = judge.per_core(results, FLOOR, "inside_cpu_s"), results.median(OURS, "inside_frames")
    keyframes = results.median(FLOOR, "inside_keyframes")
    floor = None if None in (one, frames, keyframes) else one * frames / keyframes
    return [judge.ratio(results, "ours / floor", (OURS, KEY), floor),
            judge.ratio(results, "torchcodec / floor: the most there is", (fastest, KEY), floor)]


CONTESTS = [
    contest("many-gop60", "mandelbrot10_gop60", "50 videos, 10 callers, 10 frames each at 256x256: GOP 60", 2.0,
            has_floor=True),
    contest("many-gop600", "mandelbrot10", "50 videos, 10 callers, 10 frames each at 256x256: GOP 600", 1.3),
]
