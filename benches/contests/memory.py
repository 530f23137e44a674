"""How much memory and how much of the disk a run takes, whatever the length of the file."""

import os

import clips
import detector
from contests import commands, random_access
from harness import judge, tools
from harness.contest import Contest, Entrant

LIMIT_MB = 150
DETECT = "engine detect, model and runtime aside"
FFMPEG = "ffmpeg -discard nokey -skip_frame nokey"
RANDOM = "engine: all keyframes, then 100 random frames"


def ours(clip, io):
    return f"moviola keyframes --io {io}, {clip}"


def keyframe_entrants(setting, names, runs=2):
    """Each run starts cold, with nothing of the file in the page cache, so that what is read is seen."""
    result = []
    for name in names:
        clip = setting.clip(name)
        for io in ("mmap", "read"):
            result.append(Entrant(ours(name, io), commands.moviola_keyframes(clip, "--io", io),
                                  before=lambda clip=clip: evict(clip), read=commands.count_moviola, runs=runs))
        result.append(Entrant(f"{FFMPEG}, {name}", commands.ffmpeg(tools.ffmpeg(), clip, commands.NULL, discard=True),
                              before=lambda clip=clip: evict(clip), read=commands.count_ffmpeg, runs=runs))
    return result


def entrants(setting):
    detect = [tools.engine(), "detect", setting.clip("main"), "-m", detector.path(), "--provider", "cpu", "--precision",
              "f32"]
    return [*keyframe_entrants(setting, ("short", "low", "main")), Entrant(DETECT, detect, runs=1)]


def huge_entrants(setting):
    if not setting.huge:
        raise tools.Missing("makes a file of 5 GB; ask for it with --huge")
    return keyframe_entrants(setting, ("huge",), runs=1)


def evict(clip):
    """Drops the file from the page cache; needs no special right."""
    with open(clip, "rb") as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def keyframe_rows(results, names):
    result = []
    for name in names:
        for entrant in (ours(name, "mmap"), ours(name, "read"), f"{FFMPEG}, {name}"):
            limit = LIMIT_MB if entrant.startswith("moviola") else None
            result.append(judge.value(results, f"{entrant}: peak", entrant, "peak_rss_mb", limit, "MB"))
            result.append(judge.value(results, f"{entrant}: read from disk", entrant, "read_mb", None, "MB"))
    return result


def rows(results):
    peak, loaded = (results.median(DETECT, key) for key in ("inside_rss_peak_mb", "inside_rss_after_load_mb"))
    grown = None if None in (peak, loaded) else peak - loaded
    return [*keyframe_rows(results, ("short", "low", "main")),
            judge.Row(DETECT + ": peak", grown, LIMIT_MB, "MB", "" if grown is not None else results.failure(DETECT))]


CONTEST = Contest("memory", "memory and disk reads, cold, clips of 13 s to six minutes", entrants, rows, warm=False)
HUGE = Contest("memory-huge", "memory and disk reads, cold, two hours and 5 GB", huge_entrants,
               lambda results: keyframe_rows(results, ("huge",)),
               warm=False, finish=lambda: clips.place("huge").unlink(missing_ok=True))


def ten_entrants(setting):
    if not setting.huge:
        raise tools.Missing("makes a file of 10 GB; ask for it with --huge")
    clip = setting.clip("ten")
    times = random_access.random_times(clip, 100)
    return [Entrant(RANDOM, [tools.engine("bench_frames"), "bounded", clip, "--times", times], runs=1)]


def ten_rows(results):
    return [judge.value(results, f"{RANDOM}: peak", RANDOM, "peak_rss_mb", LIMIT_MB, "MB"),
            judge.value(results, "its peak after the keyframes", RANDOM, "inside_keyframes_peak_mb", None, "MB"),
            judge.value(results, "its keyframes", RANDOM, "inside_keyframes_s"),
            judge.value(results, "its 100 random frames", RANDOM, "inside_frames_s")]


TEN = Contest("memory-ten", "memory for random frames, four hours and 10 GB", ten_entrants, ten_rows, warm=False,
              finish=lambda: clips.place("ten").unlink(missing_ok=True))
