"""Describes the machine and all versions, without names of hosts and paths."""

import os
import platform
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from harness import child, tools


def cpu_info(field):
    """A field of the first processor, as Linux lists it."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(rf"^{field}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def has_bf16():
    return bool({"avx512_bf16", "amx_bf16"} & set(cpu_info("flags").split()))


def name():
    """A short name for folders, such as `intel-xeon-2c`."""
    model = re.sub(r"\(R\)|\(TM\)|CPU|Processor|@.*", " ", cpu_info("model name") or platform.processor() or "cpu")
    return "-".join([*re.findall(r"[a-z0-9]+", model.lower()), f"{cores()}c"])


def cores():
    """The cores that this process and its children may use."""
    return len(os.sched_getaffinity(0))


def busy(seconds=2.0):
    """How many cores other processes keep busy right now."""
    before = child.busy_s()
    time.sleep(seconds)
    return (child.busy_s() - before) / seconds


def describe():
    """Lines for machine.txt."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    features = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in cpu_info("flags").split()]
    lists = sorted(tools.BENCHES.glob("requirements*.txt"))
    packages = [line for path in lists for line in path.read_text().splitlines()]
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": f"{cpu_info('model name') or platform.processor()}, family {cpu_info('cpu family')}, "
               f"model {cpu_info('model')}; {' '.join(features)}",
        "cores used": f"{cores()} of {os.cpu_count()}",
        "memory": f"{memory:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "others busy at the start": f"{busy():.2f} cores",
        "moviola": f"revision {revision()}",
        "moviola --version": said(tools.moviola, "--version"),
        "reference ffmpeg": said(tools.ffmpeg, "-version", lines=1),
        "distribution's ffmpeg": said(tools.system_ffmpeg, "-version", lines=1),
        "peers": ", ".join(line for line in packages if line and not line.startswith("#")),
    }
    return [f"{key}: {value}" for key, value in facts.items()]


def revision():
    """The commit, and whether the checkout differs from it."""
    command = ["git", "-C", str(tools.ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def said(program, option, lines=None):
    """What a program prints about its version."""
    try:
        sample = child.run([program(), option], tools.environment())
    except (tools.Missing, child.Failed, OSError) as problem:
        return redact(str(problem))
    return redact("; ".join(sample.stdout.strip().splitlines()[:lines]))


def redact(text):
    """Keeps of each path only its last part."""
    return re.sub(r"(?<![\w:/.])(?:~|\.{1,2})?/(?:[^\s/'\"]+/)*([^\s/'\"]+)", r"\1", text)
