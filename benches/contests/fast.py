"""Detection on the keyframes of one 1080p clip, 12 and 24 of them, against what two cores can do at best.

The floor is the CPU time of decoding and session.run, spread perfectly over the cores. Collect-then-infer decodes all
keyframes first, then runs the model on one after the other with as many threads as the runtime takes by itself. It is
reported beside the floor: what it is above the floor is all that anybody can save.
"""

from contests import commands, detect
from harness import judge, tools
from harness.contest import Contest, Entrant

import detector

OURS = "moviola detect"
ENGINE = "engine: streaming, then collect-then-infer"
FLOOR = "floor: decode and session.run, one thread"
FIRST = "engine: open and decode one, load, one inference"
PYTHON = "PyAV collects, then Python ONNX Runtime, its own threads"
ALLOWED_S = 0.020


def contest(keyframes, provider, precision):
    flags = ["--provider", provider, "--precision", precision]

    def entrants(setting):
        detect.check(precision)
        clip, model = setting.clip(f"keys{keyframes}"), detector.path()
        options = [clip, "-m", model, *flags]
        return [
            Entrant(OURS, [tools.moviola(), "detect", *options], read=detect.count, first='"detections"'),
            Entrant(FIRST, [tools.engine(), "first", *options]),
            Entrant(ENGINE, [tools.engine(), "detect", *options]),
            Entrant(FLOOR, [tools.engine(), "floor-detect", *options]),
            Entrant(PYTHON, [*tools.peer("collect_then_detect"), clip, model, *flags]),
        ]

    return Contest(f"fast-{keyframes}-{provider}-{precision}",
                   f"{keyframes} keyframes of 1080p to boxes, {provider} provider, {precision}", entrants, rows,
                   repeats=2)


def rows(results):
    streaming, collecting = (ENGINE, "inside_wall_s"), (ENGINE, "inside_collect_wall_s")
    floor = judge.per_core(results, FLOOR, "inside_decode_cpu_s", "inside_inference_cpu_s")
    return [
        judge.ratio(results, "wall once the session is ready / floor", streaming, floor, 1.05),
        judge.ratio(results, "whole process / floor", (OURS, "wall_s"), floor),
        judge.ratio(results, "collect-then-infer / streaming", collecting, streaming),
        judge.ratio(results, "collect-then-infer / floor: the most there is", collecting, floor),
        judge.ratio(results, f"{PYTHON} / ours, whole processes", (PYTHON, "wall_s"), (OURS, "wall_s")),
        first_record(results),
        *(judge.value(results, what, FIRST, f"inside_{key}_s") for what, key in
          (("open and decode one", "open_decode"), ("load the model", "load"), ("one inference", "inference"))),
        judge.Row("frame counts differ (0 or 1)", commands.differing(
            results, "inside_keyframes", OURS, PYTHON, (ENGINE, "inside_frames"), (FLOOR, "inside_frames")), 0, ""),
    ]


def first_record(results):
    """The time against the sum of its parts; not measured if they aren't."""
    what, predicted = "first record of the command after", results.median(FIRST, "inside_prediction_s")
    if predicted is None:
        return judge.Row(what, None, None, "s", results.failure(FIRST))
    return judge.value(results, what, OURS, "first_s", predicted + ALLOWED_S)


CONTESTS = [contest(keyframes, *way) for way in (("cpu", "f32"), ("openvino", "f32"), ("openvino", "bf16"))
            for keyframes in (12, 24)]
