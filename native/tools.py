"""Running other programs with their output in a log, and progress messages."""

import os
import subprocess
import sys
import time
from pathlib import Path

from recipe import Failure

LAST_LINES = 40


def say(text: str) -> None:
    """Prints a line of progress to stderr, because stdout is for --print-env."""
    print(text, file=sys.stderr, flush=True)


def run(label: str, command: list, log: Path, cwd: Path | None = None, env: dict | None = None) -> None:
    """Runs a command with its output in `log`, and prints a line with its label and duration."""
    show = sys.stderr.isatty()
    started = time.monotonic()
    if not show:
        say(f"{label} ...")
    with open(log, "ab") as output:
        output.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        process = start(command, output, cwd, env)
        try:
            while not finished(process, 1.0 if show else None):
                print(f"\r{label} ... {minutes(started)}", end="", file=sys.stderr, flush=True)
        finally:
            process.terminate()  # no effect on a process that has ended
            process.wait()
    if process.returncode != 0:
        raise Failure(failure_report(label, process.returncode, log))
    say(f"{chr(13) if show else ''}{label}: done in {minutes(started)}")


def start(command: list, output, cwd: Path | None, env: dict | None) -> subprocess.Popen:
    """Starts a command with all output to the log; fails with a message if the program is missing."""
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is not installed, or {cwd} does not exist: {error}") from error


def finished(process: subprocess.Popen, seconds: float | None) -> bool:
    """Waits at most `seconds` for the process; returns whether it has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def minutes(started: float) -> str:
    """The time since `started`, as minutes and seconds."""
    seconds = round(time.monotonic() - started)
    return f"{seconds // 60}:{seconds % 60:02}"


def failure_report(label: str, status: int, log: Path) -> str:
    """The message of a failure: the end of the log and its path."""
    tail = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join([*tail, "", f"{label} failed with status {status}.", f"The whole log: {log}"])


def ask(command: list) -> str | None:
    """A program's output; None if it is missing or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
