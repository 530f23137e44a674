"""Fetches ONNX Runtime's shared libraries from its Python wheel, without the wheel's Python code."""

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

from recipe import Failure, Target, digest
from tools import run, say

FOLDER = "onnxruntime/capi/"


def ensure(recipe: dict, target: Target, root: Path, log: Path) -> Path | None:
    """Fetches the libraries unless they are there; returns the directory with lib/, None without a wheel."""
    part = recipe["onnxruntime"]
    wheel = part.get(target.name)
    if wheel is None:
        say(f"No ONNX Runtime for {target.name} in the recipe: set MOVIOLA_ORT_DIR to the folder of a libonnxruntime.")
        return None
    output = root / ("onnxruntime-" + digest(part["version"], wheel))
    if not output.exists():
        fetch(part, wheel, output, log)
    return output


def fetch(part: dict, wheel: dict, output: Path, log: Path) -> None:
    """Fetches into a temporary directory and renames it at the end."""
    work = output.with_name("fetching")  # a fixed name, because only one build runs at a time
    shutil.rmtree(work, ignore_errors=True)
    (work / "out/lib").mkdir(parents=True)
    try:
        file = download(part, wheel, work, log)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        if sha256 != wheel["sha256"]:
            raise Failure(f"{file.name} has the SHA-256 {sha256}; native/recipe.toml pins {wheel['sha256']}.")
        unzip(file, work / "out")
        link_names(work / "out/lib")
        (work / "out").rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(part: dict, wheel: dict, work: Path, log: Path) -> Path:
    """Downloads the pinned wheel with pip, for any Python version, from pip's configured index."""
    tag = "cp" + part["python"].replace(".", "")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--python-version", part["python"], "--implementation", "cp"]
    command += ["--abi", tag, "--platform", wheel["platform"], "--dest", work]
    run(f"Fetching {wheel['package']} {part['version']}", [*command, f"{wheel['package']}=={part['version']}"], log)
    return next(work.glob("*.whl"))


def unzip(file: Path, into: Path) -> None:
    """Extracts the libraries and the licences; files of equal contents are stored once and linked."""
    first: dict[str, str] = {}
    with zipfile.ZipFile(file) as archive:
        for member in sorted(archive.namelist(), key=lambda path: (-len(path), path)):
            name = PurePosixPath(member).name
            if is_licence(member):
                (into / name).write_bytes(archive.read(member))
            elif is_library(member):
                place(archive.read(member), into / "lib" / name, first)


def place(content: bytes, file: Path, first: dict[str, str]) -> None:
    """Writes a library, or a link to one with the same contents that was written before."""
    sha256 = hashlib.sha256(content).hexdigest()
    if original := first.get(sha256):
        file.symlink_to(original)
        return
    first[sha256] = file.name
    file.write_bytes(content)
    file.chmod(0o755)


def is_library(member: str) -> bool:
    """Whether it is the runtime, a provider or a dependency; not the Python module or OpenVINO's C interface."""
    name = PurePosixPath(member).name
    is_unused = name.startswith(("onnxruntime_pybind11", "libopenvino_c."))
    return member.startswith(FOLDER) and (".so" in name or name.endswith(".dylib")) and not is_unused


def is_licence(member: str) -> bool:
    return member in ("onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt")


def link_names(folder: Path) -> None:
    """Adds a link without a version in its name, which programs look for."""
    for file in list(folder.glob("libonnxruntime.so.*")) + list(folder.glob("libonnxruntime.*.dylib")):
        plain = "libonnxruntime.dylib" if file.suffix == ".dylib" else "libonnxruntime.so"
        (folder / plain).symlink_to(file.name)
