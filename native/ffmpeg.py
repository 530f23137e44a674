"""Builds FFmpeg and dav1d as static libraries, and the reference `ffmpeg` and `ffprobe` of the same build."""

import os
import re
import shutil
from pathlib import Path

import sources
from packages import library_file
from recipe import Failure, Switches, Target, digest
from sources import Source
from tools import ask, run, say

# The prefix given to configure. The output is relocatable, so that it can be built elsewhere and renamed, and
# so that `ffmpeg -version` prints no user's home directory.
PREFIX = "/opt/moviola"

LIBRARIES = ("dav1d", "ffmpeg", "nv-codec-headers", "vulkan-headers")

# Linked statically if the machine has the static library: programs start faster and need no shared ones.
COMPANIONS = ("ssl", "crypto", "z", "bz2", "lzma")
GPL_COMPANIONS = ("x264", "x265", "numa")


def ensure(recipe: dict, target: Target, switches: Switches, root: Path, log: Path) -> Path:
    """Builds this recipe unless it is built already; returns the directory with bin/, include/ and lib/."""
    output = root / name(recipe, target, switches, chosen(recipe, target, root, log, to_build=False))
    if output.exists():
        return output
    tarballs = chosen(recipe, target, root, log, to_build=True)
    output = root / name(recipe, target, switches, tarballs)
    if not output.exists():
        build(recipe, target, switches, tarballs, output, log)
        say(f"{describe(output)} is in {output}.")
    return output


def chosen(recipe: dict, target: Target, root: Path, log: Path, to_build: bool) -> dict[str, Source]:
    """The tarball of each library that the build needs on this system."""
    wanted = [library for library in LIBRARIES if target.system in recipe[library].get("when", [target.system])]
    return {library: sources.choose(library, recipe[library], root, log, to_build) for library in wanted}


def name(recipe: dict, target: Target, switches: Switches, tarballs: dict[str, Source]) -> str:
    """The output's name: a hash of everything that its contents depend on."""
    used = [tarballs[library].identity for library in sorted(tarballs)]
    return "ffmpeg-" + digest(used, meson_options(recipe), configure_options(recipe, target, switches),
                              recipe["dav1d"]["layout"], target.compiler)


def build(recipe: dict, target: Target, switches: Switches, tarballs: dict, output: Path, log: Path) -> None:
    """Builds in a temporary directory and renames it, so that an interrupted build leaves no incomplete output."""
    work = output.with_name("building")  # a fixed name, because only one build runs at a time
    shutil.rmtree(work, ignore_errors=True)
    prefix = work / PREFIX.lstrip("/")
    (prefix / "lib").mkdir(parents=True)
    try:
        link_companions(prefix / "lib", switches)
        build_dav1d(recipe, unpack(tarballs["dav1d"], work, log), work, log)
        install_headers(tarballs, work, log)
        rewrite_pkgconfig(prefix / "lib/pkgconfig", str(prefix), [PREFIX])
        build_ffmpeg(recipe, target, switches, unpack(tarballs["ffmpeg"], work, log), work, log)
        rewrite_pkgconfig(prefix / "lib/pkgconfig", "${pcfiledir}/../..", [str(prefix), PREFIX])
        keep_licences(work, prefix)
        prefix.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unpack(source: Source, work: Path, log: Path) -> Path:
    """Unpacks a tarball and returns its only folder."""
    into = work / "sources" / source.library
    into.mkdir(parents=True)
    run(f"Unpacking {source.library} {source.version}", ["tar", "-xf", source.file, "-C", into], log)
    folders = list(into.iterdir())
    if len(folders) != 1:
        raise Failure(f"{source.file} is not a release tarball: it has {len(folders)} entries at the top, not 1.")
    return folders[0]


def build_dav1d(recipe: dict, tree: Path, stage: Path, log: Path) -> None:
    """Builds and installs dav1d, the AV1 decoder."""
    setup = ["meson", "setup", "build", f"--prefix={PREFIX}", "--libdir=lib", *meson_options(recipe)]
    run("Configuring dav1d", setup, log, cwd=tree)
    run("Building dav1d", ["ninja", "-C", "build", *jobs()], log, cwd=tree)
    run("Installing dav1d", ["ninja", "-C", "build", "install"], log, cwd=tree, env={"DESTDIR": str(stage)})


