"""Makes the clips that the contests run on, in the user's cache directory, under a hash of their recipe.

`main`   100 s of real 1080p30 footage, H.264 High at 6 Mb/s, a keyframe a second and at every cut
`quick`  the first 10 s of it, for --quick
`low`    six minutes of 1080p at a very low bit rate, with long GOPs
`short`  13 s of 270p, to measure what a process costs
`main250`, `quick250`   `main` and `quick` encoded again with up to 250 frames from keyframe to keyframe
`nasa_like`             200 s at 960x540, x264's defaults: `main` twice, in place of the NASA clip that torchcodec uses
`mandelbrot10`, `mandelbrot120`, `mandelbrot2`   torchcodec's synthetic clips of so many seconds, 600 frames a GOP
`mandelbrot10_gop60`    the same with 60
`keys12`, `keys24`      the first 11 and 18.9 s of `main`: 12 and 24 keyframes, if x264 places cuts as it did for us
`shorts/00` to `shorts/59`   real footage in six codecs and four sizes, 2 to 4 s each, a keyframe a second
`pieces/00` to `pieces/99`   3 s of `main` each, one second after the other
`huge`   two hours and 5 GB: `main` repeated; made only when asked for, deleted afterwards
`ten`    the same with 10 GB

Run: python3 benches/clips.py [NAME...]
"""

import csv
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from harness import tools

SHORTS = tuple(f"shorts/{number:02}" for number in range(60))
PIECES = tuple(f"pieces/{number:02}" for number in range(100))
NAMES = ("main", "quick", "low", "short", "main250", "nasa_like", "mandelbrot10", "mandelbrot10_gop60",
         "mandelbrot120", "keys12", "keys24", *SHORTS, *PIECES)
# Not made beforehand: the first two are for --quick, which also replaces other clips with shorter ones.
OTHERS = ("quick250", "mandelbrot2", "huge", "ten")
QUICK = {"main": "quick", "main250": "quick250", "nasa_like": "short", "mandelbrot10": "mandelbrot2",
         "mandelbrot10_gop60": "mandelbrot2", "mandelbrot120": "mandelbrot2"}
LOOPS = {"huge": 71, "ten": 132}  # 72 times 100 s is two hours
REELS = ("sam2_01_dog.mp4", "udacity_solidWhiteRight.mp4", "sam2_02_cups.mp4", "sk_bikes.mp4",
         "sam2_05_default_juggle.mp4", "decord_flipping_a_pancake.mkv", "imageio_cockatoo_444.mp4",
         "gvi_googlework_short.mp4", "intel_bottle-detection.mp4")
# Each frame of a reel is shown once, at 30 frames per second, and fills the screen; a little grain gives enlarged footage
# the fine detail of a real camera.
SCALE = ("setpts=N/30/TB,scale=1920:1080:force_original_aspect_ratio=increase:flags=bicubic,crop=1920:1080,setsar=1,"
         "noise=alls=5:allf=t,format=yuv420p,settb=1/30,fps=30")
X264 = ("-c:v libx264 -preset fast -profile:v high -b:v 6M -maxrate 9M -bufsize 12M -g 30 -bf 2 "
        "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv").split()
# Of the short clips, in turn: container and encoder. Keyframes stand 30 frames apart and nowhere else, but for MJPEG,
# in which every frame is a keyframe and which has one frame per second.
CODECS = (
    ("mp4", "libx264 -preset fast -g 30 -keyint_min 30 -sc_threshold 0"),
    ("mp4", "libx265 -preset fast -tag:v hvc1 -x265-params log-level=error:keyint=30:min-keyint=30:scenecut=0"),
    ("webm", "libvpx-vp9 -deadline realtime -cpu-used 6 -b:v 1M -g 30 -keyint_min 30"),
    ("avi", "mpeg4 -q:v 4 -g 30 -sc_threshold 1000000000"),
    ("mkv", "libsvtav1 -preset 10 -g 30"),
    ("avi", "mjpeg -q:v 3 -pix_fmt yuvj420p -r 1"),
)
SIZES = ("640:360", "854:480", "960:540", "1280:720")


