"""Detection on every keyframe of a file, with a detector of YOLOv8n's shape and cost."""

from contests import commands
from harness import judge, machine, tools
from harness.contest import Contest, Entrant

import detector

OURS = "moviola detect"
ENGINE = "engine: streaming, then collect-then-infer"
FLOOR = "floor: decode and session.run, one thread"
JPEG = "ffmpeg, JPEG files, Python ONNX Runtime"
JPEG_CPU = JPEG + ", CPU provider"
PYAV = "PyAV, Python ONNX Runtime in memory"


def contest(provider, precision, limit_to_cpu):
    """One provider and precision; `limit_to_cpu` is the target against the usual way on the CPU provider."""
    flags = ["--provider", provider, "--precision", precision]

    def entrants(setting):
        check(precision)
        clip, model = setting.clip("main"), detector.path()
        usual = [*tools.peer("jpeg_then_detect"), clip, model, "--ffmpeg", tools.ffmpeg()]
        field = [
            Entrant(OURS, [tools.moviola(), "detect", clip, "-m", model, *flags], read=count,
                    first='"detections"'),
            Entrant(JPEG, [*usual, *flags]),
            Entrant(ENGINE, [tools.engine(), "detect", clip, "-m", model, *flags]),
            Entrant(FLOOR, [tools.engine(), "floor-detect", clip, "-m", model, *flags]),
            Entrant(PYAV, [*tools.peer("pyav_detect"), clip, model, *flags], runs=2),
        ]
        if provider != "cpu":
            field.append(Entrant(JPEG_CPU, [*usual, "--provider", "cpu", "--precision", "f32"]))
        return field

    return Contest(f"detect-{provider}-{precision}", f"1080p keyframes to boxes, {provider} provider, {precision}",
                   entrants, lambda results: rows(results, provider, limit_to_cpu))


def check(precision):
    if precision == "bf16" and not machine.has_bf16():
        raise tools.Missing("this CPU has no bfloat16 arithmetic")


def count(sample):
    found = commands.records(sample, "detections")
    return {"inside_keyframes": len(found), "inside_boxes": sum(len(record["objects"]) for record in found)}


def rows(results, provider, limit_to_cpu):
    wall, usual = (OURS, "wall_s"), JPEG if provider == "cpu" else JPEG_CPU
    floor = judge.per_core(results, FLOOR, "inside_decode_cpu_s", "inside_inference_cpu_s")
    same = [] if provider == "cpu" else [judge.ratio(results, f"wall / {JPEG}, same provider", wall, (JPEG, "wall_s"),
                                                     0.66)]
    return [
        judge.ratio(results, f"wall / {JPEG}, CPU provider", wall, (usual, "wall_s"), limit_to_cpu),
        *same,
        judge.ratio(results, "wall once the session is ready / floor", (ENGINE, "inside_wall_s"), floor, 1.05),
        judge.ratio(results, "whole process / floor", wall, floor),
        judge.ratio(results, "first record, collect-then-infer / streaming", (ENGINE, "inside_collect_first_s"),
                    (ENGINE, "inside_first_record_s"), 10, at_least=True),
        judge.ratio(results, "whole run, collect-then-infer / streaming", (ENGINE, "inside_collect_wall_s"),
                    (ENGINE, "inside_wall_s")),
        judge.value(results, "CPU time that is neither decode nor session.run", ENGINE, "inside_other_cpu_share", 5, "%",
                    100),
        judge.value(results, "session ready after", ENGINE, "inside_session_ready_s"),
        judge.value(results, "first record of the command after", OURS, "first_s"),
        judge.Row("frame counts differ (0 or 1)", commands.differing(
            results, "inside_keyframes", OURS, JPEG, PYAV, (ENGINE, "inside_frames"), (FLOOR, "inside_frames")), 0, ""),
        judge.ratio(results, "boxes, ours / PyAV's", (OURS, "inside_boxes"), (PYAV, "inside_boxes"), unit=""),
        judge.value(results, "written to disk", OURS, "written_mb", 0.1, "MB"),
    ]


CONTESTS = [contest("cpu", "f32", 0.66), contest("openvino", "f32", 0.62), contest("openvino", "bf16", 0.42)]
