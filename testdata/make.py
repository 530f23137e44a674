#!/usr/bin/env python3
"""Makes the clips of this folder, and README.md with the command of each.

    python3 testdata/make.py            all clips
    python3 testdata/make.py NAME...    these clips; does not write README.md

Needs ffmpeg 5.1 with libx264, libx265, libvpx and libaom, and for Python numpy and
opencv-python-headless. The clips are committed, so building and testing do not need this.
"""

import sys

import colorbars
import damage  # noqa: F401  (registers its clips)
import demo
import paff
from clips import CLIPS, clip
from recipe import EXACT, HERE, X264, cook, keyframe_packets, probe

LARGEST, LARGEST_IN_ALL = 200_000, 4_000_000
NO_PROBE = ("empty.mp4", "not_media.mp4", "moov_missing.mp4", "playlist_elsewhere.m3u8", "playlist_parent.m3u8",
            "huge_header.ivf")
INTRO = """# Test clips

All clips were made by this project. `make.py` makes them again with the distribution's ffmpeg (5.1,
which has x264, x265, libvpx and libaom) and writes this file. The clips are committed, so building
and testing need neither. In the commands `EXACT` stands for
`{exact}` and `$TMP` for a temporary folder.
Encoders differ between versions: clips made again with others have the same content and properties,
but may differ in bytes. These were made with ffmpeg 5.1.9, Python 3.11, numpy 2.4 and OpenCV 5.0.

`demo.boxes.json` has the true boxes of the objects on each keyframe of `demo.mp4`, in pixels;
`colorbars.json` has the position, colour and sample values of each bar of the `colorbars_*` clips.
"""


@clip("demo.mp4")
def demo_clip(r):
    """Ten seconds of moving shapes for the demo detector; `demo.boxes.json` has their boxes."""
    pictures, keyframes = demo.film()
    r.note("# raw frames from demo.py, into")
    r.ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{demo.WIDTH}x{demo.HEIGHT}", "-r", demo.RATE, "-i", "-",
             "-vf", "scale=out_color_matrix=bt709:out_range=tv", *X264, "-preset", "veryslow", "-crf", 29,
             "-g", demo.KEYFRAME_EVERY, "-bf", 2, "-pix_fmt", "yuv420p", "-colorspace", "bt709",
             "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv", "-movflags", "+faststart",
             *EXACT, r.name, stdin=b"".join(pictures))
    demo.write_boxes(HERE / "demo.boxes.json", keyframes)


@clip("h264_paff.ts")
def h264_paff(r):
    """Field-coded H.264, a packet per field; keyframes of an I and a P field, and of two I fields."""
    raw = r.part("paff.h264")
    r.note(f"# {raw}: bit by bit, from paff.py")
    raw.write_bytes(paff.stream())
    r.ffmpeg("-i", raw, "-c", "copy", *EXACT, r.name)


@clip("h264_paff_mixed.ts")
def h264_paff_mixed(r):
    """H.264 that codes some pictures as frames and some as two fields: one packet each, or two."""
    raw = r.part("mixed.h264")
    r.note(f"# {raw}: bit by bit, from paff.py")
    raw.write_bytes(paff.mixed_stream())
    r.ffmpeg("-i", raw, "-c", "copy", *EXACT, r.name)


for variant in colorbars.VARIANTS:
    def bars(r, variant=variant):
        colorbars.make(r, *variant)
    bars.__doc__ = "Static bars of known colours, lossless: {}, {} range, {} bits.".format(*variant)
    clip(colorbars.name_of(*variant))(bars)


def describe(name, commands):
    """The section of a clip in the README."""
    path = HERE / name
    facts = [f"{path.stat().st_size:,} bytes"]
    if name not in NO_PROBE:
        facts += stream_facts(path)
    text = " ".join(CLIPS[name].__doc__.split())
    lines = "\n".join(line.replace(" ".join(EXACT), "EXACT") for line in commands)
    return f"### {name}\n{text} ({', '.join(facts)})\n\n```sh\n{lines}\n```\n"


def stream_facts(path):
    """What ffprobe finds, so that a recipe that stopped working shows in the diff."""
    facts = []
    for stream in probe(path, "-show_streams")["streams"]:
        facts.append(stream["codec_name"])
        if stream["codec_type"] == "video":
            facts.append(f"{stream['width']}x{stream['height']} {stream.get('pix_fmt', 'of unknown format')}")
    count = len(keyframe_packets(path))
    return [*facts, f"{count} keyframe{'s' * (count != 1)}"] if count else facts


def check_sizes():
    """Clips live in the repository for ever; this keeps them small."""
    sizes = {name: (HERE / name).stat().st_size for name in CLIPS}
    for name, size in sizes.items():
        if size >= LARGEST:
            raise SystemExit(f"{name} has {size} bytes; a clip stays under {LARGEST}")
    if sum(sizes.values()) >= LARGEST_IN_ALL:
        raise SystemExit(f"the clips have {sum(sizes.values())} bytes together")
    print(f"{len(sizes)} clips, {sum(sizes.values()):,} bytes")


def main():
    names = sys.argv[1:] or sorted(CLIPS)
    sections = []
    for name in names:
        commands = cook(name, CLIPS[name])
        print(name, (HERE / name).stat().st_size, flush=True)
        sections.append(describe(name, commands))
    if sys.argv[1:]:
        return
    colorbars.write_table(HERE / "colorbars.json")
    (HERE / "README.md").write_text("\n".join([INTRO.format(exact=" ".join(EXACT)), *sections]))
    check_sizes()


if __name__ == "__main__":
    main()