def install_headers(tarballs: dict, stage: Path, log: Path) -> None:
    """Installs the headers of the libraries that FFmpeg loads at run time: NVIDIA's driver and libvulkan."""
    if nvidia := tarballs.get("nv-codec-headers"):
        command = ["make", "install", f"PREFIX={PREFIX}", f"DESTDIR={stage}"]
        run("Installing NVIDIA's headers", command, log, cwd=unpack(nvidia, stage, log))
    if vulkan := tarballs.get("vulkan-headers"):
        tree = unpack(vulkan, stage, log)
        nested = tree / "vulkan-headers"  # in Debian's source of the Vulkan loader
        include = (nested if nested.exists() else tree) / "include"
        for part in ("vulkan", "vk_video"):
            shutil.copytree(include / part, stage / PREFIX.lstrip("/") / "include" / part)


def build_ffmpeg(recipe: dict, target: Target, switches: Switches, tree: Path, stage: Path, log: Path) -> None:
    """Builds and installs FFmpeg's libraries and programs, with the dav1d and the companions in the stage."""
    library = stage / PREFIX.lstrip("/") / "lib"
    paths = {
        "PKG_CONFIG_PATH": joined(library / "pkgconfig", "PKG_CONFIG_PATH"),
        # Searched before the system's directories. Unlike --extra-ldflags it is not recorded in the result.
        "LIBRARY_PATH": joined(library, "LIBRARY_PATH"),
        "CPATH": joined(library.parent / "include", "CPATH"),  # the same for headers
    }
    configure = ["./configure", f"--prefix={PREFIX}", *configure_options(recipe, target, switches)]
    try:
        run("Configuring FFmpeg", configure, log, cwd=tree, env=paths)
    except Failure:
        append(tree / "ffbuild/config.log", log)
        raise
    run("Building FFmpeg", ["make", *jobs()], log, cwd=tree, env=paths)
    install = ["make", "install-libs", "install-headers", "install-progs", f"DESTDIR={stage}"]
    run("Installing FFmpeg", install, log, cwd=tree, env=paths)


def meson_options(recipe: dict) -> list[str]:
    return recipe["dav1d"]["meson"]


def configure_options(recipe: dict, target: Target, switches: Switches) -> list[str]:
    """FFmpeg's configure options, without the prefix."""
    parts = [recipe["ffmpeg"]]
    parts += [recipe["ffmpeg"]["gpl"]] if switches.gpl else []
    parts += [recipe["ffmpeg"][target.system]] if target.system in recipe["ffmpeg"] else []
    parts += [recipe["ffmpeg"]["vaapi"]] if switches.vaapi and target.system == "linux" else []
    options = [option for part in parts for option in part["configure"]]
    options.append("--pkg-config-flags=--static")
    for kind in ("encoder", "muxer", "filter"):
        names = [one for part in parts for one in part.get(f"{kind}s", [])]
        options += [f"--disable-{kind}s", f"--enable-{kind}={','.join(names)}"]
    return options


def link_companions(library: Path, switches: Switches) -> None:
    """Links the system's static libraries into `library`, where they are found before the shared ones.

    Symbolic links, not copies, so that a security update of the system's OpenSSL is part of the next link.
    """
    for companion in COMPANIONS + (GPL_COMPANIONS if switches.gpl else ()):
        file = library_file(companion)
        if file and file.suffix == ".a":
            (library / file.name).symlink_to(file.resolve())


def rewrite_pkgconfig(folder: Path, prefix: str, old: list[str]) -> None:
    """Sets the prefix of all .pc files and replaces the `old` ones in them."""
    for file in folder.glob("*.pc"):
        text = re.sub(r"^prefix=.*\n", "", file.read_text(), flags=re.M)
        for path in old:
            text = text.replace(path, "${prefix}")
        file.write_text(f"prefix={prefix}\n{text}")


def keep_licences(work: Path, prefix: Path) -> None:
    """Copies the licence texts to the output, as distribution requires them."""
    texts = [*work.glob("sources/*/*/COPYING*"), *work.glob("sources/*/*/LICENSE*")]
    for text in filter(Path.is_file, texts):
        into = prefix / "licences" / text.parent.parent.name
        into.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(text, into / text.name)


def joined(first: Path, variable: str) -> str:
    """A search path: `first`, then the user's `variable`."""
    return os.pathsep.join([str(first), *filter(None, [os.environ.get(variable)])])


def jobs() -> list[str]:
    """The option for as many parallel jobs as this process has cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [f"-j{cores}"]


def append(extra: Path, log: Path) -> None:
    """Appends the end of a file to the log: configure writes the cause of a failure to its own file."""
    if extra.exists():
        with open(log, "ab") as output:
            output.write(extra.read_bytes()[-20_000:])


def describe(output: Path) -> str:
    """The version line of the built ffmpeg."""
    words = ask([str(output / "bin/ffmpeg"), "-version"])
    if words is None:
        raise Failure(f"{output}/bin/ffmpeg was built but does not run. See the log, delete {output}, and run again.")
    return words.split(" Copyright")[0]
