"""The tarballs of FFmpeg and what goes into it: which ones are used, and where they come from.

In this order: a directory the user names, the projects' own releases, Debian's source packages.
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
    """One upstream tarball. Version and checksum name the build; the file is where it lies now."""

    library: str
    version: str
    sha256: str
    file: str

    @property
    def identity(self) -> list[str]:
        return [self.library, self.version, self.sha256]


def choose(library: str, pin: dict, root: Path, log: Path, to_build: bool = False) -> Source:
    """Settles on a tarball; without any network once an earlier run has settled on it.

    The remembered tarball itself must still be there only when it is about to be built.
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
    """The newest tarball of the series in MOVIOLA_SOURCES, in upstream's or Debian's spelling."""
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
        say(f"MOVIOLA_SOURCES={named} holds no {library}-{pin['series']}.x tarball; looking elsewhere.")
        return None
    version, path = max(serving, key=lambda pair: debian.numbers(pair[0]))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    as_released = path.suffix == Path(pin["url"]).suffix  # Debian packs some releases anew
    if version == pin["version"] and as_released and sha256 != pin["sha256"]:
        raise Failure(f"{path} is damaged: its SHA-256 is {sha256}, and the release has {pin['sha256']}.")
    return Source(library, version, sha256, str(path))


def release(library: str, pin: dict, into: Path) -> Source | None:
    """The project's own release, or None when its site is out of reach."""
    url = pin["url"].format(version=pin["version"])
    file = into / f"{library}-{pin['version']}.tar.{url.rsplit('.', 1)[1]}"
    if not reachable(url):
        say(f"{urllib.parse.urlsplit(url).hostname} is out of reach.")
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
        raise Failure(f"{url} has the SHA-256 {sha256}; native/recipe.toml pins {pin['sha256']}. Trust neither.")
    part.rename(file)
    say(f"Fetching {url}: done in {minutes(started)}")
    return Source(library, pin["version"], sha256, str(file))


def reachable(url: str) -> bool:
    """Whether the site answers at all. Asked in a thread, because a dead resolver may hang for minutes."""
    address = urllib.parse.urlsplit(url)
    if urllib.request.getproxies().get(address.scheme):
        return True  # the proxy resolves the name
    answered = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection((address.hostname, address.port or 443), CONNECT_SECONDS).close()
            answered.set()
        except OSError:
            pass

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return answered.is_set()


def from_debian(library: str, pin: dict, into: Path, log: Path) -> Source:
    """Debian's copy of the upstream tarball; the last way, so that its failure says what to do."""
    try:
        version, sha256, file = debian.fetch(debian_name(library, pin), pin["series"], into, log)
    except Failure as error:
        raise Failure(
            f"{library} {pin['series']}.x can't be had: {pin['url'].format(version=pin['version'])} is out of\n"
            f"reach, and through apt: {error} (the whole log: {log}).\n"
            f"Put {library}-{pin['version']}.tar.{pin['url'].rsplit('.', 1)[1]} into a directory and run again with MOVIOLA_SOURCES=/that/directory."
        ) from error
    return Source(library, version, sha256, str(file))


def debian_name(library: str, pin: dict) -> str:
    """What Debian calls the source package."""
    return pin.get("debian", library)


def remembered(library: str, pin: dict, root: Path) -> Source | None:
    """What a run before this one settled on, as long as the recipe still pins the same release."""
    entry = read_memory(root).get(library)
    return Source(**entry["source"]) if entry and entry["pin"] == pin["sha256"] else None


def remember(source: Source, pin: dict, root: Path) -> None:
    """Keeps the choice, so that the next run knows the build's hash without asking anyone."""
    memory = read_memory(root) | {source.library: {"pin": pin["sha256"], "source": asdict(source)}}
    part = root / "resolved.part"
    part.write_text(json.dumps(memory, indent=2) + "\n")
    part.rename(root / "resolved.json")


def read_memory(root: Path) -> dict:
    """The choices of earlier runs; an unreadable file counts as none."""
    try:
        return json.loads((root / "resolved.json").read_text())
    except (OSError, ValueError):
        return {}
