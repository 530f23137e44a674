"""Chooses and fetches the source tarballs of FFmpeg and its dependencies.

From the first of these that has them: MOVIOLA_SOURCES, the projects' releases, Debian's source packages.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import debian
from recipe import Failure
from tools import minutes, say

CONNECT_SECONDS = 6
STALL_SECONDS = 20


@dataclass(frozen=True)
class Source:
    """An upstream tarball. Version and checksum are part of the build's hash; `file` is its current path."""

    library: str
    version: str
    sha256: str
    file: str

    @property
    def identity(self) -> list[str]:
        return [self.library, self.version, self.sha256]


def choose(library: str, pin: dict, root: Path, log: Path, to_build: bool = False) -> Source:
    """Chooses a tarball. Uses no network if an earlier run has chosen it.

    The tarball of an earlier run must still exist only if it is to be built.
    """
    if source := named_directory(library, pin):
        return source
    source = remembered(library, pin, root)
    if source and (Path(source.file).exists() or not to_build):
        return source
    into = root / "sources"
    into.mkdir(parents=True, exist_ok=True)
    source = release(library, pin, into) or from_debian(library, pin, into, log)
    remember(source, pin, root)
    return source


def named_directory(library: str, pin: dict) -> Source | None:
    """The newest tarball of the series in MOVIOLA_SOURCES, with upstream's or Debian's name."""
    if not (named := os.environ.get("MOVIOLA_SOURCES")):
        return None
    names = "|".join({library, debian_name(library, pin)})
    spelled = re.compile(rf"(?:{names})[-_]([0-9.]+?)(\.orig)?\.tar\.(xz|gz|bz2)")
    try:
        found = [(match[1], path) for path in Path(named).iterdir() if (match := spelled.fullmatch(path.name))]
    except OSError as error:
        raise Failure(f"MOVIOLA_SOURCES can't be read: {error}") from error
    serving = [(version, path) for version, path in found if debian.in_series(version, pin["series"])]
    if not serving:
        say(f"MOVIOLA_SOURCES={named} has no {library}-{pin['series']}.x tarball; trying other places.")
        return None
    version, path = max(serving, key=lambda pair: debian.numbers(pair[0]))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    as_released = path.suffix == Path(pin["url"]).suffix  # Debian repacks some releases
    if version == pin["version"] and as_released and sha256 != pin["sha256"]:
        raise Failure(f"{path} is damaged: its SHA-256 is {sha256}, and the release has {pin['sha256']}.")
    return Source(library, version, sha256, str(path))


def release(library: str, pin: dict, into: Path) -> Source | None:
    """Fetches the project's release; None if its site can't be reached."""
    url = pin["url"].format(version=pin["version"])
    file = into / f"{library}-{pin['version']}.tar.{url.rsplit('.', 1)[1]}"
    if not reachable(url):
        say(f"{urllib.parse.urlsplit(url).hostname} can't be reached.")
        return None
    started = time.monotonic()
    part = file.with_suffix(".part")
    try:
        with urllib.request.urlopen(url, timeout=STALL_SECONDS) as answer, open(part, "wb") as output:
            shutil.copyfileobj(answer, output)
    except (OSError, urllib.error.URLError) as error:
        say(f"{url} can't be fetched: {error}.")
        return None
    sha256 = hashlib.sha256(part.read_bytes()).hexdigest()
    if sha256 != pin["sha256"]:
        raise Failure(f"{url} has the SHA-256 {sha256}; native/recipe.toml pins {pin['sha256']}. Don't use it.")
    part.rename(file)
    say(f"Fetching {url}: done in {minutes(started)}")
    return Source(library, pin["version"], sha256, str(file))


def reachable(url: str) -> bool:
    """Whether the site accepts connections. Tried in a thread, because name resolution may hang for minutes."""
    address = urllib.parse.urlsplit(url)
    if urllib.request.getproxies().get(address.scheme):
        return True  # the proxy resolves the name
    connected = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((address.hostname, address.port or 443), CONNECT_SECONDS).close()
            connected.set()
        except OSError:
            pass

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return connected.is_set()


def from_debian(library: str, pin: dict, into: Path, log: Path) -> Source:
    """Fetches Debian's copy of the tarball. It is tried last, so its failure includes the remedy."""
    try:
        version, sha256, file = debian.fetch(debian_name(library, pin), pin["series"], into, log)
    except Failure as error:
        raise Failure(
            f"{library} {pin['series']}.x can't be fetched: {pin['url'].format(version=pin['version'])} can't be\n"
            f"reached, and with apt: {error} (log: {log}).\n"
            f"Put {library}-{pin['version']}.tar.{pin['url'].rsplit('.', 1)[1]} into a directory and run again with MOVIOLA_SOURCES=/that/directory."
        ) from error
    return Source(library, version, sha256, str(file))


def debian_name(library: str, pin: dict) -> str:
    """Debian's name of the source package."""
    return pin.get("debian", library)


def remembered(library: str, pin: dict, root: Path) -> Source | None:
    """The choice of an earlier run, if the recipe still pins the same release."""
    entry = read_memory(root).get(library)
    return Source(**entry["source"]) if entry and entry["pin"] == pin["sha256"] else None


def remember(source: Source, pin: dict, root: Path) -> None:
    """Stores the choice, so that the next run knows the build's hash without network."""
    memory = read_memory(root) | {source.library: {"pin": pin["sha256"], "source": asdict(source)}}
    part = root / "resolved.part"
    part.write_text(json.dumps(memory, indent=2) + "\n")
    part.rename(root / "resolved.json")


def read_memory(root: Path) -> dict:
    """The choices of earlier runs; none if the file can't be read."""
    try:
        return json.loads((root / "resolved.json").read_text())
    except (OSError, ValueError):
        return {}
