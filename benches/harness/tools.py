"""Where the programs, clips and libraries of the benchmark are."""

import os
import shutil
import sys
import tomllib
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "moviola"
VENV = CACHE / "bench-venv"
WORK = CACHE / "bench"


HINTS = {}


class Missing(Exception):
    """A program or file that a contest needs is not there; the text says how to get it."""


def require(path, how):
    """The path as text, if it is there."""
    if path is None or not Path(path).exists():
        raise Missing(how)
    return str(path)


def expect(path, how):
    """The path as text, whether it exists or not; `hint` says later how to get it."""
    HINTS[str(path)] = how
    return str(path)


def hint(path):
    return HINTS.get(str(path), "there is no such program")


def moviola():
    """The command under test."""
    return expect(target() / "moviola", "build the command: cargo build --release -p moviola-cli")


def engine(helper="bench"):
    """A helper that measures inside the engine, of crates/moviola/examples."""
    how = f"build the helper: cargo build --release -p moviola --example {helper}"
    return expect(target() / "examples" / helper, how)


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release"


def ffmpeg():
    """The reference FFmpeg: the project's own static build."""
    how = "set MOVIOLA_FFMPEG to the reference ffmpeg that native/build.py makes"
    return expect(setting("MOVIOLA_FFMPEG") or "reference-ffmpeg", how)


def system_ffmpeg():
    """The distribution's ffmpeg, which most people have; its x264 makes the clips."""
    return require(shutil.which("ffmpeg"), "install your distribution's ffmpeg: apt-get install -y ffmpeg")


def system_ffprobe():
    """The distribution's ffprobe, which reports durations."""
    return require(shutil.which("ffprobe"), "install your distribution's ffmpeg: apt-get install -y ffmpeg")


def peer(name):
    """The command line that runs one script of peers/ with the pinned packages."""
    python = expect(VENV / "bin" / "python", "install the peers: python3 benches/setup.py")
    return [python, str(BENCHES / "peers" / f"{name}.py")]


def onnxruntime():
    """The one ONNX Runtime library that both sides load."""
    found = sorted(VENV.glob("lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.*"))
    return require(found[0] if found else None, "install the peers: python3 benches/setup.py")


def setting(name):
    """An environment variable, or its value in .cargo/config.toml, where Cargo's own children get it from."""
    if name in os.environ:
        return os.environ[name]
    config = ROOT / ".cargo" / "config.toml"
    if not config.exists():
        return None
    value = tomllib.loads(config.read_text()).get("env", {}).get(name)
    return value.get("value") if isinstance(value, dict) else value


def environment():
    """What children inherit: one ONNX Runtime for all, no colours, no progress."""
    env = dict(os.environ, NO_COLOR="1", PYTHONDONTWRITEBYTECODE="1")
    try:
        env["ORT_DYLIB_PATH"] = onnxruntime()
    except Missing:
        print("note: no shared ONNX Runtime; Moviola will search for its own", file=sys.stderr)
    return env
