"""Moviola against an earlier build of itself, in one run: which rows a change made slower."""

from dataclasses import replace

from harness import judge, tools

# How much longer than before a run may take: what two runs of one build differ by.
NOISE = 1.02
KEYS = {"wall_s": ("wall", NOISE), "cpu_s": ("CPU", None), "peak_rss_mb": ("peak memory", None)}


def before(name):
    return f"before: {name}"


def entrants(now, earlier):
    """Our entrants alone, each followed by the same of the earlier build, whose release folder is `earlier`."""
    own = str(tools.target())
    for entrant in now:
        argv = [str(word) for word in entrant.argv]
        if any(own in word for word in argv):
            yield entrant
            yield replace(entrant, name=before(entrant.name), argv=[word.replace(own, str(earlier)) for word in argv])


def rows(results):
    """Wall time, CPU time and peak memory of each entrant, now over before."""
    return [judge.ratio(results, f"{name}: {what}, now / before", (name, key), (before(name), key), limit)
            for name in results.runs if before(name) in results.runs
            for key, (what, limit) in KEYS.items()]
