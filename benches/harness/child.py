"""Runs one child process and measures its time, memory and disk access."""

import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import tools

TIMEOUT_S = 1800
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """The child ended with an error; the text is the last line of its standard error."""


@dataclass
class Sample:
    """One run of one child, its own children included."""

    wall_s: float
    cpu_s: float
    # Largest resident set, mapped pages included. At least this runner's own, which the kernel counts at the start.
    peak_rss_mb: float
    # From and to the disk itself, not the page cache.
    read_mb: float
    written_mb: float
    # Cores that other processes kept busy meanwhile: near 0 on an idle machine.
    others: float
    # Seconds until the first line of stdout that contains the text asked for.
    first_s: float | None
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)

    def numbers(self):
        """Everything measured, plus what the child itself printed as one line of JSON, under `inside_`."""
        own = {name: getattr(self, name) for name in ("wall_s", "cpu_s", "peak_rss_mb", "read_mb", "written_mb",
                                                      "others", "first_s")}
        printed = last_object(self.stdout)
        own.update({f"inside_{key}": value for key, value in printed.items() if is_number(value)})
        return {key: value for key, value in own.items() if value is not None}


def run(argv, env, first=None):
    """Runs the child to its end. Raises Failed if it fails."""
    argv = [str(arg) for arg in argv]
    with tempfile.TemporaryFile() as errors:
        reading, writing = os.pipe()
        files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writing, 1),
                 (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]
        busy = busy_s()
        start = time.perf_counter()
        try:
            pid = os.posix_spawn(argv[0], argv, env, file_actions=files)
        except OSError:
            os.close(reading)
            raise Failed(tools.hint(argv[0])) from None
        finally:
            os.close(writing)
        watchdog = threading.Timer(TIMEOUT_S, os.kill, (pid, 9))
        watchdog.start()
        stdout, first_s = drain(reading, first, start)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
        watchdog.cancel()
        cpu = usage.ru_utime + usage.ru_stime
        others = max(0.0, busy_s() - busy - cpu) / wall
        errors.seek(0)
        stderr = errors.read().decode(errors="replace")
    if status:
        last = stderr.strip().splitlines()[-1:] or ["no message"]
        raise Failed(f"exit status {os.waitstatus_to_exitcode(status)}: {last[0]}")
    return Sample(wall, cpu, usage.ru_maxrss / 1024, usage.ru_inblock / 2048, usage.ru_oublock / 2048, others, first_s,
                  stdout, stderr)


def drain(pipe, first, start):
    """Everything the child prints, and when the first line that contains `first` was complete."""
    text, first_s = b"", None
    wanted = first and first.encode()
    while block := os.read(pipe, 1 << 20):
        text += block
        if wanted and first_s is None and wanted in text[: text.rfind(b"\n") + 1]:
            first_s = time.perf_counter() - start
    os.close(pipe)
    return text.decode(errors="replace"), first_s


def last_object(text):
    """The last line, if it is a JSON object."""
    lines = text.strip().splitlines()
    try:
        value = json.loads(lines[-1]) if lines else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def busy_s():
    """CPU seconds that the whole machine has worked since it started, time taken by the hypervisor included."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK_S
