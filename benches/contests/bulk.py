"""Detection on twelve and on sixty short clips of many codecs: what one process for all of them saves.

What loading and frames predict: with L for loading the models and F for the floor of all frames, a process for each of
n files takes n L + F, one for all of them L + F. That all processes also start, open files and end is left out, and that
a process with few frames may have found all objects while its second model is still being loaded.
"""

import json
import shlex

import clips
import detector
from contests import commands, detect
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola bulk"
ENGINE = "engine: bulk, once the sessions are ready"
FLOOR = "floor: decode and session.run, one thread"
EACH = "moviola detect, a process for each file"
JPEG_EACH = "ffmpeg, JPEG files, Python, a process for each file"
JPEG_ONE = "ffmpeg, JPEG files, one Python process"
PERCENT = 100


def contest(count, provider, precision, jpeg_limit):
    flags = ["--provider", provider, "--precision", precision]

    def entrants(setting):
        detect.check(precision)
        files, model = [clips.clip(name) for name in clips.SHORTS[:4 if setting.quick else count]], detector.path()
        jpeg, options = tools.peer("jpeg_then_detect"), [model, *flags, "--ffmpeg", tools.ffmpeg(), "--only-keys"]
        return [
            Entrant(OURS, [tools.moviola(), "bulk", *files, "--detect", model, *flags], read=detect.count),
            Entrant(ENGINE, [tools.engine(), "bulk", *files, "-m", model, *flags]),
            Entrant(FLOOR, [tools.engine(), "floor-detect", *files, "-m", model, *flags]),
            Entrant(EACH, for_each(files, [tools.moviola(), "detect"], ["-m", model, *flags]), read=detect.count),
            Entrant(JPEG_EACH, for_each(files, jpeg, options), read=total, runs=2),
            Entrant(JPEG_ONE, [*jpeg, *files, *options], runs=2),
        ]

    return Contest(f"bulk-{count}-{provider}-{precision}",
                   f"{count} short clips of six codecs to boxes, {provider} provider, {precision}", entrants,
                   lambda results: rows(results, jpeg_limit))


def for_each(files, front, back):
    """A shell command that runs the command on one file after another."""
    front, back = (shlex.join(map(str, words)) for words in (front, back))
    return ["/bin/sh", "-ec", f'for file; do {front} "$file" {back}; done', "sh", *files]


def total(sample):
    """The sums of what all processes printed."""
    printed = [json.loads(line) for line in sample.stdout.splitlines()]
    return {f"inside_{key}": sum(one[key] for one in printed) for key in ("keyframes", "boxes")}


def rows(results, jpeg_limit):
    wall = (OURS, "wall_s")
    floor = judge.per_core(results, FLOOR, "inside_decode_cpu_s", "inside_inference_cpu_s")
    cpu = floor and floor * results.cores
    useful = judge.ratio(results, "", cpu, (ENGINE, "inside_cpu_s")).measured
    return [
        judge.ratio(results, f"{JPEG_EACH} / ours", (JPEG_EACH, "wall_s"), wall, jpeg_limit, at_least=True),
        judge.ratio(results, f"{JPEG_ONE} / ours", (JPEG_ONE, "wall_s"), wall),
        *prediction_rows(results, floor),
        judge.value(results, "CPU time in decode or session.run, once the sessions are ready", ENGINE,
                    "inside_useful_share", 95, "%", PERCENT, at_least=True),
        judge.Row("the same as one thread alone would need it: the floor's CPU time / ours",
                  useful and useful * PERCENT, unit="%"),
        judge.value(results, "cores busy, once the sessions are ready", ENGINE, "inside_busy_share", 97, "%", PERCENT,
                    at_least=True),
        judge.ratio(results, "wall once the sessions are ready / floor", (ENGINE, "inside_wall_s"), floor),
        judge.ratio(results, "whole process / floor", wall, floor),
        judge.Row("frame counts differ (0 or 1)",
                  commands.differing(results, "inside_keyframes", OURS, EACH, JPEG_EACH, JPEG_ONE), 0, ""),
        judge.ratio(results, "boxes, ours / JPEG files'", (OURS, "inside_boxes"), (JPEG_ONE, "inside_boxes"), unit=""),
        judge.value(results, "written to disk", OURS, "written_mb", 0.1, "MB"),
    ]


def prediction_rows(results, floor):
    """Against a process for each file: the measured speed-up, and the one that load time and frame time predict."""
    load, files = (results.median(ENGINE, f"inside_{key}") for key in ("load_s", "files"))
    predicted = None if None in (load, files, floor) else (files * load + floor) / (load + floor)
    measured = judge.ratio(results, f"{EACH} / ours", (EACH, "wall_s"), (OURS, "wall_s"))
    kept = None if None in (measured.measured, predicted) else measured.measured / predicted
    least = None if None in (load, floor) else load + floor
    return [measured, judge.Row("the same as loading and frames predict it", predicted),
            judge.Row("measured / predicted", kept, 0.95, at_least=True),
            judge.ratio(results, "ours / loading once and the floor", (OURS, "wall_s"), least),
            judge.value(results, "loading the models, one for each worker", ENGINE, "inside_load_s")]


CONTESTS = [contest(count, provider, "f32", limit) for provider in ("cpu", "openvino")
            for count, limit in ((12, 2.0), (60, 3.0))]
