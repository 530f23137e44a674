"""Colour bars whose every value is known, in each matrix and range that video uses.

The conversion is written out here, because the clips exist to check converters. Colours are
R'G'B' as stored: only matrix and range differ between the clips, never primaries or transfer.
"""

import json
import subprocess

import numpy as np

from recipe import EXACT

WIDTH, HEIGHT, RATE, FRAMES = 320, 180, 10, 10
COLOURS = ((235, 235, 235), (200, 190, 30), (40, 190, 200), (30, 170, 60),
           (190, 40, 180), (200, 40, 40), (40, 50, 200), (96, 96, 96))
BAR = WIDTH // len(COLOURS)
# Kr and Kb of each matrix, and the names that streams are tagged with: matrix, primaries, transfer.
MATRICES = {
    "bt601": (0.299, 0.114, "smpte170m", "smpte170m", "smpte170m"),
    "bt709": (0.2126, 0.0722, "bt709", "bt709", "bt709"),
    "bt2020": (0.2627, 0.0593, "bt2020nc", "bt2020", "bt2020-10"),
}
VARIANTS = (("bt601", "limited", 8), ("bt601", "full", 8), ("bt709", "limited", 8), ("bt709", "full", 8),
            ("bt2020", "limited", 8), ("bt2020", "limited", 10))


def name_of(matrix, span, depth):
    return f"colorbars_{matrix}_{span}{'_10bit' if depth == 10 else ''}.mp4"


def codes(colour, matrix, span, depth):
    """Y, Cb and Cr of one colour, rounded to whole codes (ITU-T H.273, section 8.3)."""
    red, green, blue = (value / 255 for value in colour)
    kr, kb = MATRICES[matrix][:2]
    y = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))
    if span == "limited":
        scaled = np.array([219 * y + 16, 224 * cb + 128, 224 * cr + 128]) * 2 ** (depth - 8)
    else:
        top = 2**depth - 1
        scaled = np.array([top * y, top * cb + 2 ** (depth - 1), top * cr + 2 ** (depth - 1)])
    return [int(code) for code in np.floor(scaled + 0.5)]


def frame(matrix, span, depth):
    """One picture of the bars as packed planes, 4:2:0. Every bar is an even number of pixels wide."""
    kind = np.uint8 if depth == 8 else "<u2"
    rows = np.repeat(np.array([codes(c, matrix, span, depth) for c in COLOURS]).T, BAR, axis=1)
    luma = np.tile(rows[0], (HEIGHT, 1))
    chroma = [np.tile(row[::2], (HEIGHT // 2, 1)) for row in rows[1:]]
    return b"".join(plane.astype(kind).tobytes() for plane in (luma, *chroma))


def make(recipe, matrix, span, depth):
    """Encodes without loss, so that a decoder must give exactly the codes in colorbars.json."""
    _, _, space, primaries, transfer = MATRICES[matrix]
    pixels = "yuv420p" if depth == 8 else "yuv420p10le"
    picture = frame(matrix, span, depth)
    recipe.note("# raw frames from colorbars.py, into")
    recipe.ffmpeg("-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE, "-i", "-",
                  "-c:v", "libx264", "-threads", 1, "-qp", 0, "-g", 5, "-bf", 0, "-colorspace", space,
                  "-color_primaries", primaries, "-color_trc", transfer,
                  "-color_range", "tv" if span == "limited" else "pc", *EXACT, recipe.name,
                  stdin=picture * FRAMES)
    check(recipe.path, picture)


def check(path, picture):
    """Decodes without any conversion and compares."""
    words = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-"]
    if subprocess.run(words, capture_output=True, check=True).stdout != picture * FRAMES:
        raise SystemExit(f"{path.name} does not decode to the codes that went in")


def write_table(path):
    """The bars' places and colours, and the codes of each clip."""
    bars = [{"x": [i * BAR, (i + 1) * BAR], "rgb": list(colour)} for i, colour in enumerate(COLOURS)]
    clips = {
        name_of(*variant): {"matrix": variant[0], "range": variant[1], "bits": variant[2],
                            "yuv": [codes(colour, *variant) for colour in COLOURS]}
        for variant in VARIANTS
    }
    lines = [f'"width": {WIDTH}', f'"height": {HEIGHT}', f'"bars": {json.dumps(bars)}']
    lines.append('"clips": {\n  ' + ",\n  ".join(f'"{name}": {json.dumps(clip)}' for name, clip in clips.items()) + "\n}")
    path.write_text("{" + ",\n".join(lines) + "}\n")
