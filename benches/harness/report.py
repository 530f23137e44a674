"""Prints the results, and archives them under benches/results."""

import json
import statistics
from datetime import UTC, datetime

from harness import machine, tools

RUN_KEYS = {"wall_s": "wall, s", "cpu_s": "CPU, s", "peak_rss_mb": "peak, MB", "inside_keyframes": "frames"}


def table(header, rows):
    """A Markdown table with aligned columns."""
    cells = [header, ["-"] * len(header), *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    cells[1] = ["-" * width for width in widths]
    return ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in cells]


def section(contest, results, rows):
    """One contest: its rows, then each entrant's figures."""
    lines = [f"## {contest.name}", "", contest.about + ".", ""]
    if contest.name in results.failures:
        return [*lines, f"Not run: {machine.redact(results.failures[contest.name])}.", ""]
    verdict = [[machine.redact(cell) for cell in row.cells()] for row in rows]
    lines += table(["what", "target", "measured", "", "note"], verdict)
    return [*lines, "", *table(["entrant (medians)", *RUN_KEYS.values(), "wall least, s", "others, cores"],
                               [entrant_row(results, name) for name in results.runs]), ""]


def entrant_row(results, name):
    if not results.runs[name]:
        return [name, *["not run"] + [""] * (len(RUN_KEYS) + 1)]
    medians = [results.median(name, key) for key in RUN_KEYS]
    if medians[-1] is None:
        medians[-1] = results.median(name, "inside_frames")
    extra = [results.least(name), results.median(name, "others")]
    return [name, *("" if number is None else short(number) for number in [*medians, *extra])]


def short(number):
    """Three digits after the point for seconds, none for whole numbers."""
    return f"{number:.0f}" if float(number).is_integer() or number >= 100 else f"{number:.3f}"


def archive(facts, sections, raw):
    """Writes summary.md, results.json and machine.txt; returns their folder's name."""
    folder = new_folder(tools.BENCHES / "results", f"{datetime.now(UTC):%Y-%m-%d}-{machine.name()}")
    head = ["# Side by side", "", "Medians of interleaved runs; see the README in benches for what each row means.", ""]
    (folder / "summary.md").write_text("\n".join([*head, *(line for part in sections for line in part)]))
    (folder / "results.json").write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
    (folder / "machine.txt").write_text("\n".join(facts) + "\n")
    return folder.relative_to(tools.ROOT)


def new_folder(parent, name):
    """A second archive of one day gets a number; none is overwritten."""
    for number in range(1, 100):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
    raise FileExistsError(name)


def noise(everything):
    """A line for machine.txt: how busy other processes kept the machine during the measurement."""
    seen = [run["others"] for part in everything.values() for runs in part["runs"].values() for run in runs]
    if not seen:
        return "others busy during the runs: nothing ran"
    return f"others busy during the runs: {statistics.median(seen):.2f} cores (median), {max(seen):.2f} at worst"


def raw(results, rows):
    """Everything measured, for results.json."""
    words = {name: machine.redact(" ".join(map(str, argv))) for name, argv in results.commands.items()}
    return {
        "commands": words,
        "runs": results.runs,
        "failures": {name: machine.redact(text) for name, text in results.failures.items()},
        "rows": [{"what": row.what, "measured": row.measured, "limit": row.limit, "unit": row.unit,
                  "passed": row.passed, "note": machine.redact(row.note)} for row in rows],
    }
