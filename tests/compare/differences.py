"""The differences between the old and the new results of a case, by line and by field."""

import difflib
import json
import re
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A difference; `old` is None for something only in the new results, and `new` the other way round."""

    kind: str
    about: str
    old: str | None
    new: str | None


def of_case(case, old, new):
    """All differences of a case's results."""
    found = []
    if "exit code" in old or "exit code" in new:  # one was killed: nothing else can be compared
        return [Difference("exit code", case.about, str(old.get("exit code")), str(new.get("exit code")))]
    for name in [*old, *(name for name in new if name not in old)]:
        kind = name.split(" ")[0] if not name.startswith("exit code") else "exit code"
        if old.get(name) != new.get(name):
            found += of_lines(kind, case.about, old.get(name, []), new.get(name, []))
    return found


def of_lines(kind, about, old, new):
    for tag, i, j, k, l in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        before, after = old[i:j], new[k:l]
        for number in range(max(len(before), len(after))):
            pair = [lines[number] if number < len(lines) else None for lines in (before, after)]
            yield from of_pair(kind, about, *pair)


def of_pair(kind, about, old, new):
    """The differences of two lines: by fields for records, else as a whole."""
    records = [record(line) for line in (old, new)]
    if None in records or records[0].get("type") != records[1].get("type"):
        yield Difference(kind, about, old, new)
        return
    flat = [dict(fields(one)) for one in records]
    for path in dict.fromkeys([*flat[0], *flat[1]]):
        pair = [f"{records[0].get('type')}: {path} = {one[path]}" if path in one else None for one in flat]
        if pair[0] != pair[1]:
            yield Difference(kind, about, *pair)
    if flat[0] == flat[1]:
        yield Difference(kind, about, f"{records[0].get('type')}: other order or spelling: {old}", new)


def record(line):
    try:
        value = json.loads(line) if line and line.startswith("{") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def fields(value, path=""):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from fields(one, f"{path}.{key}" if path else key)
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def nameless(line):
    """The line without the source's name, by which alike messages differ."""
    return line and re.sub(r"^(error: )?(-|\S*/\S+): ", r"\1SOURCE: ", line)


def table(differences, limit=60):
    """Formats differences: equal ones once, with their number and one place."""
    groups = defaultdict(list)
    for case, difference, reason in differences:
        groups[difference.kind, nameless(difference.old), nameless(difference.new), reason].append((case.name, difference))
    kinds = defaultdict(list)
    for (kind, _, _, reason), alike in groups.items():
        kinds[kind].append((alike[0][1], reason, [name for name, _ in alike]))
    for kind, rows in sorted(kinds.items()):
        yield f"\n{kind}: {sum(len(cases) for *_, cases in rows)} differences, {len(rows)} kinds of them"
        rows.sort(key=lambda row: (row[1] is not None, -len(row[2])))
        for difference, reason, cases in rows[:limit]:
            mark = f"  expected: {reason}" if reason else "  NOT EXPECTED"
            yield f"{mark} ({len(cases)} times, such as: {cases[0]})"
            yield from (f"    {sign} {line[:400]}" for sign, line in [("-", difference.old), ("+", difference.new)] if line is not None)
        if len(rows) > limit:
            yield f"  ... and {len(rows) - limit} more"
