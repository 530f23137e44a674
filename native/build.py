#!/usr/bin/env python3
"""Fetches and builds the C libraries of Moviola: see README.md beside it. Repeated runs do only what is missing."""

import argparse
import fcntl
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("native/build.py needs Python 3.11 or newer (for tomllib).")

import cargo_config  # noqa: E402  (the check above must come first)
import ffmpeg  # noqa: E402
import onnxruntime  # noqa: E402
import packages  # noqa: E402
import recipe  # noqa: E402
import shared  # noqa: E402
from recipe import Failure, Switches  # noqa: E402
from tools import say  # noqa: E402


def main() -> None:
    """Parses the option, builds everything, and prints the message of a failure."""
    parser = argparse.ArgumentParser(description="Fetches and builds FFmpeg, dav1d and ONNX Runtime for Moviola.")
    parser.add_argument("--print-env", action="store_true", help="also print KEY=VALUE lines for scripts")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # handled like Ctrl-C
    try:
        variables = make_everything()
    except Failure as failure:
        sys.exit(f"\nnative/build.py: {failure}")
    except KeyboardInterrupt:
        sys.exit("\nnative/build.py: interrupted; no incomplete output was left.")
    if arguments.print_env:
        print("\n".join(f"{key}={value}" for key, value in variables.items()))


def make_everything() -> dict[str, str]:
    """Builds or fetches every library and writes cargo's configuration; returns its variables."""
    steps = recipe.load()
    target = recipe.this_machine()
    switches = Switches.from_environment()
    root = recipe.output_root()
    root.mkdir(parents=True, exist_ok=True)
    with build_lock(root):
        log = new_log(root)
        packages.ensure(steps, target, switches, log)
        target = recipe.this_machine()  # a compiler may just have been installed
        if switches.shared:
            shared.ensure(steps)
            variables = shared.environment()
        else:
            variables = cargo_config.own_ffmpeg(ffmpeg.ensure(steps, target, switches, root, log))
        variables |= cargo_config.onnxruntime(onnxruntime.ensure(steps, target, root, log))
        variables |= cargo_config.bindgen(target)
        cargo_config.write(recipe.HERE.parent, variables)
    return variables


@contextmanager
def build_lock(root: Path):
    """Allows one build at a time: a second one waits, and then finds everything built."""
    with open(root / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another build is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def new_log(root: Path) -> Path:
    """The path of this run's log, which is created with its first line."""
    folder = root / "logs"
    folder.mkdir(exist_ok=True)
    return folder / time.strftime("%Y-%m-%d-%H%M%S.log")


if __name__ == "__main__":
    main()
