"""Memory and disk access of a run, for files of any length."""

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
FILES = 100
BULK_LIMIT_MB = 1500
ON_CPU, ON_OPENVINO, ALL_FRAMES = "detect on cpu", "detect on openvino", "all frames"
# The flags that say what is wanted of the files, and the budget in MB, if it isn't the default one.
BULK_RUNS = [(ON_CPU, None), (ON_CPU, 400), (ON_OPENVINO, None), (ON_OPENVINO, 400), (ALL_FRAMES, None),
             (ALL_FRAMES, 128)]


def ours(clip, io):
    return f"moviola keyframes --io {io}, {clip}"


def keyframe_entrants(setting, names, runs=2):
    """Each run starts with nothing of the file in the page cache, so that every read is counted."""
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
    """Drops the file from the page cache; needs no privileges."""
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


def bulk_name(plan, budget):
    return f"moviola bulk, {plan}, " + (f"--memory {budget}M" if budget else "the default budget")


def bulk_entrants(setting):
    files = [clips.clip(name) for name in clips.PIECES[:8 if setting.quick else FILES]]
    detect = ["--detect", detector.path(), "--precision", "f32", "--provider"]
    words = {ON_CPU: [*detect, "cpu"], ON_OPENVINO: [*detect, "openvino"],
             ALL_FRAMES: ["--frames", "--on", "all", "--format", "none"]}
    return [Entrant(bulk_name(plan, budget),
                    [tools.moviola(), "bulk", *files, *words[plan], *(["--memory", f"{budget}M"] if budget else [])],
                    runs=1)
            for plan, budget in BULK_RUNS]


def bulk_rows(results):
    return [judge.value(results, f"{bulk_name(plan, budget)}: peak", bulk_name(plan, budget), "peak_rss_mb",
                        budget or BULK_LIMIT_MB, "MB")
            for plan, budget in BULK_RUNS]


BULK = Contest("memory-bulk", f"memory, {FILES} files of 1080p in one run", bulk_entrants, bulk_rows, warm=False)


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
