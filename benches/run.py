"""Measures Moviola and its peers in one run on one machine, and checks every target.

Run: python3 benches/run.py [--quick] [--only NAME]... [--against DIR] [--list]
"""

import argparse
import os
import sys
from pathlib import Path

import clips
from contests import ALL
from harness import against, machine, report
from harness.contest import Setting, compete


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="name the contests and stop")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this contest only; may be repeated")
    parser.add_argument("--archive", action="store_true", help="archive the run although --only leaves contests out")
    parser.add_argument("--skip", action="append", default=[], metavar="TEXT", help="leave out entrants named so")
    parser.add_argument("--quick", action="store_true", help="10 s of the clip, two runs, no archive: checks that everything works")
    parser.add_argument("--runs", type=int, help="runs that count (default 5)")
    parser.add_argument("--cpus", default="0,1", help="the cores to use (default 0,1; the targets are for two)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="instead of peers, an earlier build: its target/release folder")
    parser.add_argument("--huge", action="store_true", help="make and read files of 5 and 10 GB too")
    return parser.parse_args()


def chosen(names):
    """The contests that were asked for, in the order of ALL."""
    known = {contest.name for contest in ALL}
    unknown = set(names or ()) - known
    if unknown:
        sys.exit(f"no contest is called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return [contest for contest in ALL if not names or contest.name in names]


def setting(options):
    """How contests run; --quick replaces long clips with short ones."""
    def clip(name):
        return clips.clip(clips.QUICK.get(name, name) if options.quick else name)
    runs = options.runs or (2 if options.quick else 5)
    earlier = options.against and options.against.resolve(strict=True)
    return Setting(clip, runs, 0 if options.quick else 1, options.huge, options.quick, earlier)


def main():
    options = arguments()
    contests = chosen(options.only)
    if options.list:
        print("\n".join(f"{contest.name:21} {contest.about}" for contest in contests))
        return 0
    wanted = {int(cpu) for cpu in options.cpus.split(",")}
    os.sched_setaffinity(0, wanted & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    facts = machine.describe()
    print("\n".join(facts), file=sys.stderr)
    sections, raw, judged = [], {}, []
    for contest in contests:
        print(f"{contest.name}: {contest.about}", file=sys.stderr)
        results = compete(contest, setting(options), machine.cores(),
                          lambda name: any(text in name for text in options.skip))
        contest.finish()
        rows = against.rows(results) if options.against else contest.rows(results)
        judged += rows
        raw[contest.name] = report.raw(results, rows)
        sections.append(report.section(contest, results, rows))
        print("\n".join(sections[-1]), flush=True)
    facts.append(report.noise(raw))
    print(facts[-1])
    if not (options.quick or options.against) and (options.archive or not options.only):
        print(f"archived in {report.archive(facts, sections, raw)}")
    failed = sum(row.passed is False for row in judged)
    print(f"{sum(row.passed is True for row in judged)} targets met, {failed} missed, "
          f"{sum(row.limit is not None and row.passed is None for row in judged)} not measured")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
