"""A short clip, from the start of the process to its end: what a process costs when there is little to decode."""

from contests import commands
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola keyframes"
REFERENCE = "reference ffmpeg -discard nokey -skip_frame nokey"
SYSTEM = "distribution's ffmpeg -discard nokey -skip_frame nokey"
INSIDE = "engine, inside one process"


def entrants(setting):
    clip = setting.clip("short")
    reference = commands.ffmpeg(tools.ffmpeg(), clip, commands.NULL, discard=True)
    system = commands.ffmpeg(tools.system_ffmpeg(), clip, commands.NULL, discard=True)
    return [
        Entrant(OURS, commands.moviola_keyframes(clip), read=commands.count_moviola, first='"keyframe"'),
        Entrant(REFERENCE, reference, read=commands.count_ffmpeg),
        Entrant(SYSTEM, system, read=commands.count_ffmpeg),
        Entrant(INSIDE, [tools.engine(), "keyframes", clip]),
    ]


def rows(results):
    wall = (OURS, "wall_s")
    return [
        judge.value(results, "whole process", OURS, "wall_s", 10, "ms", 1000),
        judge.ratio(results, "wall / distribution's ffmpeg", wall, (SYSTEM, "wall_s"), 0.09),
        judge.ratio(results, "wall / reference ffmpeg", wall, (REFERENCE, "wall_s"), 0.60),
        judge.value(results, "first record out after", OURS, "first_s", None, "ms", 1000),
        judge.value(results, "first frame inside the process after", INSIDE, "inside_first_frame_s", None, "ms", 1000),
        judge.Row("keyframe counts differ (0 or 1)",
                  commands.differing(results, "inside_keyframes", OURS, REFERENCE, SYSTEM), 0, ""),
    ]


# A run takes milliseconds, as long as a delay by the scheduler: many runs are needed, and cheap.
CONTEST = Contest("short", "13 s of 270p: whole process, start to end", entrants, rows, repeats=4)
