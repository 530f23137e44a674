"""The recipe, the switches, the target machine and the output directory."""

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
    """The build failed. The message includes the remedy; no traceback is printed."""


@dataclass(frozen=True)
class Target:
    """The machine that the libraries are for: always the one that builds them."""

    arch: str
    system: str
    compiler: str  # the C compiler's name of the target, such as x86_64-linux-gnu

    @property
    def name(self) -> str:
        return f"{self.arch}-{self.system}"


@dataclass(frozen=True)
class Switches:
    """The switches set in the environment (or by `make NAME=1`, which exports them)."""

    gpl: bool
    shared: bool
    vaapi: bool = False

    @classmethod
    def from_environment(cls, environment=os.environ) -> "Switches":
        switches = cls(*(is_on(environment, name) for name in ("GPL", "SHARED", "VAAPI")))
        if switches.gpl and switches.shared:
            raise Failure("GPL=1 and SHARED=1 exclude each other: a system FFmpeg has its own licence.")
        if switches.vaapi and switches.shared:
            raise Failure("VAAPI=1 and SHARED=1 exclude each other: a system FFmpeg has its own hardware support.")
        return switches


def is_on(environment, name: str) -> bool:
    """True for `NAME=1`, False for an empty value or 0; fails for any other value."""
    value = environment.get(name, "")
    if value not in ("", "0", "1"):
        raise Failure(f"{name}={value} is not a valid value: set {name}=1 or leave it out.")
    return value == "1"


def load() -> dict:
    """The recipe as nested dictionaries."""
    with open(HERE / "recipe.toml", "rb") as file:
        return tomllib.load(file)


def this_machine() -> Target:
    """The machine that runs this: processor and system from Python, target from the C compiler."""
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = {"darwin": "macos"}.get(sys.platform, sys.platform)
    if system not in ("linux", "macos"):
        raise Failure(f"There is no recipe for {system}. Build on Linux or macOS.")
    return Target(arch, system, compiler_target())


def compiler_target() -> str:
    """The compiler's target, or "unknown" without a compiler (packages.py then installs one)."""
    try:
        return subprocess.run(["cc", "-dumpmachine"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def output_root(environment=os.environ, system: str = sys.platform) -> Path:
    """The directory of everything that is built or fetched: outside the checkout, shared by all checkouts."""
    if named := environment.get("MOVIOLA_NATIVE_DIR"):
        return Path(named).expanduser().resolve()
    if cache := environment.get("XDG_CACHE_HOME"):
        return Path(cache).expanduser().resolve() / "moviola/native"
    home = Path(environment.get("HOME") or Path.home())
    return home / ("Library/Caches" if system == "darwin" else ".cache") / "moviola/native"


def digest(*parts) -> str:
    """A short hash of everything that an output depends on."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
