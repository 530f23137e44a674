"""SHARED=1: uses the system's FFmpeg. Builds nothing; checks that the libraries are there and new enough."""

import os
import shutil
from pathlib import Path

from recipe import Failure
from tools import ask

# The directories that the dynamic linker searches by default.
LINKER_KNOWS = ("/lib", "/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")


def ensure(recipe: dict) -> None:
    """Fails unless every library is there, with headers, and new enough."""
    part = recipe["shared"]
    faults = [fault for library in part["libraries"] if (fault := find_fault(library, part["minimum"][library]))]
    if faults:
        raise Failure(
            "SHARED=1 needs FFmpeg 8.0 or newer with its headers. pkg-config reports:\n\n"
            + "".join(f"    {fault}\n" for fault in faults)
            + "\nInstall the development packages of FFmpeg, or set PKG_CONFIG_PATH to the folder of its .pc files,"
            + "\nor leave SHARED=1 out to build FFmpeg from source."
        )


def find_fault(library: str, minimum: str) -> str | None:
    """The problem with a library, or None."""
    version = ask(["pkg-config", "--modversion", library])
    if version is None:
        return f"{library} is missing ({minimum} or newer is needed)"
    if ask(["pkg-config", f"--atleast-version={minimum}", library]) is None:
        return f"{library} is {version} ({minimum} or newer is needed)"
    return None


def environment() -> dict[str, str]:
    """The variables for cargo: where FFmpeg was found, and where the linker finds it when a program starts."""
    found = {}
    if path := os.environ.get("PKG_CONFIG_PATH"):
        found["PKG_CONFIG_PATH"] = path
    folder = ask(["pkg-config", "--variable=libdir", "libavcodec"]) or ""
    if folder and not folder.startswith(LINKER_KNOWS):
        found["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("LD_LIBRARY_PATH")]))
    for variable, program in (("MOVIOLA_FFMPEG", "ffmpeg"), ("MOVIOLA_FFPROBE", "ffprobe")):
        beside = Path(folder).parent / "bin" / program
        if path := (str(beside) if beside.exists() else shutil.which(program)):
            found[variable] = path
    return found
