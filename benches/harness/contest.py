"""Contests: entrants take turns on the same clip, so that a slow moment of the machine hits all of them alike."""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness import against, child, tools


@dataclass(frozen=True)
class Entrant:
    """One way to do the job: a command line."""

    name: str
    argv: list
    # Called before each run, outside the measured time.
    before: Callable = lambda: None
    # More numbers from a finished run.
    read: Callable = lambda sample: {}
    # Time the first line of stdout that holds this.
    first: str | None = None
    # How often it takes part, at most: slow peers that no target depends on need fewer runs.
    runs: int | None = None


@dataclass(frozen=True)
class Contest:
    """A job, who does it, and what must come out."""

    name: str
    about: str
    # From a Setting to entrants; may raise tools.Missing.
    entrants: Callable
    # From Results to report rows.
    rows: Callable
    # Turns for each one asked for.
    repeats: int = 1
    # Off where every run starts cold anyway.
    warm: bool = True
    # Called when all is done.
    finish: Callable = lambda: None


@dataclass(frozen=True)
class Setting:
    """What the person at the keyboard asked for."""

    clip: Callable
    runs: int = 5
    warmups: int = 1
    huge: bool = False
    quick: bool = False
    # The release folder of an earlier build: it takes the place of the peers.
    against: Path | None = None


@dataclass
class Results:
    """All runs of a contest, by entrant."""

    cores: int
    runs: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)
    commands: dict = field(default_factory=dict)

    def values(self, name, key):
        return [run[key] for run in self.runs.get(name, []) if key in run]

    def median(self, name, key="wall_s"):
        """None if the entrant didn't run or doesn't report this."""
        values = self.values(name, key)
        return statistics.median(values) if values else None

    def least(self, name, key="wall_s"):
        return min(self.values(name, key), default=None)

    def failure(self, name):
        """Why there is no figure of this entrant."""
        return self.failures.get(name, "not measured")


def entrants(contest, setting):
    everyone = contest.entrants(setting)
    return against.entrants(everyone, setting.against) if setting.against else everyone


def compete(contest, setting, cores, skip=lambda name: False):
    """A B C, A B C ...: the warm-ups, then the runs that count."""
    results = Results(cores)
    try:
        field_ = [entrant for entrant in entrants(contest, setting) if not skip(entrant.name)]
    except (tools.Missing, child.Failed) as problem:
        results.failures[contest.name] = str(problem)
        return results
    env = tools.environment()
    for entrant in field_:
        results.commands[entrant.name] = entrant.argv
        results.runs[entrant.name] = []
    warmups = setting.warmups if contest.warm else 0
    for turn in range(warmups + setting.runs * contest.repeats):
        for entrant in field_:
            counted = turn - warmups
            if entrant.name in results.failures or (entrant.runs is not None and counted >= entrant.runs):
                continue
            take_turn(entrant, env, results, counted)
    return results


def take_turn(entrant, env, results, counted):
    """One run; a failure ends this entrant's part, not the contest."""
    label = "warm-up" if counted < 0 else f"run {counted + 1}"
    try:
        entrant.before()
        sample = child.run(entrant.argv, env, entrant.first)
        numbers = {**sample.numbers(), **entrant.read(sample)}
    except (child.Failed, tools.Missing, OSError) as problem:
        results.failures[entrant.name] = str(problem)
        print(f"  {entrant.name}: {problem}", file=sys.stderr)
        return
    print(f"  {label:8} {entrant.name:42} {numbers['wall_s']:8.3f} s", file=sys.stderr)
    if counted >= 0:
        results.runs[entrant.name].append(numbers)
