"""Collects what a case prints and writes, as comparable lines with times masked."""

import hashlib
import json
import os
import re
import signal
import subprocess
import time

import parquet

LIMIT_S = 300
TOO_LONG = f"killed after {LIMIT_S} s"
IMAGES = {".jpg", ".png"}

# Lines and numbers of standard error that depend on time and on the machine.
LEFT_OUT = [
    re.compile(r"^[\d,]+ files?, [\d,]+ at work"),  # progress, every ten seconds
    re.compile(r"memory were taken where|the run took up to .* of memory"),
    re.compile(r"of memory (were|are) too little for all"),
    re.compile(r"of memory are in use|memory is short"),
]
MASKED = [
    (re.compile(r'"elapsed":[-+.e\d]+'), '"elapsed":0'),
    (re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", re.M), "now"),
    (re.compile(r"frames in [\d.]+ s; the report"), "frames in T s; the report"),
    (re.compile(r"\d+ (were done before|sources? (was|were) done in an earlier run)"), "N were done before"),
]


def run_case(case, binaries, folder):
    """Runs the steps in `folder`; `binaries` are the compared command and the old one."""
    folder.mkdir(parents=True)
    for name, text in case.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = {}
    for number, step in enumerate(case.steps):
        code, out, err = run_step(step, binaries[step.by_old], folder)
        if code == TOO_LONG:
            return {"exit code": [code]}
        if step.until or (case.results_only and number):
            # The rest of the output depends on the time of the signal.
            found[f"exit code {number}"] = ["signalled" if step.until else "0 or 3" if code in (0, 2, 3) else str(code)]
            continue
        found[f"exit code {number}"] = [str(code)]
        found[f"stdout {number}"] = printed(out, case.unordered)
        lines = [line for line in masked(err).split("\n") if not any(p.search(line) for p in LEFT_OUT)]
        found[f"stderr {number}"] = sorted(lines) if case.unordered else lines
    found["files"] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and str(p.relative_to(folder)) not in case.files):
        name = str(path.relative_to(folder))
        found["files"].append(kept_name(name))
        kind, lines = content(path)
        if kind:
            found[f"{kind} {name}"] = lines
    return found


def kept_name(name):
    """Masks the names of indexes, which are hashes without a meaning for others."""
    return re.sub(r"^indexes/.*", "indexes/*", name)


def run_step(step, binary, folder):
    words, stdin = ["moviola", *step.words], open(step.stdin, "rb") if step.stdin else subprocess.DEVNULL
    with open(folder.parent / f"{folder.name}.out", "w+b") as out, open(folder.parent / f"{folder.name}.err", "w+b") as err:
        child = subprocess.Popen(words, executable=binary, cwd=folder, stdin=stdin, stdout=out, stderr=err)
        try:
            if step.until:
                signal_at(child, folder / step.until[0], step.until[1], getattr(signal, step.until[2]))
            code = child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            code = TOO_LONG
        finally:
            if step.stdin:
                stdin.close()
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(errors="backslashreplace"), err.read().decode(errors="backslashreplace")


def signal_at(child, journal, lines, number):
    """Sends the signal once the journal has that many lines, unless the run ends before."""
    end = time.monotonic() + LIMIT_S
    while child.poll() is None and time.monotonic() < end:
        try:
            with open(journal, "rb") as file:
                if sum(1 for _ in file) >= lines:
                    child.send_signal(number)
                    return
        except OSError:
            pass
        time.sleep(0.001)


def masked(text):
    for pattern, replacement in MASKED:
        text = pattern.sub(replacement, text)
    return text


def printed(text, unordered):
    lines = masked(text).split("\n")
    return sorted(lines, key=source_of) if unordered else lines


def source_of(line):
    """Sorts records by source, because records of several sources come in any order."""
    try:
        record = json.loads(line)
        return record.get("source", "\uffff")
    except (ValueError, AttributeError):
        return ""


def content(path):
    """The kind of a file's contents, and its lines."""
    if path.suffix in IMAGES:
        return "image", [hashlib.md5(path.read_bytes()).hexdigest()]
    if path.suffix == ".parquet":
        return "table", table(path.read_bytes())
    if path.suffix == ".jsonl" and not path.name.startswith("."):
        return "records", masked(path.read_text(encoding="utf-8", errors="backslashreplace")).split("\n")
    if path.name == "report.html":
        return "report", report(path.read_text(encoding="utf-8"))
    if path.name == "trace.json":
        return "trace", trace(path.read_text(encoding="utf-8"))
    return None, []


def table(data):
    found, schema = parquet.columns(data)
    lines = schema[:]
    for path, values in found.items():
        shown = [len(values)] if path == "elapsed" else [repr(value) for value in values]
        lines += [f"{path} {value}" for value in shown]
    return lines


def report(text):
    """The page's text without numbers, which are times; of its JSON data only the keys are compared."""
    data = re.search(r'<script[^>]*application/json[^>]*>(.*?)</script>', text, re.S)
    lines = re.sub(r"\d+(\.\d+)?", "#", text.replace(data.group(1), "") if data else text).split("\n")
    return lines + (sorted(shape(json.loads(data.group(1)))) if data else [])


def shape(value, path=""):
    """The paths of all keys, and the strings without numbers."""
    if isinstance(value, dict):
        return set().union({path}, *(shape(one, f"{path}.{key}") for key, one in value.items()))
    if isinstance(value, list):
        return set().union({path}, *(shape(one, f"{path}[]") for one in value))
    return {f"{path}: {type(value).__name__}"}


def trace(text):
    """The kinds of spans, counters and threads, without their numbers and times."""
    events = json.loads(text)
    events = events.get("traceEvents", []) if isinstance(events, dict) else events
    names = {f"{event.get('ph')} {event.get('cat')} {re.sub(r'[0-9]+', '#', str(event.get('name')))}" for event in events}
    return sorted(names)


def environment():
    """The environment without the caller's variables that change the output."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS")}
    os.environ.clear()
    os.environ.update(kept | {"LC_ALL": "C.UTF-8"})
