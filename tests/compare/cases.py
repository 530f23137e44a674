"""The cases that both commands run: a matrix of commands and clips.

A case is a list of steps that run in order in an empty folder. Everything that they print and write is compared.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata"
NO_CLIPS = {".md", ".py", ".json", ".md5", ".tsv", ".onnx", ".bin", ".txt"}

# Decoding all frames of longer clips takes too long for a comparison.
SMALL, MEDIUM = 300_000, 1_200_000


@dataclass
class Step:
    """One run of the command; with `until` (file, lines, signal) it gets the signal once the file has that many lines."""

    words: list
    stdin: Path | None = None
    until: tuple | None = None
    # Run by the old command on both sides, so that the new one continues an old run.
    by_old: bool = False


@dataclass
class Case:
    name: str
    about: str
    steps: list
    files: dict = field(default_factory=dict)
    # With several workers, lines come in any order.
    unordered: bool = False
    # Only files are compared, because the output depends on when the signal came.
    results_only: bool = False


def clips(media):
    """All clips of the project, and of the shared collection if it exists."""
    folders = [TESTDATA, *([media] if media else [])]
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return [path for path in found if path.is_file() and path.suffix.lower() not in NO_CLIPS and "models" not in path.parts]


def of_clip(clip, quick):
    """The cases of one clip. Each command runs at least once with images, hashes, a model and a report."""
    name, size = str(clip), clip.stat().st_size
    detect = ["-m", "demo", "--provider", "cpu"]
    words = {
        "probe": ["probe", name],
        "probe --json": ["probe", "--json", name],
        "keyframes": ["keyframes", name, "--hash", "-o", "images"],
        "run": ["run", name, "--keyframes", "-o", "images", "--max-size", "320x320", "--detect", "demo", "--provider", "cpu",
                "--annotate", "boxes"],
    }
    if size < SMALL or not quick:
        words["frames --every"] = ["frames", name, "--every", "0.5s", "--hash"]
    if not quick:
        words |= {
            "keyframes --format png": ["keyframes", name, "--format", "png", "--max-size", "160x120", "--coded", "-o", "images"],
            "frames --index": ["frames", name, "--index", "0,5,-1,2", "--hash", "--max-size", "160x160", "-o", "images"],
            "frames --at": ["frames", name, "--at", "0.4s,0s,1s", "--hash"],
            "frames --range": ["frames", name, "--range", "0.2s..0.9s", "--hash", "--io", "mmap"],
            "detect": ["detect", name, *detect, "--conf", "0.05", "--classes", "0", "--threads", "1"],
            "debug": ["debug", name, "-o", "report", "--keyframes", "--detect", "demo", "--provider", "cpu", "--threads", "1"],
        }
    if not quick and size < MEDIUM:
        words["frames --all"] = ["frames", name, "--all", "--hash"]
        words["detect --on"] = ["detect", name, *detect, "--on", "every:0.7s,range:0s..3s", "--annotate", "boxes"]
        words["debug --on all"] = ["debug", name, "-o", "report", "--on", "every:0.3s", "--hash", "--images", "images", "--format",
                                   "jpg", "--max-size", "64x64"]
    if not quick and size < SMALL:
        for policy in ["fail", "skip", "repeat", "black"]:
            words[f"--on-damage {policy}"] = ["frames", name, "--all", "--hash", "--on-damage", policy]
        words["index cache"] = ["frames", name, "--index", "-2,1", "--hash", "--index-cache", "indexes"]
    made = [Case(f"{about} {clip.name}", about, [Step(one)]) for about, one in words.items()]
    made[-1].steps *= 2 if made[-1].about == "index cache" else 1
    if size < (SMALL if not quick else 50_000):
        from_pipe = [Step(["keyframes", "-", "--hash"], stdin=clip), Step(["frames", "-", "--every", "0.3s", "--hash"], stdin=clip)]
        made.append(Case(f"stdin {clip.name}", "stdin", from_pipe))
    return made


def usage():
    """The flags in the help, wrong usage, and commands without a clip."""
    demo = str(TESTDATA / "demo.mp4")
    commands = ["probe", "keyframes", "frames", "detect", "run", "bulk", "debug", "inspect", "doctor", "completions"]
    yield Case("help", "help", [Step(["--help"])])
    for command in commands:
        yield Case(f"{command} --help", "help", [Step([command, "--help"])])
    for shell in ["bash", "zsh", "fish"]:
        yield Case(f"completions {shell}", "completions", [Step(["completions", shell])])
    for words in WRONG:
        words = [demo if word == "DEMO" else word for word in words]
        name = " ".join(words).replace(demo, "DEMO")
        yield Case(name, f"usage: {name}", [Step(words)], files=PLANS, unordered=words[:1] == ["bulk"])
    yield Case("overwrite", "usage", [Step(["keyframes", demo, "-o", "images"])] * 2 +
               [Step(["keyframes", demo, "-o", "images", "--overwrite"])])
    yield Case("report again", "usage", [Step(["debug", demo, "--keyframes", "-o", "report"])] * 2)
    yield Case("read-only output", "usage", [Step(["keyframes", demo, "-o", "/proc/none"]),
                                             Step(["bulk", demo, "--keyframes", "-o", "/proc/none.jsonl"])])
    for name in ["stills.toml", "detect.toml", "chosen.json", "all.json"]:
        yield Case(f"plan {name}", "plans", [Step(["run", demo, "--plan", name])], files=PLANS)


PLANS = {
    "stills.toml": "[stills]\nhash = true\n",
    "detect.toml": "frames = 'keyframes'\n[detect]\nmodel = 'demo'\nprovider = 'cpu'\nconf = 0.1\nclasses = 'disc'\n",
    "chosen.json": '{"frames": {"index": [3, 0, -1]}, "stills": {"hash": true, "coded": true}}',
    "all.json": '{"frames": {"every": "0.5s", "range": "0.5s..2s"}, "on_damage": "skip", "stills": {"hash": true},'
                ' "detect": {"model": "demo", "provider": "cpu", "max_det": 1}}',
    "unknown.toml": "[stills]\ncolour = true\n",
    "broken.toml": "[stills\n",
    "images.toml": "[stills]\nformat = 'jpg'\n",
    "boxes.toml": "[detect]\nmodel = 'demo'\nannotate = 80\n",
    "nothing.toml": "frames = 'all'\n",
    "no.onnx": "this is no model",
    "list.txt": "DEMO\nnone.mp4\n\n",
}

WRONG = [
    [], ["--version"], ["doctor"], ["nonsense"], ["keyframe"], ["--verbose"],
    ["keyframes"], ["keyframes", "none.mp4"], ["keyframes", "."], ["keyframes", "-", "-"], ["keyframes", "http://127.0.0.1:1/a.mp4"],
    ["keyframes", "DEMO", "none.mp4"], ["keyframes", "DEMO", "--quality", "0"], ["keyframes", "DEMO", "--max-size", "0x1"],
    ["keyframes", "DEMO", "--format", "gif"], ["keyframes", "DEMO", "--io", "magic"], ["keyframes", "DEMO", "--max-pixels", "100"],
    ["keyframes", "DEMO", "--hwaccel", "cuda"], ["keyframes", "DEMO", "--hwaccel", "gpu"], ["keyframes", "a\x1b[31m.mp4"],
    ["keyframes", "DEMO", "-o", "no.onnx"], ["keyframes", "DEMO", "--color", "always", "none.mp4"], ["keyframes", "none.mp4", "-q"],
    ["probe", "none.mp4"], ["probe", "--json", "none.mp4", "DEMO"], ["probe", "--max-pixels", "9", "DEMO"], ["probe", "-q", "-v", "a"],
    ["frames", "DEMO"], ["frames", "DEMO", "--at", "99s", "--hash"], ["frames", "DEMO", "--index", "9999"], ["frames", "DEMO", "--at", "x"],
    ["frames", "DEMO", "--every", "0s"], ["frames", "DEMO", "--range", "2s..1s"], ["frames", "DEMO", "--all", "--every", "1s"],
    ["frames", "DEMO", "--range", "50s.."], ["frames", "DEMO", "--all", "--on-damage", "hide"],
    ["detect", "DEMO"], ["detect", "DEMO", "-m", "none.onnx"], ["detect", "DEMO", "-m", "no.onnx"], ["detect", "DEMO", "-m", "DEMO"],
    ["detect", "DEMO", "-m", "demo", "--provider", "cuda"], ["detect", "DEMO", "-m", "demo", "--provider", "fast"],
    ["detect", "DEMO", "-m", "demo", "--precision", "bf16", "--provider", "cpu"], ["detect", "DEMO", "-m", "demo", "--head", "yolox"],
    ["detect", "DEMO", "-m", "demo", "--classes", "unicorn"], ["detect", "DEMO", "-m", "demo", "--on-damage", "skip"],
    ["detect", "DEMO", "-m", "demo", "--conf", "2"], ["detect", "DEMO", "-m", "demo", "--on", "sometimes"],
    ["detect", "none.mp4", "-m", "demo"], ["detect", "DEMO", "-m", "demo", "--on", "index:1,99999"],
    ["run", "DEMO"], ["run", "DEMO", "--keyframes", "--on-damage", "skip"], ["run", "DEMO", "--plan", "none.toml"],
    ["run", "DEMO", "--annotate", "x"], ["run", "DEMO", "--detect", "demo", "--plan", "stills.toml"], ["run", "none.mp4", "--keyframes"],
    *(["run", "DEMO", "--plan", f"{name}.toml"] for name in ["unknown", "broken", "images", "boxes", "nothing"]),
    ["run", "DEMO", "--plan", "images.toml", "-o", "images"], ["run", "DEMO", "--plan", "stills.toml", "--annotate", "x"],
    ["bulk"], ["bulk", "none.mp4", "--keyframes"], ["bulk", "DEMO"], ["bulk", "none*.mp4", "--keyframes"], ["bulk", "@none", "--keyframes"],
    ["bulk", "DEMO", "--keyframes", "--resume"], ["bulk", "DEMO", "--keyframes", "--resume", "-o", "-"], ["bulk", "-", "@-", "--keyframes"],
    ["bulk", "DEMO", "--keyframes", "-o", "x.txt"], ["bulk", "DEMO", "--keyframes", "-o", "x.csv"], ["bulk", "DEMO", "--memory", "none"],
    ["bulk", "DEMO", "--keyframes", "--deadline", "3s"], ["bulk", "DEMO", "--keyframes", "--jobs", "0"],
    ["bulk", "DEMO", "--keyframes", "--resume", "-o", "none.jsonl"], ["bulk", "DEMO", "--detect", "no.onnx"],
    ["bulk", "none.mp4", "--keyframes", "--fail-fast"], ["bulk", "-", "--keyframes", "--isolate"],
    ["bulk", "DEMO", "--keyframes", "--hash", "--memory", "1M", "--jobs", "1"], ["bulk", "@list.txt", "--keyframes"],
    ["debug", "DEMO"], ["debug", "none.mp4", "-o", "report"], ["debug", ".", "-o", "report"], ["debug", "*.mp4", "-o", "report"],
    ["inspect", "demo"], ["inspect", "none.onnx"], ["inspect", "no.onnx"], ["inspect", "demo", "--head", "yolox"],
    ["run", "--mode", "bulk", "DEMO", "--keyframes"], ["run", "--mode", "debug", "--report", "r", "DEMO", "--keyframes"],
    ["run", "--mode", "fast", "DEMO", "none.mp4", "--keyframes"], ["worker", "x"],
    ["embed", "DEMO"], ["transcribe", "DEMO"], ["record", "DEMO", "out.ts"], ["repair", "DEMO"],
]


def models(media):
    """The description of each model, and the detections of those that are detectors."""
    for model in sorted(media.rglob("*.onnx")) if media else []:
        yield Case(f"inspect {model.name}", "models", [Step(["inspect", str(model)])])
        words = ["detect", str(TESTDATA / "demo.mp4"), "-m", str(model), "--provider", "cpu", "--conf", "0.1"]
        yield Case(f"detect -m {model.name}", "models", [Step(words)])


def many(media, quick):
    """Runs over many inputs: all forms of results, isolated workers, and resumed runs."""
    folder = str(TESTDATA)
    base = ["bulk", folder, "--keyframes", "--hash"]
    model = ["--detect", "demo", "--provider", "cpu"]
    images = ["--images", "images", "--annotate", "boxes", "--max-size", "200x200"]
    resumed = [*base, "--resume", "-o"]
    forms = {
        "bulk": base,
        "bulk -o X.jsonl": [*base, *model, "-o", "all.jsonl"],
        "bulk -o DIR": [*base, "-o", "records"],
        "bulk -o X.parquet": [*base, *model, "-o", "all.parquet"],
        "bulk --isolate": [*base, "--isolate", "-o", "all.jsonl"],
    }
    if not quick:
        forms |= {
            "bulk --images": [*base, *model, *images, "-o", "all.jsonl"],
            "bulk --isolate --images": [*base, *model, *images, "--isolate", "-o", "records"],
            "bulk --on": ["bulk", folder, "--on", "every:1s", "--hash", "--keyframes", "--jobs", "1"],
            "bulk --on-damage": ["bulk", folder, "--on", "index:0,3,-1", "--on-damage", "skip", "--keyframes", "-o", "all.jsonl"],
            "bulk pattern": ["bulk", f"{folder}/h264_*", f"{folder}/**/vp?.webm", "--keyframes", "--jobs", "3"],
            "bulk same stems": ["bulk", f"{folder}/h264_intra_refresh.*", "--keyframes", "--images", "images", "-o", "records"],
            "run many": ["run", f"{folder}/demo.mp4", f"{folder}/vp8.webm", f"{folder}/empty.mp4", "--keyframes", "--hash"],
            "keyframes many": ["keyframes", f"{folder}/demo.mp4", f"{folder}/vp8.webm", f"{folder}/empty.mp4", "-o", "images"],
        }
        if media:
            forms["bulk of all"] = ["bulk", str(media), "--keyframes", "--hash", "-o", "all.parquet"]
            forms["bulk --isolate of all"] = ["bulk", str(media), "--keyframes", "--hash", "--isolate", "-o", "all.jsonl"]
    for name, words in forms.items():
        yield Case(name, name, [Step(words)], unordered=True)
    listed = "\n".join(str(TESTDATA / name) for name in ["demo.mp4", "av1.mkv", "none.mp4", "demo.mp4"])
    yield Case("bulk @list", "bulk", [Step(["bulk", "@list", "--keyframes", "-o", "all.jsonl"])], {"list": listed}, unordered=True)
    yield Case("complete", "resume", [Step([*base, "-o", "all.jsonl"]), Step([*resumed, "all.jsonl"]), Step([*base, "-o", "all.jsonl"]),
                                      Step([*base, "--coded", "--resume", "-o", "all.jsonl"]),
                                      Step(["bulk", f"{folder}/demo.mp4", "--keyframes", "-o", "all.jsonl", "--overwrite"])],
               unordered=True)
    yield Case("more inputs", "resume", [Step(["bulk", f"{folder}/h264*", "--keyframes", "-o", "records"]),
                                         Step(["bulk", f"{folder}/h264*", f"{folder}/v*", "--keyframes", "--resume", "-o", "records"])],
               unordered=True)
    kills = [("SIGKILL", 2), ("SIGINT", 9)] if quick else [("SIGKILL", 1), ("SIGKILL", 12), ("SIGKILL", 40), ("SIGINT", 5), ("SIGTERM", 25)]
    for signal, lines in kills:
        for form, journal in [("all.jsonl", "all.jsonl.parts"), ("records", "records"), ("all.parquet", "all.parquet.parts")]:
            for by_old in [False, True]:
                until = (os.path.join(journal, ".moviola-journal.jsonl"), lines, signal)
                begun = Step([*base, *model, "-o", form], until=until, by_old=by_old)
                gone_on = Step([*resumed, form, *model])
                about = "an old run resumed" if by_old else "resume"
                yield Case(f"{about}: {signal} at line {lines}, {form}", about, [begun, gone_on], unordered=True, results_only=True)
    isolated = [Step([*base, "--isolate", "-o", "all.jsonl"], until=("all.jsonl.parts/.moviola-journal.jsonl", 10, "SIGKILL")),
                Step([*base, "--isolate", "--resume", "-o", "all.jsonl"])]
    yield Case("resume: isolated workers", "resume", isolated, unordered=True, results_only=True)


def all_cases(paths, media, quick, is_whole):
    """All cases of these clips, and those without a clip unless only some clips were named."""
    if is_whole:
        yield from many(media, quick)  # the longest first
        yield from usage()
        yield from models(media)
    for path in paths:
        yield from of_clip(path, quick)
