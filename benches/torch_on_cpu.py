"""Makes a CUDA build of torch run on a machine without CUDA, with stub libraries for those it is linked to.

Most package indexes have torch for Linux with CUDA only, and its libraries take gigabytes that nothing here uses. Each
library that is missing is replaced by one that has its name and its functions, all of which say "no such device". So
torch loads, and what it does on the processor is untouched. A CPU build of torch needs none of it.
"""

import re
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from harness import tools

# What CUDA's runtime returns where there is no device.
NO_DEVICE = 100
FUNCTION = re.compile(r"(_*(?:cu|nv|nccl)\w*)(?:@(.+))?")


def prepare():
    """Makes the stub libraries that the installed torch lacks."""
    folder = next(iter(tools.VENV.glob("lib/python3*/site-packages/torch/lib")), None)
    if folder is None:
        return
    # Those made for another version of torch may lack functions.
    made = folder / "stand-ins.txt"
    for name in made.read_text().split() if made.exists() else []:
        (folder / name).unlink(missing_ok=True)
    libraries = sorted(folder.glob("lib*.so*"))
    present = {path.name for path in libraries}
    needed = {name for path in libraries for name in re.findall(r"\(NEEDED\).*\[(.+)\]", said("readelf", "-dW", path))}
    missing = [name for name in sorted(needed - present) if not loads(name)]
    made.write_text("\n".join(missing))
    versions = {version: name for path in libraries for name, version in versions_of(path) if name in missing}
    functions = defaultdict(set)
    for path in libraries:
        for line in said("nm", "-D", "--undefined-only", path).splitlines():
            if found := FUNCTION.fullmatch(line.split()[-1]):
                functions[found[2]].add(found[1])
    for name in missing:
        own = {version: functions.pop(version) for version, home in versions.items() if home == name}
        # Functions without a version are searched in all libraries that are loaded: any may hold them.
        stand_in(folder / name, own, functions.pop(None, set()))


def versions_of(path):
    """The libraries that one is linked to, each with the version of its symbols."""
    return re.findall(r"File: (\S+) .*\n.*Name: (\S+)", said("readelf", "-VW", path))


def stand_in(path, versioned, plain):
    """A library with these functions."""
    names = sorted(plain.union(*versioned.values()))
    with tempfile.NamedTemporaryFile("w", suffix=".map") as script:
        script.writelines(f"{version} {{ global: {' '.join(f'{name};' for name in sorted(own))} }};\n"
                          for version, own in versioned.items())
        script.flush()
        flags = [f"-Wl,--version-script={script.name}"] if versioned else []
        source = "".join(f"int {name}(void) {{ return {NO_DEVICE}; }}\n" for name in names)
        build = ["gcc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{path.name}", *flags, "-x", "c", "-",
                 "-o", path]
        subprocess.run(build, input=source, text=True, check=True)


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def loads(name):
    """Whether the system has a library."""
    return any(Path(folder, name).exists() for folder in ("/lib", "/usr/lib", "/lib64", "/usr/lib64")) or (
        re.search(rf"^\s*{re.escape(name)} ", said("/sbin/ldconfig", "-p"), re.MULTILINE) is not None)


if __name__ == "__main__":
    prepare()