def source(name):
    """A file of sources.tsv, from the folder that MOVIOLA_MEDIA names or `shared/media` beside the checkout."""
    folder = os.environ.get("MOVIOLA_MEDIA")
    folder = Path(folder) if folder else tools.ROOT.parent / "shared" / "media"
    for path in (folder / name, folder / "video" / name):
        if path.exists():
            return path
    with open(tools.BENCHES / "sources.tsv", newline="") as table:
        row = next(row for row in csv.DictReader(table, delimiter="\t") if row["file"] == name)
    where = "{source_repo} at {commit}: {source_path}".format(**row)
    raise tools.Missing(f"put {name} into a folder and name the folder in MOVIOLA_MEDIA; it comes from {where}")


def recipe(name):
    """The ffmpeg arguments between the program and its output."""
    if name == "main":
        inputs = [arg for reel in REELS for arg in ("-i", source(reel))]
        chains = "".join(f"[{i}:v:0]{SCALE}[v{i}];" for i in range(len(REELS)))
        joined = "".join(f"[v{i}]" for i in range(len(REELS)))
        graph = f"{chains}{joined}concat=n={len(REELS)}:v=1[v]"
        return [*inputs, "-filter_complex", graph, "-map", "[v]", "-t", "100", *X264]
    if name == "quick":
        return ["-i", clip("main"), "-t", "10", "-c", "copy"]
    if name in ("keys12", "keys24"):
        return ["-i", clip("main"), "-t", {"keys12": "11", "keys24": "18.9"}[name], "-c", "copy"]
    if name in SHORTS:
        return short(SHORTS.index(name))
    if name in PIECES:
        return ["-ss", str(PIECES.index(name) % 97), "-i", clip("main"), "-t", "3", "-c", "copy"]
    if name in LOOPS:
        return ["-stream_loop", str(LOOPS[name]), "-i", clip("main"), "-c", "copy"]
    if name in ("main250", "quick250"):
        return ["-i", clip(name.removesuffix("250")), *X264, "-g", "250"]
    if name == "nasa_like":
        return ["-stream_loop", "1", "-i", clip("main"), "-vf", "scale=960:540:flags=bicubic", "-c:v", "libx264"]
    if found := re.fullmatch(r"mandelbrot(\d+)(?:_gop(\d+))?", name):
        return ["-f", "lavfi", "-i", "mandelbrot=s=1920x1080", "-t", found[1], "-c:v", "libx264", "-r", "60",
                "-g", found[2] or "600", "-pix_fmt", "yuv420p"]
    if name == "short":
        return ["-i", source("tc_nasa_13013.mp4"), "-map", "0:3", "-map", "0:4", "-map_metadata", "-1", "-c", "copy"]
    raise ValueError(f"no clip is called {name}; there are {', '.join(NAMES + OTHERS)}")


def short(number):
    """One of the short clips: codec, size and length change at different rates, so that all combinations occur."""
    turn = number // len(CODECS)
    scale = f"scale={SIZES[(number + turn) % len(SIZES)]}:flags=bicubic,setsar=1"
    seconds = str(2 + (number + turn) % 3)
    return ["-ss", str(1.5 * number), "-i", clip("main"), "-t", seconds, "-vf", scale,
            "-c:v", *CODECS[number % len(CODECS)][1].split()]


def container(name):
    return CODECS[SHORTS.index(name) % len(CODECS)][0] if name in SHORTS else "mp4"


def place(name):
    """The clip's path, whether it is made yet or not. The hash covers the recipe, but not the place of its sources."""
    if name == "low":
        return source("ax_long_1080p_lowbitrate.mp4")
    words = [arg.name if isinstance(arg, Path) else arg for arg in recipe(name)]
    key = hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
    return tools.WORK / "clips" / f"{name}-{key}.{container(name)}"


def clip(name):
    """The clip's path; makes the clip first if need be."""
    path = place(name)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part" + path.suffix)
    print(f"making {path.name}", file=sys.stderr)
    front = ["-movflags", "+faststart"] if path.suffix == ".mp4" else []
    command = [tools.system_ffmpeg(), "-v", "error", "-y", *recipe(name), *front, part]
    quiet = dict(os.environ, SVT_LOG="1")  # else its AV1 encoder prints messages
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=quiet)
    part.rename(path)
    return path


if __name__ == "__main__":
    for wanted in sys.argv[1:] or NAMES:
        print(clip(wanted))
