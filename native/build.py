#!/usr/bin/env python3
"""Gets and builds the C libraries of Moviola. Run it as often as you like; see README.md beside it."""

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
    """Parses the one option, builds, and turns a failure into words."""
    parser = argparse.ArgumentParser(description="Gets and builds FFmpeg, dav1d and ONNX Runtime for Moviola.")
    parser.add_argument("--print-env", action="store_true", help="also print KEY=VALUE lines for scripts")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped politely is stopped like by Ctrl-C
    try:
        variables = make_everything()
    except Failure as failure:
        sys.exit(f"\nnative/build.py: {failure}")
    except KeyboardInterrupt:
        sys.exit("\nnative/build.py: interrupted; nothing half built was left behind.")
    if arguments.print_env:
        print("\n".join(f"{key}={value}" for key, value in variables.items()))


def make_everything() -> dict[str, str]:
    """Brings every library to where the recipe wants it and tells cargo."""
    steps = recipe.load()
    target = recipe.this_machine()
    switches = Switches.from_environment()
    root = recipe.output_root()
    root.mkdir(parents=True, exist_ok=True)
    with only_one(root):
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
def only_one(root: Path):
    """Two builds at once would do the same work twice: the second waits, and then finds everything done."""
    with open(root / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another build is running; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def new_log(root: Path) -> Path:
    """This run's log. It comes into being with its first line."""
    folder = root / "logs"
    folder.mkdir(exist_ok=True)
    return folder / time.strftime("%Y-%m-%d-%H%M%S.log")


if __name__ == "__main__":
    main()
