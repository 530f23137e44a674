"""Checks that our keyframes are the same as ffmpeg's, bit for bit."""

import re

from contests import commands
from harness import child, judge, tools
from harness.contest import Contest, Entrant

CLIPS = ("main", "low", "short")


def entrants(setting):
    result = []
    for name in CLIPS:
        clip = setting.clip(name)
        output = ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
        hashes = frame_hashes(commands.ffmpeg(tools.ffmpeg(), clip, output))
        result.append(Entrant(name, commands.moviola_keyframes(clip, "--hash"), read=comparison(hashes), runs=1))
    return result


def frame_hashes(argv):
    """The MD5 of every frame that ffmpeg decodes."""
    text = child.run(argv, tools.environment()).stdout
    return re.findall(r"^0,.*\s([0-9a-f]{32})$", text, re.MULTILINE)


def comparison(expected):
    """Counts the frames that differ, and those that are missing or surplus."""
    def read(sample):
        ours = [record.get("md5") for record in commands.records(sample, "keyframe")]
        differ = sum(a != b for a, b in zip(ours, expected, strict=False)) + abs(len(ours) - len(expected))
        return {"inside_keyframes": len(ours), "inside_differ": differ}
    return read


def rows(results):
    return [judge.value(results, f"pictures of `{name}` that differ from ffmpeg's", name, "inside_differ", 0, "")
            for name in CLIPS]


CONTEST = Contest("pixels", "keyframes bit for bit equal to ffmpeg's", entrants, rows)
