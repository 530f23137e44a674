"""Running other programs: quiet while they work, and a useful last word when they fail."""

import os
import subprocess
import sys
import time
from pathlib import Path

from recipe import Failure

LAST_LINES = 40


def say(text: str) -> None:
    """One line of progress. It goes to stderr, because stdout belongs to --print-env."""
    print(text, file=sys.stderr, flush=True)


def run(label: str, command: list, log: Path, cwd: Path | None = None, env: dict | None = None) -> None:
    """Runs a command with its output in `log`, and shows one line: what runs, then how long it took."""
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
            process.terminate()  # does nothing to a process that has ended
            process.wait()
    if process.returncode != 0:
        raise Failure(failure_report(label, process.returncode, log))
    say(f"{chr(13) if show else ''}{label}: done in {minutes(started)}")


def start(command: list, output, cwd: Path | None, env: dict | None) -> subprocess.Popen:
    """Starts a command whose every word goes to the log; a program that is missing is said as such."""
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
        raise Failure(f"{command[0]} is not installed, or {cwd} is gone: {error}") from error


def finished(process: subprocess.Popen, seconds: float | None) -> bool:
    """Waits for the process, at most `seconds` long."""
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
    """What went wrong in the program's own words: the end of its log, and where the rest of it is."""
    tail = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join([*tail, "", f"{label} failed with status {status}.", f"The whole log: {log}"])


def ask(command: list) -> str | None:
    """What a program prints, or None when it is missing or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
