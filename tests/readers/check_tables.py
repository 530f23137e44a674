"""Tests that DuckDB, Polars and pandas read the same rows from the tables of `moviola bulk` as from its JSON.

run.py runs it with the command to test as the argument.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import duckdb
import pandas
import polars

TESTDATA = Path(__file__).resolve().parent.parent.parent / "testdata"
CLIPS = ["demo.mp4", "h264_bframes.mp4", "damaged_keyframe.mp4", "empty.mp4", "vp9.webm"]
KINDS = ["source", "keyframe", "frame", "detections", "error", "end"]
MOVIOLA = None


class Run:
    """The tables of a run and the same records as JSON lines. Some clips fail, so there are error records."""

    def __init__(self, folder, name, kinds, *flags):
        self.tables, lines = folder / f"{name}.parquet", folder / f"{name}.jsonl"
        clips = [str(TESTDATA / clip) for clip in CLIPS]
        for target in (self.tables, lines):
            words = [MOVIOLA, "bulk", *clips, "--keyframes", "--hash", "--quiet", *flags, "-o", str(target)]
            done = subprocess.run(words, capture_output=True, text=True)
            assert done.returncode == 3, done
        self.records = [json.loads(line) for line in lines.read_text().splitlines()]
        self.kinds = kinds

    def of(self, kind):
        return [record for record in self.records if record["type"] == kind]


def same(value, other):
    """Whether a value from a table equals that of a record; floats may have been stored in 32 bits."""
    if other is None or value is None:
        return value is None and other is None
    if isinstance(other, float):
        return abs(value - other) <= 1e-6 * max(1.0, abs(other))
    if isinstance(other, list):
        return len(value) == len(other) and all(same(a, b) for a, b in zip(value, other))
    if isinstance(other, dict):
        return all(same(value.get(key), other.get(key)) for key in {*value, *other})
    return value == other


def plain(value):
    """Converts pandas' arrays and missing values to Python's."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if value is pandas.NA or value != value else value


def with_duckdb(path):
    result = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    names = result.columns
    return [dict(zip(names, row)) for row in result.fetchall()]


def with_polars(path):
    return polars.read_parquet(path).to_dicts()


def with_pandas(path):
    rows = pandas.read_parquet(path, dtype_backend="pyarrow").to_dict("records")
    return [plain(row) for row in rows]


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = Path(cls.folder.name)
        flags = ["--detect", "demo", "--provider", "cpu"] if has_runtime() else []
        always = {"source", "error", "end", *(["detections"] if flags else [])}
        cls.keyframes = Run(folder, "keyframes", always | {"keyframe"}, *flags)
        cls.frames = Run(folder, "frames", always | {"frame"}, "--on", "every:0.5s", *flags)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, read):
        for run, kind in itertools.product((self.keyframes, self.frames), KINDS):
            records = run.of(kind)
            self.assertEqual(bool(records), kind in run.kinds, kind)
            rows = read(run.tables / f"{kind}.parquet")
            self.assertEqual(len(rows), len(records), kind)
            for row, record in zip(rows, records):
                for key in set(row) | set(record) - {"type"}:
                    if key != "elapsed":
                        self.assertTrue(same(row[key], record.get(key)), f"{kind}.{key}: {row} {record}")

    def test_duckdb(self):
        self.check(with_duckdb)

    def test_polars(self):
        self.check(with_polars)

    def test_pandas(self):
        self.check(with_pandas)

    def test_a_typical_query(self):
        """Counts how often each class was detected."""
        run = self.keyframes
        if "detections" not in run.kinds:
            self.skipTest("no ONNX Runtime here")
        counted = duckdb.sql(f"""
            SELECT o.class, count(*) FROM (SELECT unnest(objects) AS o FROM '{run.tables}/detections.parquet')
            GROUP BY ALL ORDER BY 1""").fetchall()
        names = [one["class"] for record in run.of("detections") for one in record["objects"]]
        self.assertEqual(counted, sorted((name, names.count(name)) for name in set(names)))


def has_runtime():
    version = subprocess.run([MOVIOLA, "--version"], capture_output=True, text=True).stdout
    return "ONNX Runtime not available" not in version


if __name__ == "__main__":
    MOVIOLA = sys.argv.pop(1)
    unittest.main()
