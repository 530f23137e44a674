"""Tests of the hash in an output's name, and of the switches that change it."""

import copy
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ffmpeg
import recipe
from recipe import Failure, Switches, Target
from sources import Source

LINUX = Target("x86_64", "linux", "x86_64-linux-gnu")
DEFAULT = Switches(gpl=False, shared=False)
GPL = Switches(gpl=True, shared=False)
VAAPI = Switches(gpl=False, shared=False, vaapi=True)
VULKAN = Source("vulkan-headers", "1.4.309", "dd", "/anywhere/vulkan-headers.tar.gz")


def tarballs(version: str = "9.0.2") -> dict:
    return {
        "ffmpeg": Source("ffmpeg", version, "aa", "/anywhere/ffmpeg.tar.xz"),
        "dav1d": Source("dav1d", "1.5.4", "bb", "/anywhere/dav1d.tar.xz"),
    }


class Hash(unittest.TestCase):
    def setUp(self):
        self.recipe = recipe.load()
        self.name = ffmpeg.name(self.recipe, LINUX, DEFAULT, tarballs())

    def test_is_the_same_for_the_same_recipe(self):
        self.assertEqual(self.name, ffmpeg.name(recipe.load(), LINUX, DEFAULT, tarballs()))

    def test_does_not_depend_on_the_paths_of_tarballs(self):
        moved = tarballs() | {"ffmpeg": Source("ffmpeg", "9.0.2", "aa", "/elsewhere/ffmpeg.tar.xz")}
        self.assertEqual(self.name, ffmpeg.name(self.recipe, LINUX, DEFAULT, moved))

    def test_does_not_depend_on_other_libraries(self):
        changed = copy.deepcopy(self.recipe)
        changed["onnxruntime"]["version"] = "2"
        changed["needs"]["another"] = {"program": "another", "debian": "another"}
        self.assertEqual(self.name, ffmpeg.name(changed, LINUX, DEFAULT, tarballs()))

    def test_changes_with_the_headers_of_hardware(self):
        headers = tarballs() | {"nv-codec-headers": Source("nv-codec-headers", "12.1.14.0", "cc", "/anywhere")}
        self.assertNotEqual(self.name, ffmpeg.name(self.recipe, LINUX, DEFAULT, headers))

    def test_changes_with_everything_that_the_contents_depend_on(self):
        other_flag = copy.deepcopy(self.recipe)
        other_flag["ffmpeg"]["encoders"].append("vc2")
        other_target = Target("aarch64", "linux", "aarch64-linux-gnu")
        names = {
            self.name,
            ffmpeg.name(self.recipe, LINUX, GPL, tarballs()),
            ffmpeg.name(self.recipe, LINUX, DEFAULT, tarballs("9.0.3")),
            ffmpeg.name(other_flag, LINUX, DEFAULT, tarballs()),
            ffmpeg.name(self.recipe, other_target, DEFAULT, tarballs()),
        }
        self.assertEqual(len(names), 5)


class Configure(unittest.TestCase):
    def test_nothing_under_the_gpl_by_default(self):
        options = ffmpeg.configure_options(recipe.load(), LINUX, DEFAULT)
        self.assertFalse([option for option in options if "gpl" in option or "x26" in option])

    def test_gpl_adds_the_encoders_to_the_others(self):
        options = ffmpeg.configure_options(recipe.load(), LINUX, GPL)
        encoders = next(option for option in options if option.startswith("--enable-encoder="))
        self.assertIn("--enable-gpl", options)
        self.assertIn("libx264", encoders)
        self.assertIn("mjpeg", encoders)


    def test_hardware_by_system_and_switch(self):
        mac = Target("aarch64", "macos", "arm64-apple-darwin")
        linux = ffmpeg.configure_options(recipe.load(), LINUX, DEFAULT)
        vaapi = ffmpeg.configure_options(recipe.load(), LINUX, VAAPI)
        self.assertIn("--enable-nvdec", linux)
        self.assertIn("--enable-vulkan", linux)
        self.assertNotIn("--enable-vaapi", linux)
        self.assertEqual(set(vaapi) - set(linux), {"--enable-vaapi", "--enable-libdrm"})
        self.assertFalse({"--enable-nvdec", "--enable-vulkan"} & set(
            ffmpeg.configure_options(recipe.load(), mac, DEFAULT)))


class Headers(unittest.TestCase):
    def test_only_linux_takes_them(self):
        def libraries(system: str) -> list[str]:
            target = Target("aarch64", system, "any")
            with mock.patch("sources.choose", side_effect=lambda library, *_: library):
                return list(ffmpeg.chosen(recipe.load(), target, Path("/"), Path("/log"), to_build=False))

        self.assertEqual(libraries("macos"), ["dav1d", "ffmpeg"])
        self.assertEqual(libraries("linux"), ["dav1d", "ffmpeg", "nv-codec-headers", "vulkan-headers"])

    def test_debians_source_of_the_loader_has_them_in_a_subfolder(self):
        for nested in ("", "vulkan-headers"):
            with tempfile.TemporaryDirectory() as directory:
                tree, stage = Path(directory) / "tree", Path(directory) / "stage"
                for part in ("vulkan", "vk_video"):
                    (tree / nested / "include" / part).mkdir(parents=True)
                (tree / nested / "include/vulkan/vulkan.h").touch()
                with mock.patch("ffmpeg.unpack", return_value=tree):
                    ffmpeg.install_headers({"vulkan-headers": None, "nv-codec-headers": None}, stage, Path("/log"))
                    ffmpeg.install_headers({"vulkan-headers": VULKAN}, stage, Path("/log"))
                self.assertTrue((stage / "opt/moviola/include/vulkan/vulkan.h").exists())


class Environment(unittest.TestCase):
    def test_switches(self):
        self.assertEqual(Switches.from_environment({}), DEFAULT)
        self.assertEqual(Switches.from_environment({"GPL": "1", "SHARED": "0"}), GPL)
        with self.assertRaisesRegex(Failure, "GPL=1"):
            Switches.from_environment({"GPL": "yes"})
        with self.assertRaisesRegex(Failure, "exclude each other"):
            Switches.from_environment({"GPL": "1", "SHARED": "1"})
        self.assertEqual(Switches.from_environment({"VAAPI": "1"}), VAAPI)
        with self.assertRaisesRegex(Failure, "exclude each other"):
            Switches.from_environment({"VAAPI": "1", "SHARED": "1"})

    def test_output_root(self):
        home = {"HOME": "/h"}
        self.assertEqual(recipe.output_root(home, "linux"), Path("/h/.cache/moviola/native"))
        self.assertEqual(recipe.output_root(home, "darwin"), Path("/h/Library/Caches/moviola/native"))
        self.assertEqual(recipe.output_root(home | {"XDG_CACHE_HOME": "/c"}, "linux"), Path("/c/moviola/native"))
        self.assertEqual(recipe.output_root(home | {"MOVIOLA_NATIVE_DIR": "/n"}, "linux"), Path("/n"))


if __name__ == "__main__":
    unittest.main()
