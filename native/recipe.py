"""The recipe, the machine it is built for, and the directory the result goes to."""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Failure(Exception):
    """The build can't go on. The message names the remedy; no traceback is shown."""


@dataclass(frozen=True)
class Target:
    """The machine the libraries are for: always the one the build runs on."""

    arch: str
    system: str
    compiler: str  # the C compiler's own name for the target, such as x86_64-linux-gnu

    @property
    def name(self) -> str:
        return f"{self.arch}-{self.system}"


@dataclass(frozen=True)
class Switches:
    """What the environment (or `make NAME=1`, which exports it) asks for."""

    gpl: bool
    shared: bool
    vaapi: bool = False

    @classmethod
    def from_environment(cls, environment=os.environ) -> "Switches":
        switches = cls(*(is_on(environment, name) for name in ("GPL", "SHARED", "VAAPI")))
        if switches.gpl and switches.shared:
            raise Failure("GPL=1 and SHARED=1 exclude each other: a system FFmpeg brings its own licence.")
        if switches.vaapi and switches.shared:
            raise Failure("VAAPI=1 and SHARED=1 exclude each other: a system FFmpeg brings its own hardware support.")
        return switches


def is_on(environment, name: str) -> bool:
    """True for `NAME=1`; an empty value and 0 are off, and anything else is a mistake worth saying."""
    value = environment.get(name, "")
    if value not in ("", "0", "1"):
        raise Failure(f"{name}={value} is not understood: use {name}=1 or leave it out.")
    return value == "1"


def load() -> dict:
    """The recipe as nested dictionaries."""
    with open(HERE / "recipe.toml", "rb") as file:
        return tomllib.load(file)


def this_machine() -> Target:
    """Asks Python for the processor and the C compiler for its target."""
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = {"darwin": "macos"}.get(sys.platform, sys.platform)
    if system not in ("linux", "macos"):
        raise Failure(f"There is no recipe for {system}. Build on Linux or macOS.")
    return Target(arch, system, compiler_target())


def compiler_target() -> str:
    """The compiler's target, or "unknown" while there is no compiler (packages.py then asks for one)."""
    try:
        return subprocess.run(["cc", "-dumpmachine"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def output_root(environment=os.environ, system: str = sys.platform) -> Path:
    """Where everything that is built or fetched lives: outside the checkout, and shared by all checkouts."""
    if named := environment.get("MOVIOLA_NATIVE_DIR"):
        return Path(named).expanduser().resolve()
    if cache := environment.get("XDG_CACHE_HOME"):
        return Path(cache).expanduser().resolve() / "moviola/native"
    home = Path(environment.get("HOME") or Path.home())
    return home / ("Library/Caches" if system == "darwin" else ".cache") / "moviola/native"


def digest(*parts) -> str:
    """A short name for everything that decides what an output contains."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
