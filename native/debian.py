"""Upstream tarballs from Debian's source packages, fetched with apt from the machine's mirror.

For machines that reach a package mirror but not the projects' sites. apt checks the signature of the mirror's
index and the checksum of every file. The machine's configuration does not change: the list of suites, the
index files and the cache are in a temporary directory.
"""

import glob
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from recipe import Failure
from tools import run

SUITES = ("trixie", "sid")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
RELEASES = {"oldstable", "stable", "testing", "unstable", "bullseye", "bookworm", "trixie", "forky", "sid"}


def fetch(package: str, series: str, into: Path, log: Path) -> tuple[str, str, Path]:
    """Fetches Debian's newest upstream tarball of `series`; returns (version, SHA-256, file)."""
    if not shutil.which("apt-get") or not Path(KEYRING).exists():
        raise Failure("this is not a Debian system, or the keyring of Debian's archive is missing")
    mirror = machine_mirror()
    with tempfile.TemporaryDirectory(prefix="moviola-apt-") as directory:
        os.chmod(directory, 0o755)  # apt downloads as another user
        workshop = Path(directory)
        options = private_options(workshop, mirror)
        run(f"Reading Debian's list of sources for {package}", ["apt-get", *options, "update"], log)
        shown = apt_cache(options, package)
        version, debian_version, name, sha256 = newest(shown, package, series)
        source = ["source", "--download-only", "--tar-only", f"{package}={debian_version}"]
        run(f"Fetching {name} from the Debian mirror", ["apt-get", *options, *source], log, cwd=workshop)
        fetched = workshop / name
        if hashlib.sha256(fetched.read_bytes()).hexdigest() != sha256:
            raise Failure(f"{name} is not the file that Debian's index describes")
        kept = into / f"{package}-{version}.tar.{name.rsplit('.', 1)[1]}"
        shutil.copyfile(fetched, kept.with_suffix(".part"))
        kept.with_suffix(".part").rename(kept)
    return version, sha256, kept


def private_options(workshop: Path, mirror: str) -> list[str]:
    """apt's options for separate lists and cache, with short timeouts."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (workshop / folder).mkdir(parents=True)
    sources = workshop / "sources.list"
    sources.write_text("".join(f"deb-src [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in SUITES))
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": workshop / "lists",
        "Dir::Cache": workshop / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def apt_cache(options: list[str], package: str) -> str:
    """apt-cache's records of all versions of the source package in the private lists."""
    command = ["apt-cache", *options, "showsrc", "--only-source", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def newest(shown: str, package: str, series: str) -> tuple[str, str, str, str]:
    """The newest of `series` in apt-cache's records: (version, Debian's version, file name, SHA-256)."""
    original = re.compile(rf" ([0-9a-f]{{64}}) \d+ ({re.escape(package)}_([0-9.]+)\.orig\.tar\.\w+)$", re.M)
    debian = re.compile(r"^Version: (\S+)$", re.M)
    offered = []
    for stanza in shown.split("\n\n"):
        file, version = original.search(stanza), debian.search(stanza)
        if file and version:
            offered.append((file[3], version[1], file[2], file[1]))
    serving = [offer for offer in offered if in_series(offer[0], series)]
    if not serving:
        found = ", ".join(sorted({offer[0] for offer in offered})) or "nothing"
        raise Failure(f"the mirror offers {found} of {package}, and {series} is needed")
    return max(serving, key=lambda offer: numbers(offer[0]))


def in_series(version: str, series: str) -> bool:
    """Whether a version belongs to a series: 9.0.2 and 9.0 belong to 9.0."""
    return version == series or version.startswith(series + ".")


def numbers(version: str) -> list[int]:
    """The version as numbers, so that 9.0.10 is newer than 9.0.9."""
    return [int(number) for number in version.split(".") if number.isdigit()]


def machine_mirror(etc: Path = Path("/etc/apt")) -> str:
    """The mirror that this machine's apt uses for Debian's main archive."""
    texts = [path for path in (etc / "sources.list",) if path.exists()]
    texts += [Path(path) for path in sorted(glob.glob(str(etc / "sources.list.d/*.list")))]
    stanzas = [Path(path) for path in sorted(glob.glob(str(etc / "sources.list.d/*.sources")))]
    entries = [entry for path in texts for entry in one_line_entries(path.read_text())]
    entries += [entry for path in stanzas for entry in deb822_entries(path.read_text())]
    for uri, suites, components in entries:
        if RELEASES & set(suites) and "main" in components and not uri.startswith("cdrom:"):
            return uri
    raise Failure("apt's configuration names no mirror of Debian")


def one_line_entries(text: str) -> list[tuple[str, list[str], list[str]]]:
    """The entries of a sources.list as (URI, suites, components): `deb [options] URI suite component...`."""
    entries = []
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.split("#")[0], count=1).split()
        if len(words) >= 4 and words[0] in ("deb", "deb-src"):
            entries.append((words[1], [words[2]], words[3:]))
    return entries


def deb822_entries(text: str) -> list[tuple[str, list[str], list[str]]]:
    """The entries of a .sources file as (URI, suites, components); disabled stanzas are skipped."""
    entries = []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        joined = re.sub(r"\n[ \t]+", " ", stanza)
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", joined, re.M))
        fields = {key.lower(): shlex.split(value, posix=False) for key, value in fields.items()}
        if fields.get("enabled", ["yes"])[:1] == ["no"]:
            continue
        for uri in fields.get("uris", []):
            entries.append((uri, fields.get("suites", []), fields.get("components", [])))
    return entries
