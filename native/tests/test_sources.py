"""Tests of the choice of a tarball: apt's configuration and records, the user's directory, earlier choices."""

import hashlib
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import debian
import sources
from recipe import Failure

DEB822 = """\
Types: deb
# a comment inside the stanza
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
"""

ONE_LINE = """\
# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main contrib # the mirror
deb http://other.example stable
"""

SHOWN = """\
Package: ffmpeg
Version: 7:7.1.3-0+deb13u1
Checksums-Sha256:
 {a} 10 ffmpeg_7.1.3.orig.tar.xz

Package: ffmpeg
Version: 7:9.0.2-4
Checksums-Sha256:
 {b} 10 ffmpeg_9.0.2.orig.tar.xz
 {c} 10 ffmpeg_9.0.2.orig.tar.xz.asc
 {c} 10 ffmpeg_9.0.2-4.debian.tar.xz

Package: ffmpeg
Version: 7:9.0.10-1
Checksums-Sha256:
 {c} 10 ffmpeg_9.0.10.orig.tar.xz

Package: ffmpeg
Version: 7:9.1-1
Checksums-Sha256:
 {c} 10 ffmpeg_9.1.orig.tar.xz
""".format(a="a" * 64, b="b" * 64, c="c" * 64)


def apt_folder(files: dict[str, str]) -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "sources.list.d").mkdir()
    for name, text in files.items():
        (Path(folder.name) / name).write_text(text)
    return folder


class Mirror(unittest.TestCase):
    def test_deb822(self):
        entries = debian.deb822_entries(DEB822)
        self.assertEqual(entries[0], ("http://mirror.example/debian", ["bookworm", "bookworm-updates"], ["main"]))
        self.assertEqual(len(entries), 2, "a disabled stanza is skipped")

    def test_one_line(self):
        self.assertEqual(
            debian.one_line_entries(ONE_LINE), [("https://mirror.example/debian", ["bookworm"], ["main", "contrib"])]
        )

    def test_other_archives_are_not_debian(self):
        other = "Types: deb\nURIs: https://node.example\nSuites: nodistro\nComponents: main\n"
        files = {"sources.list.d/a.sources": other, "sources.list.d/debian.sources": DEB822}
        with apt_folder(files) as folder:
            self.assertEqual(debian.machine_mirror(Path(folder)), "http://mirror.example/debian")

    def test_none(self):
        with apt_folder({"sources.list": ""}) as folder, self.assertRaisesRegex(Failure, "no mirror"):
            debian.machine_mirror(Path(folder))


class Offers(unittest.TestCase):
    def test_the_newest_of_the_series(self):
        self.assertEqual(
            debian.newest(SHOWN, "ffmpeg", "9.0"), ("9.0.10", "7:9.0.10-1", "ffmpeg_9.0.10.orig.tar.xz", "c" * 64)
        )

    def test_the_error_lists_the_offered_versions(self):
        with self.assertRaisesRegex(Failure, "mirror offers 7.1.3, 9.0.10, 9.0.2, 9.1 of ffmpeg, and 9.2 is needed"):
            debian.newest(SHOWN, "ffmpeg", "9.2")

    def test_a_series_is_not_a_prefix(self):
        self.assertTrue(debian.in_series("9.0", "9.0"))
        self.assertTrue(debian.in_series("9.0.12", "9.0"))
        self.assertFalse(debian.in_series("9.01", "9.0"))


class Choice(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.pin = {"series": "9.0", "version": "9.0.2", "sha256": hashlib.sha256(b"good").hexdigest(),
                    "url": "https://upstream.example/ffmpeg-{version}.tar.xz"}

    def in_directory(self):
        with mock.patch.dict(os.environ, {"MOVIOLA_SOURCES": str(self.folder)}):
            return sources.named_directory("ffmpeg", self.pin)

    def test_upstreams_and_debians_names_are_accepted(self):
        (self.folder / "ffmpeg-9.0.2.tar.xz").write_bytes(b"good")
        self.assertEqual(self.in_directory().version, "9.0.2")
        (self.folder / "ffmpeg_9.0.3.orig.tar.xz").write_bytes(b"newer")
        self.assertEqual(self.in_directory().version, "9.0.3")

    def test_a_damaged_release_is_refused(self):
        (self.folder / "ffmpeg-9.0.2.tar.xz").write_bytes(b"bad")
        with self.assertRaisesRegex(Failure, "damaged"):
            self.in_directory()

    def test_a_repacked_release_is_not_reported_as_damaged(self):
        (self.folder / "ffmpeg_9.0.2.orig.tar.gz").write_bytes(b"the same files, packed otherwise")
        self.assertEqual(self.in_directory().version, "9.0.2")

    def test_debians_name_of_the_package_is_accepted(self):
        (self.folder / "debian-calls-it_9.0.2.1.orig.tar.xz").write_bytes(b"x")
        self.pin["debian"] = "debian-calls-it"
        self.assertEqual(self.in_directory().version, "9.0.2.1")

    def test_other_series_are_not_accepted(self):
        (self.folder / "ffmpeg-9.1.tar.xz").write_bytes(b"x")
        with mock.patch("sources.say"):
            self.assertIsNone(self.in_directory())

    def test_a_choice_is_remembered_until_the_pin_changes(self):
        source = sources.Source("ffmpeg", "9.0.1", "ab", "/gone/ffmpeg.tar.xz")
        sources.remember(source, self.pin, self.folder)
        self.assertEqual(sources.remembered("ffmpeg", self.pin, self.folder), source)
        self.assertIsNone(sources.remembered("ffmpeg", self.pin | {"sha256": "other"}, self.folder))
        self.assertIsNone(sources.remembered("dav1d", self.pin, self.folder))

    def test_an_unreadable_store_of_choices_counts_as_empty(self):
        (self.folder / "resolved.json").write_text("{")
        self.assertIsNone(sources.remembered("ffmpeg", self.pin, self.folder))


if __name__ == "__main__":
    unittest.main()
