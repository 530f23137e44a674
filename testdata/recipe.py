"""What every recipe shares: running a command and remembering it for the README."""

import json
import shlex
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The same bytes from every run: no dates, no version strings, one encoder thread.
EXACT = ["-fflags", "+bitexact", "-flags", "+bitexact", "-map_metadata", "-1"]
X264 = ["-c:v", "libx264", "-preset", "slow", "-threads", "1", "-sc_threshold", "0"]
X265_EXACT = "scenecut=0:pools=none:frame-threads=1:info=0:log-level=none"
X265 = ["-c:v", "libx265", "-preset", "slow", "-tag:v", "hvc1"]


class Recipe:
    """One clip being made: its name, its folder for parts, and the commands run so far."""

    def __init__(self, name, scratch):
        self.name, self.path, self.scratch = name, HERE / name, scratch
        self.commands = []

    def part(self, name):
        """A file that is needed on the way only."""
        return self.scratch / name

    def ffmpeg(self, *words, stdin=None):
        """Runs ffmpeg; `stdin` is the bytes piped into it."""
        words = ["ffmpeg", *map(str, words)]
        self.note(shlex.join(words))
        subprocess.run([words[0], "-v", "error", "-nostdin" if stdin is None else "-y", "-y", *words[1:]],
                       input=stdin, check=True, cwd=HERE)

    def note(self, line):
        """Records a command, or a step that is done here, for the README."""
        self.commands.append(line.replace(f"{self.scratch}/", "$TMP/").replace(f"{HERE}/", ""))

    def join(self, *parts):
        """Writes the parts, one after the other, as the clip."""
        self.note(f"cat {' '.join(str(part) for part in parts)} > {self.name}")
        self.path.write_bytes(b"".join(Path(part).read_bytes() for part in parts))

    def write(self, content, how):
        """Writes bytes made here; `how` tells in words where they come from."""
        self.note(f"# {how}")
        self.path.write_bytes(content)


def cook(name, make):
    """Runs one recipe and returns its commands."""
    with tempfile.TemporaryDirectory() as scratch:
        recipe = Recipe(name, Path(scratch))
        make(recipe)
        return recipe.commands


def picture(size="320x180", rate=25, seconds=2):
    """A moving test card as an ffmpeg input."""
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]


def tone(seconds=2, frequency=440):
    """A sine as an ffmpeg input."""
    return ["-f", "lavfi", "-i", f"sine=frequency={frequency}:sample_rate=48000:duration={seconds}"]


def probe(path, *words):
    """What ffprobe says about a file, as a dictionary."""
    words = ["ffprobe", "-v", "error", "-of", "json", *words, str(path)]
    return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)


def keyframe_packets(path):
    """Position and size in bytes of every keyframe's packet of the first video stream."""
    packets = probe(path, "-select_streams", "v:0", "-show_packets")["packets"]
    return [(int(p.get("pos", -1)), int(p["size"])) for p in packets if p["flags"].startswith("K")]
