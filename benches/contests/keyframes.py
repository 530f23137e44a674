"""Every keyframe of a clip, decoded, in memory."""

from contests import commands
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola keyframes"
INSIDE = "engine, inside one process"
NOKEY = "ffmpeg -skip_frame nokey"
DISCARD = "ffmpeg -discard nokey -skip_frame nokey"
FLOOR = "floor: one context, one thread, from memory"


def main_entrants(setting):
    clip = setting.clip("main")
    peers = [
        Entrant("PyAV NONKEY", [*tools.peer("pyav_keyframes"), clip], runs=3),
        Entrant("PyAV NONKEY to RGB", [*tools.peer("pyav_keyframes"), clip, "--rgb"], runs=3),
        Entrant("decord get_batch of key indices", [*tools.peer("decord_keyframes"), clip], runs=2),
        Entrant("OpenCV, one frame a second", [*tools.peer("opencv_keyframes"), clip], runs=2),
    ]
    return [*engines(clip), *peers]


def engines(clip):
    """Moviola, both invocations of both FFmpegs, and the floor."""
    reference, system = tools.ffmpeg(), tools.system_ffmpeg()
    count = commands.count_ffmpeg
    return [
        Entrant(OURS, commands.moviola_keyframes(clip), read=commands.count_moviola),
        Entrant(NOKEY, commands.ffmpeg(reference, clip, commands.NULL), read=count),
        Entrant(DISCARD, commands.ffmpeg(reference, clip, commands.NULL, discard=True), read=count),
        Entrant(FLOOR, [tools.engine(), "floor-decode", clip]),
        Entrant(INSIDE, [tools.engine(), "keyframes", clip]),
        Entrant("distribution's " + NOKEY, commands.ffmpeg(system, clip, commands.NULL), read=count, runs=3),
        Entrant("distribution's " + DISCARD, commands.ffmpeg(system, clip, commands.NULL, discard=True), read=count,
                runs=3),
    ]


def rows(results):
    wall = (OURS, "wall_s")
    floor = judge.per_core(results, FLOOR, "inside_cpu_s")
    return [
        judge.ratio(results, "wall / " + NOKEY, wall, (NOKEY, "wall_s"), 0.50),
        judge.ratio(results, "wall / " + DISCARD, wall, (DISCARD, "wall_s"), 0.95),
        judge.ratio(results, "wall / floor", wall, floor, 1.08),
        judge.ratio(results, "wall inside the process / floor", (INSIDE, "inside_wall_s"), floor),
        judge.value(results, "first frame after", INSIDE, "inside_first_frame_s"),
        judge.Row("keyframe counts differ (0 or 1)",
                  commands.differing(results, "inside_keyframes", OURS, NOKEY, DISCARD, FLOOR), 0, ""),
        judge.value(results, "written to disk", OURS, "written_mb", 0.1, "MB"),
    ]


CONTEST = Contest("keyframes", "100 s of 1080p30 H.264: every keyframe decoded, in memory", main_entrants, rows)
LOW = Contest("keyframes-low", "six minutes of 1080p at a very low bit rate, long GOPs: every keyframe, in memory",
              lambda setting: engines(setting.clip("low")),
              lambda results: [judge.Row(row.what, row.measured, None, row.unit, row.note) for row in rows(results)])
