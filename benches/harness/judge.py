"""Rows of the verdict: what was measured, what it may be at most, and whether it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the verdict. A row without a limit informs; a row without a figure says why in `note`."""

    what: str
    measured: float | None
    limit: float | None = None
    unit: str = "×"
    note: str = ""
    # True where more is better.
    at_least: bool = False

    @property
    def passed(self):
        """None if there is nothing to judge."""
        if self.measured is None or self.limit is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def cells(self):
        """The row as table cells."""
        bound = "≥" if self.at_least else "≤"
        target = "" if self.limit is None else f"{bound} {figure(self.limit, self.unit)}"
        verdict = {None: "", True: "pass", False: "**FAIL**"}[self.passed]
        if self.measured is None:
            verdict = "not run"
        return [self.what, target, figure(self.measured, self.unit), verdict, self.note]


def figure(value, unit):
    if value is None:
        return ""
    digits = 0 if unit == "MB" or float(value).is_integer() and unit == "" else 3 if unit in ("×", "s", "") else 2
    return f"{value:.{digits}f}{unit if unit in ('×', '') else ' ' + unit}"


def ratio(results, what, ours, theirs, limit=None, unit="×", at_least=False):
    """Median over median; the note gives both, and least over least.

    `ours` and `theirs` are (entrant, key), or a number.
    """
    over, under = center(results, ours), center(results, theirs)
    if not over or not under:
        return Row(what, None, limit, unit, missing(results, ours, theirs), at_least)
    low, base = least(results, ours), least(results, theirs)
    note = f"{over:.4g} to {under:.4g}; least to least {low / base:.3f}"
    return Row(what, over / under, limit, unit, note, at_least)


def value(results, what, entrant, key, limit=None, unit="s", scale=1.0, at_least=False):
    """One median against its limit."""
    median = results.median(entrant, key)
    if median is None:
        return Row(what, None, limit, unit, results.failure(entrant), at_least)
    return Row(what, median * scale, limit, unit, "", at_least)


def center(results, source):
    return results.median(*source) if isinstance(source, tuple) else source


def least(results, source):
    return results.least(*source) if isinstance(source, tuple) else source


def missing(results, *sources):
    """Why a row has no figure."""
    names = [source[0] for source in sources if isinstance(source, tuple) and results.median(*source) is None]
    return "; ".join(f"{name}: {results.failure(name)}" for name in names) or "nothing to compare with"


def per_core(results, entrant, *keys):
    """The floor: CPU seconds spread perfectly over the cores; None if any part is unknown."""
    parts = [results.median(entrant, key) for key in keys]
    return None if None in parts else sum(parts) / results.cores
