"""Every keyframe as a JPEG file: time and quality at equal size."""

import shutil

from contests import commands
from harness import child, judge, tools
from harness.contest import Contest, Entrant

OURS = "moviola keyframes -o"
NOKEY = "ffmpeg -skip_frame nokey -q:v 2"
DISCARD = "ffmpeg -discard nokey -skip_frame nokey -q:v 2"
FLOOR = "floor: decode and encode, one thread"
SSIM = "SSIM against the decoded keyframes"
FOLDER = tools.WORK / "jpeg"


def entrants(setting):
    clip = setting.clip("main")
    shutil.rmtree(FOLDER, ignore_errors=True)
    theirs, discarded = empty("theirs"), empty("discarded")
    reference = tools.ffmpeg()
    extract = commands.ffmpeg(reference, clip, [*commands.JPEG_OPTIONS, theirs / "%05d.jpg"])
    child.run(extract, tools.environment())
    quality = str(equal_quality(clip, size(theirs)))
    ssim = [*tools.peer("ssim"), clip, FOLDER / "ours" / clip.stem, theirs]
    return [
        Entrant(OURS, ours(clip, quality), before=lambda: empty("ours"), read=weigh("ours")),
        Entrant(NOKEY, extract, before=lambda: empty("theirs"), read=weigh("theirs")),
        Entrant(DISCARD, commands.ffmpeg(reference, clip, [*commands.JPEG_OPTIONS, discarded / "%05d.jpg"], True),
                before=lambda: empty("discarded"), read=weigh("discarded")),
        Entrant(FLOOR, [tools.engine(), "floor-jpeg", clip, "--quality", quality]),
        Entrant(SSIM, ssim, runs=1),
    ]


def ours(clip, quality):
    return [tools.moviola(), "keyframes", clip, "-o", FOLDER / "ours", "--format", "jpg", "--quality", quality]


def equal_quality(clip, wanted):
    """The quality at which the total size of our files is nearest to the wanted size; size grows with quality."""
    def weighed(quality):
        empty("ours")
        child.run(ours(clip, str(quality)), tools.environment())
        return size(FOLDER / "ours")
    low, high = 50, 100
    sizes = {}
    while high - low > 1:
        middle = (low + high) // 2
        try:
            sizes[middle] = weighed(middle)
        except child.Failed:
            return 90  # the run that counts will say why
        low, high = (middle, high) if sizes[middle] < wanted else (low, middle)
    return min(sizes, key=lambda quality: abs(sizes[quality] - wanted))


def empty(name):
    """A fresh folder under this name."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def weigh(name):
    """Counts files and megabytes after the run."""
    def read(_sample):
        files = list((FOLDER / name).rglob("*.jpg"))
        return {"inside_keyframes": len(files), "inside_size_mb": size(FOLDER / name) / 1e6}
    return read


def rows(results):
    wall = (OURS, "wall_s")
    floor = judge.per_core(results, FLOOR, "inside_decode_cpu_s", "inside_encode_cpu_s")
    sizes = [results.median(name, "inside_size_mb") for name in (OURS, NOKEY)]
    apart = None if None in sizes else abs(sizes[0] / sizes[1] - 1) * 100
    return [
        judge.ratio(results, "wall / " + NOKEY, wall, (NOKEY, "wall_s"), 0.54),
        judge.ratio(results, "wall / " + DISCARD, wall, (DISCARD, "wall_s")),
        judge.ratio(results, "wall / floor", wall, floor, 1.10),
        judge.Row("sizes differ by", apart, 5, "%"),
        judge.value(results, "SSIM of luma: ffmpeg's minus ours", SSIM, "inside_luma_behind", 0.002, ""),
        *(judge.value(results, f"{what}, {whose}", SSIM, f"inside_{key}_{whose}", None, "")
          for what, key in (("SSIM of luma", "luma"), ("SSIM as shown", "rgb"), ("colour error, 0 to 255", "colour"))
          for whose in ("ours", "theirs")),
        judge.Row("file counts differ (0 or 1)", commands.differing(results, "inside_keyframes", OURS, NOKEY), 0, ""),
    ]


CONTEST = Contest("jpeg", "100 s of 1080p30 H.264: every keyframe as a JPEG file, at equal size", entrants, rows)
