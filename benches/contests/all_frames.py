"""Every frame of a clip, decoded in memory, and as RGB, against the reference ffmpeg with its own choice of threads."""

from contests import commands
from harness import judge, tools
from harness.contest import Contest, Entrant

OURS = "engine, all frames"
OURS_RGB = "engine, all frames as RGB"
FFMPEG = "ffmpeg -threads auto"
FFMPEG_RGB = "ffmpeg -threads auto, format=rgb24"


def contest(clip_name, about, limit, rgb_limit):
    def entrants(setting):
        clip = setting.clip(clip_name)
        start = [tools.ffmpeg(), "-nostdin", "-hide_banner", "-threads", "auto", "-i", clip, "-map", "0:v:0"]
        end = ["-fps_mode", "passthrough", *commands.NULL]
        engine = tools.engine("bench_frames")
        return [
            Entrant(OURS, [engine, "all", clip]),
            Entrant(FFMPEG, [*start, *end], read=count),
            Entrant(OURS_RGB, [engine, "all-rgb", clip]),
            Entrant(FFMPEG_RGB, [*start, "-vf", "format=rgb24", *end], read=count),
        ]

    def rows(results):
        frames = [results.median(name, "inside_frames") for name in (OURS, OURS_RGB, FFMPEG, FFMPEG_RGB)]
        return [
            judge.ratio(results, "wall / " + FFMPEG, (OURS, "wall_s"), (FFMPEG, "wall_s"), limit),
            judge.ratio(results, "as RGB, wall / " + FFMPEG_RGB, (OURS_RGB, "wall_s"), (FFMPEG_RGB, "wall_s"),
                        rgb_limit),
            judge.ratio(results, "CPU / " + FFMPEG, (OURS, "cpu_s"), (FFMPEG, "cpu_s")),
            judge.Row("frame counts differ (0 or 1)", None if None in frames else float(len(set(frames)) > 1), 0, ""),
        ]

    return Contest(f"all-{clip_name}", about, entrants, rows)


def count(sample):
    return {"inside_frames": commands.count_ffmpeg(sample).get("inside_keyframes", 0)}


CONTESTS = [
    contest("main", "100 s of 1080p30 H.264, GOP 30: every frame, in memory", 0.90, 0.85),
    contest("main250", "the same with GOPs of up to 250", 1.02, 0.85),
]
