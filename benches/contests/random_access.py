"""Ten frames of a video, or its first hundred, as RGB in memory: the protocol of torchcodec's README.

Opening the file counts. Each process repeats its job after one run that doesn't count; the medians are compared.
"""

import random
from dataclasses import replace

from harness import child, judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola"
EXACT = "torchcodec-exact"
# By name: library and decoder threads, 0 for FFmpeg's choice.
PEERS = {
    EXACT: ("torchcodec-exact", 0),
    "torchcodec-exact, 1 thread": ("torchcodec-exact", 1),
    "torchcodec-approximate": ("torchcodec-approximate", 0),
    "torchcodec-approximate, 1 thread": ("torchcodec-approximate", 1),
    "decord get_batch": ("decord", 0),
    "PyAV": ("pyav", 0),
    "OpenCV, grabbing all": ("opencv-grab", 0),
    "OpenCV, seeking": ("opencv-seek", 0),
}
# Much slower: one process of each, which repeats its work, is enough.
SLOW = ("decord get_batch", "OpenCV, grabbing all", "OpenCV, seeking")
KEY = "inside_median_s"
SAME_TIME_S = 0.001


def duration(clip):
    """Seconds of the video stream."""
    command = [tools.system_ffprobe(), "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=duration",
               "-of", "csv=p=0", clip]
    return float(child.run(command, tools.environment()).stdout.split()[0])


def uniform_times(clip, count=10):
    """Evenly spread from the start on, as an option's value."""
    length = duration(clip)
    return ",".join(f"{n * length / count:.6f}" for n in range(count))


def random_times(clip, count=10):
    """Random times, the same in every run and for all entrants; not sorted."""
    length, draw = duration(clip), random.Random(0)
    return ",".join(f"{draw.random() * length:.6f}" for _ in range(count))


def tasks(clip):
    """The options that say which frames are wanted."""
    return {"uniform10": ["--times", uniform_times(clip)], "random10": ["--times", random_times(clip)],
            "first100": ["--first", "100"]}


def contest(clip_name, about, limit, first_limit=1.3, runs=3):
    """`limit` and `first_limit`: how many times as fast as the best peer Moviola must be."""
    # Each entrant's frames in its last run: their times and thumbnails.
    seen = {}

    def entrants(setting):
        clip = setting.clip(clip_name)
        return [entrant for task, wanted in tasks(clip).items() for entrant in field(clip, task, wanted)]

    def field(clip, task, wanted):
        options = ["frames", clip, *wanted]
        own = named(OURS, task)
        yield Entrant(own, [tools.engine("bench_frames"), *options], read=keep(own), runs=runs)
        for name, (library, threads) in PEERS.items():
            argv = [*tools.peer("random_access"), *options, "--library", library, "--threads", str(threads)]
            yield Entrant(named(name, task), argv, read=keep(named(name, task)), runs=1 if name in SLOW else runs)

    def keep(name):
        def read(sample):
            printed = child.last_object(sample.stdout)
            seen[name] = printed["pts"], printed["thumbnails"]
            return {}
        return read

    def rows(results):
        return [row for task in ("uniform10", "random10", "first100")
                for row in task_rows(results, task, first_limit if task == "first100" else limit, seen)]

    return Contest(f"random-{clip_name.replace('_', '-')}", about, entrants, rows, warm=False)


def named(who, task):
    return f"{task}: {who}"


def best(results, names):
    """The fastest of these entrants; the first if none has run."""
    ran = [name for name in names if results.median(name, KEY) is not None]
    return min(ran, key=lambda name: results.median(name, KEY), default=names[0])


def task_rows(results, task, limit, seen):
    """The speed against the targets, whether the frames are the same, and each entrant's time."""
    ours, peers = named(OURS, task), [named(peer, task) for peer in PEERS]
    fastest = best(results, peers)
    speed = judge.ratio(results, f"{task}: best peer / ours", (fastest, KEY), (ours, KEY), limit, at_least=True)
    times, colours = (apart(seen, ours, named(EXACT, task), what) for what in (0, 1))
    others = [peer for peer in peers if (apart(seen, ours, peer, 0) or 0) > SAME_TIME_S]
    return [
        replace(speed, note=f"{fastest.removeprefix(task + ': ')}: {speed.note}"),
        judge.Row(f"{task}: times apart from {EXACT}'s, at most", times and times * 1000, SAME_TIME_S * 1000, "ms"),
        judge.Row(f"{task}: colours apart from {EXACT}'s, 0 to 255, at most", colours, 2, ""),
        judge.Row(f"{task}: peers that give another frame", float(len(others)) if seen else None, None, "",
                  ", ".join(peer.removeprefix(task + ": ") for peer in others)),
        *(judge.value(results, name, name, KEY, None, "ms", 1000) for name in (ours, *peers)),
    ]


def apart(seen, ours, theirs, what):
    """The largest difference of a frame: in seconds, or in the mean of its thumbnail. None if one of them didn't run."""
    if ours not in seen or theirs not in seen:
        return None
    one, other = seen[ours][what], seen[theirs][what]
    if len(one) != len(other):
        return float("inf")
    if what == 0:
        return max(abs(a - b) for a, b in zip(one, other, strict=True))
    return max(sum(abs(a - b) for a, b in zip(x, y, strict=True)) / len(x) for x, y in zip(one, other, strict=True))


CONTESTS = [
    contest("main", "100 s of 1080p30 H.264, GOP 30: chosen frames as RGB", 2.0),
    contest("main250", "the same with GOPs of up to 250", None),
    contest("nasa_like", "200 s of 960x540, GOPs of up to 250: chosen frames as RGB", None),
    contest("mandelbrot10", "torchcodec's 10 s of 1080p60, GOP 600: chosen frames as RGB", 1.6),
    contest("mandelbrot120", "torchcodec's 120 s of 1080p60, GOP 600: chosen frames as RGB", 1.6, runs=2),
]
