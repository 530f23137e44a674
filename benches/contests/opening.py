"""Opening a video for random access: the time until all its frames are known."""

import clips
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola, exact index"
PEERS = {
    "torchcodec-exact": "torchcodec-exact",
    "torchcodec-approximate, which trusts the header": "torchcodec-approximate",
    "decord": "decord",
}
KEY = "inside_median_s"


def field(clip):
    yield Entrant(OURS, [tools.engine("bench_frames"), "open", clip], runs=3)
    for name, library in PEERS.items():
        yield Entrant(name, [*tools.peer("random_access"), "open", clip, "--library", library], runs=3)


def huge_entrants(setting):
    if not setting.huge:
        raise tools.Missing("makes a file of 5 GB; ask for it with --huge")
    return list(field(setting.clip("huge")))


def rows(results, limit=None):
    return [
        judge.value(results, "open and index, warm", OURS, KEY, limit, "ms", 1000),
        judge.value(results, "read for it", OURS, "inside_read_kb", None, "KB"),
        judge.ratio(results, "torchcodec-exact / ours", ("torchcodec-exact", KEY), (OURS, KEY)),
        *(judge.value(results, name, name, KEY, None, "ms", 1000) for name in PEERS),
        judge.ratio(results, "frames, torchcodec-exact's / ours", ("torchcodec-exact", "inside_frames"),
                    (OURS, "inside_frames"), unit=""),
    ]


CONTEST = Contest("open", "opening 100 s of 1080p30 and listing its frames",
                  lambda setting: list(field(setting.clip("main"))), rows, warm=False)
HUGE = Contest("open-huge", "opening two hours of 1080p30, 5 GB, and listing its frames", huge_entrants,
               lambda results: rows(results, 30), warm=False,
               finish=lambda: clips.place("huge").unlink(missing_ok=True))
