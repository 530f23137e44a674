"""Compares what two builds of the command print and write.

    python3 tests/compare/run.py OLD NEW [--quick] [--media DIR] [--jobs N] [--only TEXT] [CLIP...]

Runs both with a matrix of commands on the clips of testdata/ and of a shared collection, by default `../shared/media`
beside the checkout. Compares standard output and error, exit codes, images, records, tables and reports; times are
masked. expected.py lists the intended differences; exits with 1 if there are others. With OLD twice, it shows whether
the comparison itself is deterministic.
"""

import argparse
import concurrent.futures
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import cases
import differences
import expected
import harvest


def arguments():
    parser = argparse.ArgumentParser(description="Compares what two builds of the command print and write.")
    parser.add_argument("old", type=Path, help="the command as it was")
    parser.add_argument("new", type=Path, help="the command as it is")
    parser.add_argument("clips", type=Path, nargs="*", help="only these clips, and nothing without a clip")
    parser.add_argument("--quick", action="store_true", help="fewer commands: less than two minutes on two cores")
    parser.add_argument("--media", type=Path, help="the shared collection of clips")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at a time")
    parser.add_argument("--only", help="only cases whose names hold this text")
    return parser.parse_intermixed_args()


def shared_media(named):
    """The shared collection; says so if it isn't there."""
    media = named or cases.ROOT.parent / "shared" / "media"
    if media.is_dir():
        return media.resolve()
    if named:
        sys.exit(f"{named} is not a folder")
    print(f"{media} is not there: only testdata is compared; --media names another place", file=sys.stderr)
    return None


def compare(case, old, new, folder):
    """The differences of one case, each with the reason if it is meant."""
    sides = [harvest.run_case(case, (binary, old), folder / side) for side, binary in [("old", old), ("new", new)]]
    shutil.rmtree(folder)
    return [(case, one, expected.reason(one)) for one in differences.of_case(case, *sides)]


def main():
    wanted = arguments()
    harvest.environment()
    media = shared_media(wanted.media)
    old, new = wanted.old.resolve(strict=True), wanted.new.resolve(strict=True)
    clips = [clip.resolve(strict=True) for clip in wanted.clips] or cases.clips(media)
    work = [case for case in cases.all_cases(clips, media, wanted.quick, not wanted.clips)
            if not wanted.only or wanted.only in case.name]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started, found, slow = time.monotonic(), [], []
    with tempfile.TemporaryDirectory(prefix="compare-") as folder, concurrent.futures.ThreadPoolExecutor(wanted.jobs) as pool:
        def one(number_and_case):
            number, case = number_and_case
            begun = time.monotonic()
            result = compare(case, old, new, Path(folder) / str(number))
            slow.append((time.monotonic() - begun, case.name))
            return result
        try:
            for done, result in enumerate(pool.map(one, enumerate(work)), 1):
                found += result
                if sys.stderr.isatty():
                    print(f"\r{done} of {len(work)} cases, {len(found)} differences", end="", file=sys.stderr)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print(f"interrupted after {len(slow)} of {len(work)} cases")
    unexpected = sum(reason is None for *_, reason in found)
    print("\n".join(differences.table(found)))
    print(f"\n{len(work)} cases on {len(clips)} clips in {time.monotonic() - started:.0f} s: {len(found)} differences, "
          f"{unexpected} of them not expected")
    print("slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in sorted(slow, reverse=True)[:5]))
    sys.exit(1 if unexpected or len(slow) < len(work) else 0)


if __name__ == "__main__":
    main()
