"""Tests of the needs of the machine, and of the messages about missing ones."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cargo_config
import ffmpeg
import onnxruntime
import packages
import recipe
import shared
import tools
from recipe import Failure, Switches, Target

INTEL = Target("x86_64", "linux", "x86_64-linux-gnu")
ARM = Target("aarch64", "linux", "aarch64-linux-gnu")
MAC = Target("aarch64", "macos", "arm64-apple-darwin24")
STATIC = Switches(gpl=False, shared=False)


def needed(target: Target, switches: Switches) -> set[str]:
    """The names of all needs on a machine without any of them."""
    with mock.patch("packages.is_met", return_value=False):
        return {name for name, _ in packages.missing_needs(recipe.load()["needs"], target, switches)}


class Needs(unittest.TestCase):
    def test_the_assembler_is_for_intel(self):
        self.assertIn("nasm", needed(INTEL, STATIC))
        self.assertNotIn("nasm", needed(ARM, STATIC))

    def test_gpl_needs_its_encoders(self):
        gpl = needed(INTEL, Switches(gpl=True, shared=False))
        self.assertEqual(gpl - needed(INTEL, STATIC), {"x264", "x265", "numa"})

    def test_vaapi_needs_the_systems_libva(self):
        vaapi = needed(INTEL, Switches(gpl=False, shared=False, vaapi=True))
        self.assertEqual(vaapi - needed(INTEL, STATIC), {"libva", "libdrm"})
        self.assertNotIn("libva", needed(MAC, Switches(gpl=False, shared=False, vaapi=True)))

    def test_shared_builds_no_ffmpeg(self):
        self.assertEqual(
            needed(INTEL, Switches(gpl=False, shared=True)), {"pkg-config", "cc", "c++", "nasm", "libclang", "strace"}
        )

    def test_every_need_has_a_package(self):
        for name, need in recipe.load()["needs"].items():
            self.assertTrue(need["debian"], name)
            self.assertEqual(len(need.keys() & {"program", "module", "library", "libclang"}), 1, name)


class Command(unittest.TestCase):
    missing = [("nasm", {"debian": "nasm", "homebrew": "nasm"}), ("ninja", {"debian": "ninja-build", "homebrew": "ninja"})]

    def words(self, target: Target) -> str:
        return packages.explain(self.missing, packages.package_names(self.missing, target), target)

    def test_apt(self):
        with mock.patch("shutil.which", return_value="/usr/bin/apt-get"):
            self.assertIn("sudo apt-get install nasm ninja-build\n", self.words(INTEL))

    def test_homebrew(self):
        self.assertIn("brew install nasm ninja\n", self.words(MAC))

    def test_without_a_package_manager(self):
        with mock.patch("shutil.which", return_value=None):
            self.assertIn("Debian calls the packages: nasm ninja-build", self.words(INTEL))

    def test_without_root_nothing_is_installed(self):
        with (
            mock.patch("shutil.which", side_effect=lambda name: None if name == "sudo" else f"/usr/bin/{name}"),
            mock.patch("os.geteuid", return_value=1000),
            mock.patch("packages.missing_needs", return_value=self.missing),
            mock.patch("packages.install_packages") as install,
            self.assertRaisesRegex(Failure, "sudo apt-get install nasm ninja-build"),
        ):
            packages.ensure(recipe.load(), INTEL, STATIC, Path("/dev/null"))
        install.assert_not_called()


class Failures(unittest.TestCase):
    def test_the_end_of_the_log_and_its_path_are_shown(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch("tools.say"):
            log = Path(folder) / "log"
            with self.assertRaises(Failure) as caught:
                tools.run("Counting", [sys.executable, "-c", "[print('line', i) for i in range(99)]; exit(3)"], log)
        words = str(caught.exception)
        self.assertIn("line 98", words)
        self.assertNotIn("line 50\n", words)
        self.assertIn("Counting failed with status 3", words)
        self.assertIn(str(log), words)

    def test_an_interrupted_run_stops_its_program(self):
        started = []

        def stop(process, _seconds):
            started.append(process)
            raise KeyboardInterrupt

        with tempfile.TemporaryDirectory() as folder, mock.patch("tools.say"), mock.patch("tools.finished", stop):
            with self.assertRaises(KeyboardInterrupt):
                tools.run("Sleeping", ["sleep", "60"], Path(folder) / "log")
        self.assertIsNotNone(started[0].returncode)

    def test_shared_reports_missing_and_old_libraries(self):
        answers = {"libavcodec": "61.3.100", "libavutil": "60.8.100"}

        def ask(command):
            if command[1] == "--modversion":
                return answers.get(command[2])
            return "" if command[2] == "libavutil" else None

        with mock.patch("shared.ask", ask), self.assertRaises(Failure) as caught:
            shared.ensure(recipe.load())
        self.assertIn("libavcodec is 61.3.100 (62 or newer is needed)", str(caught.exception))
        self.assertIn("libswscale is missing (9 or newer is needed)", str(caught.exception))
        self.assertNotIn("libavutil", str(caught.exception))


    def test_shared_stores_where_ffmpeg_was_found(self):
        with (
            mock.patch("shared.ask", return_value="/opt/x/lib"),
            mock.patch.dict("os.environ", {"PKG_CONFIG_PATH": "/opt/x/lib/pkgconfig", "LD_LIBRARY_PATH": ""}),
        ):
            found = shared.environment()
        self.assertEqual(found["PKG_CONFIG_PATH"], "/opt/x/lib/pkgconfig")
        self.assertEqual(found["LD_LIBRARY_PATH"], "/opt/x/lib")


class Files(unittest.TestCase):
    def test_cargo_config(self):
        text = cargo_config.render({"PKG_CONFIG_PATH": "/a b", "MOVIOLA_FFMPEG": 'q"'})
        self.assertTrue(text.startswith("# Generated by native/build.py"))
        self.assertIn('PKG_CONFIG_PATH = { value = "/a b", force = true }\n', text)
        self.assertIn('MOVIOLA_FFMPEG = "q\\""\n', text)

    def test_a_shared_ffmpeg_is_found_without_the_environment(self):
        text = cargo_config.render({"LD_LIBRARY_PATH": "/opt/x/lib:/elsewhere"})
        self.assertNotIn("LD_LIBRARY_PATH", text)
        self.assertIn('rustflags = ["-C", "link-arg=-Wl,--disable-new-dtags,-rpath,/opt/x/lib"]\n', text)

    def test_a_users_cargo_config_is_not_overwritten(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ".cargo/config.toml"
            file.parent.mkdir()
            file.write_text("[build]\n")
            with self.assertRaisesRegex(Failure, "your own"):
                cargo_config.write(Path(folder), {})
            self.assertEqual(file.read_text(), "[build]\n")
            file.write_text(cargo_config.render({"A": "old"}))
            cargo_config.write(Path(folder), {"A": "new"})
            self.assertIn("new", file.read_text())

    def test_pkgconfig_files_are_relocatable(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.pc"
            file.write_text("prefix=/opt/moviola\nlibdir=/opt/moviola/lib\nName: x\nDescription: x\nVersion: 1\n"
                            "Libs: -L${libdir} -lx -L/srv/opt/moviola/lib -ly\n")
            ffmpeg.rewrite_pkgconfig(Path(folder), "${pcfiledir}/../..", ["/srv/opt/moviola", "/opt/moviola"])
            text = file.read_text()
            self.assertIn("prefix=${pcfiledir}/../..\n", text)
            self.assertIn("libdir=${prefix}/lib\n", text)
            self.assertIn("-L${prefix}/lib -ly", text)

    def test_libraries_taken_from_the_wheel(self):
        taken = onnxruntime.is_library
        self.assertTrue(taken("onnxruntime/capi/libonnxruntime.so.1.24.1"))
        self.assertTrue(taken("onnxruntime/capi/libtbb.so.12"))
        self.assertTrue(taken("onnxruntime/capi/libonnxruntime.1.24.1.dylib"))
        self.assertFalse(taken("onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so"))
        self.assertFalse(taken("onnxruntime/capi/libopenvino_c.so"))
        self.assertFalse(taken("onnxruntime/capi/__init__.py"))


class Language(unittest.TestCase):
    def test_every_module_compiles_and_stays_short(self):
        for file in Path(recipe.HERE).glob("*.py"):
            subprocess.run([sys.executable, "-m", "py_compile", file], check=True)
            self.assertLess(len(file.read_text().splitlines()), 200, file.name)


if __name__ == "__main__":
    unittest.main()
