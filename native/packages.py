"""The programs and libraries that the machine must have: checks for them, and installs them if allowed."""

import glob
import os
import shutil
import subprocess
from pathlib import Path

from recipe import Failure, Switches, Target
from tools import ask, run, say

# The places where clang-sys, which loads libclang for bindgen, looks too.
LIBCLANG = [
    "/usr/lib/llvm-*/lib/libclang*.so*",
    "/usr/lib/*-linux-gnu/libclang*.so*",
    "/usr/lib64/libclang*.so*",
    "/usr/lib/libclang*.so*",
    "/opt/homebrew/opt/llvm/lib/libclang.dylib",
    "/usr/local/opt/llvm/lib/libclang.dylib",
    "/Library/Developer/CommandLineTools/usr/lib/libclang.dylib",
]


def ensure(recipe: dict, target: Target, switches: Switches, log: Path) -> None:
    """Installs what is missing, or fails with the command that installs it."""
    missing = missing_needs(recipe["needs"], target, switches)
    if not missing:
        return
    prefix, install = installer(target)
    names = package_names(missing, target)
    if install is None or prefix is None:
        raise Failure(explain(missing, names, target))
    say(f"Missing: {', '.join(need for need, _ in missing)}.")
    install_packages(prefix, names, target, log)
    if still := missing_needs(recipe["needs"], target, switches):
        raise Failure(f"Still missing after installing {' '.join(names)}: {', '.join(n for n, _ in still)}.")


def missing_needs(needs: dict, target: Target, switches: Switches) -> list:
    """What this build needs and the machine lacks, as (name, need)."""
    holds = {target.arch, target.system, "shared" if switches.shared else "static"}
    holds |= {"gpl"} if switches.gpl else set()
    holds |= {"vaapi"} if switches.vaapi else set()
    wanted = [(name, need) for name, need in needs.items() if set(need.get("when", [])) <= holds]
    return [(name, need) for name, need in wanted if not is_met(need)]


def is_met(need: dict) -> bool:
    """Whether the machine has it: checks for the file, because package names differ between systems."""
    if program := need.get("program"):
        return shutil.which(program) is not None
    if module := need.get("module"):
        return ask(["pkg-config", "--exists", module]) is not None
    if library := need.get("library"):
        return library_file(library) is not None
    return libclang_directory() is not None


def library_file(name: str) -> Path | None:
    """The library that the C compiler finds: the static one if it exists."""
    for suffix in ("a", "so", "dylib", "tbd"):
        found = ask(["cc", f"-print-file-name=lib{name}.{suffix}"])
        if found and os.path.isabs(found):
            return Path(found)
    return None


def libclang_directory() -> Path | None:
    """The folder of libclang: LIBCLANG_PATH if set. libclang-cpp is another library."""
    if named := os.environ.get("LIBCLANG_PATH"):
        return Path(named)
    for pattern in LIBCLANG:
        for path in sorted(glob.glob(pattern), reverse=True):
            if "libclang-cpp" not in path:
                return Path(path).parent
    return None


def installer(target: Target) -> tuple[list | None, list | None]:
    """The prefix of the package command (nothing, or sudo) and the command; None if not possible."""
    if target.system == "macos":
        return [], ["brew", "install"] if shutil.which("brew") else None
    if not shutil.which("apt-get"):
        return None, None
    apt = ["apt-get", "install", "-y", "--no-install-recommends"]
    if os.geteuid() == 0:
        return [], apt
    if shutil.which("sudo") and ask(["sudo", "-n", "true"]) is not None:
        return ["sudo", "-n"], apt
    return None, apt


def package_names(missing: list, target: Target) -> list[str]:
    """This system's names of the packages that contain what is missing."""
    manager = "homebrew" if target.system == "macos" else "debian"
    return sorted({need[manager] for _, need in missing if manager in need})


def explain(missing: list, names: list[str], target: Target) -> str:
    """The message about what is missing, with the command that installs it."""
    wanted = ", ".join(name for name, _ in missing)
    if target.system == "macos":
        return f"Missing: {wanted}. Install Homebrew, then run:\n\n    brew install {' '.join(names)}\n"
    if shutil.which("apt-get"):
        return f"Missing: {wanted}. Run this, then try again:\n\n    sudo apt-get install {' '.join(names)}\n"
    return f"Missing: {wanted}. Install them; Debian calls the packages: {' '.join(names)}."


def install_packages(prefix: list, names: list[str], target: Target, log: Path) -> None:
    """Installs packages. Refreshes the package lists only if they turn out to be too old."""
    label = f"Installing {' '.join(names)}"
    if target.system == "macos":
        return run(label, ["brew", "install", *names], log)
    wait = ["-o", "DPkg::Lock::Timeout=600"]
    install = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *wait]
    install += ["install", "-y", "--no-install-recommends", *names]
    if known_to_apt(names):
        try:
            return run(label, install, log)
        except Failure:
            say("Trying again with fresh package lists.")
    run("Refreshing the package lists", [*prefix, "apt-get", *wait, "update"], log)
    return run(label, install, log)


def known_to_apt(names: list[str]) -> bool:
    """Whether apt's lists contain all these packages; those of a new machine are often empty."""
    simulated = ["apt-get", "install", "--simulate", "--no-install-recommends", *names]
    return subprocess.run(simulated, capture_output=True, check=False).returncode == 0
