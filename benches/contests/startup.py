"""From the start of the process to the first byte of the first file, without a model.

`peers/first_byte.py` has the kernel report the first read of the file, which doesn't slow the process down.
"""

from harness import judge, tools
from harness.contest import Contest, Entrant

WAYS = {
    "moviola bulk --keyframes": ["bulk", "--keyframes", "--format", "none"],
    "moviola keyframes": ["keyframes", "--format", "none"],
}
REFERENCE = "reference ffmpeg"
LIMIT_MS = 15


def entrants(setting):
    clip = setting.clip("short")
    watch = [*tools.peer("first_byte"), clip]
    ours = [Entrant(name, [*watch, tools.moviola(), *words, clip]) for name, words in WAYS.items()]
    return [*ours, Entrant(REFERENCE, [*watch, tools.ffmpeg(), "-v", "error", "-i", clip, "-f", "null", "-"])]


def rows(results):
    def row(name, limit=None):
        return judge.value(results, f"{name}: first byte after", name, "inside_first_byte_s", limit, "ms", 1000)
    return [*(row(name, LIMIT_MS) for name in WAYS), row(REFERENCE)]


CONTEST = Contest("startup", "from the start of the process to the first byte of the first file", entrants, rows,
                  repeats=2)
