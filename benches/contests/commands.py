"""Command lines that several contests use, and functions that count their results."""

import json
import re

from harness import tools

NULL = ["-f", "null", "-"]
JPEG_OPTIONS = ["-fps_mode", "passthrough", "-q:v", "2"]


def ffmpeg(program, clip, output, discard=False):
    """Keyframes as ffmpeg's documentation shows; `discard` drops other packets in the demuxer."""
    early = ["-discard", "nokey"] if discard else []
    return [program, "-nostdin", "-hide_banner", *early, "-skip_frame", "nokey", "-i", clip, "-map", "0:v:0", *output]


def moviola_keyframes(clip, *more):
    return [tools.moviola(), "keyframes", clip, "--format", "none", *more]


def count_ffmpeg(sample):
    """The last `frame=` of ffmpeg's progress line."""
    found = re.findall(r"frame=\s*(\d+)", sample.stderr)
    return {"inside_keyframes": int(found[-1])} if found else {}


def records(sample, kind):
    """Moviola's records of one type."""
    lines = (json.loads(line) for line in sample.stdout.splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("type") == kind]


def count_moviola(sample):
    return {"inside_keyframes": len(records(sample, "keyframe"))}


def differing(results, key, ours, *others):
    """1 if the entrants don't agree on a number, else 0; None if there is only one of them.

    Of those that call it something else, the pair of entrant and key.
    """
    own = results.median(ours, key)
    pairs = [other if isinstance(other, tuple) else (other, key) for other in others]
    seen = {results.median(*pair) for pair in pairs} - {None}
    return None if own is None or not seen else float(seen != {own})
