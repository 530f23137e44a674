"""Runs the tests that need third-party table readers, which it installs into a separate folder.

    python3 tests/readers/run.py COMMAND

The folder is in the user's cache directory, named by a hash of the requirements, and is installed once.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def packages():
    """The folder of the packages; installs them if it does not exist."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache / "moviola" / f"readers-{digest}"
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--target", partial, "-r", REQUIREMENTS], check=True)
        try:
            partial.rename(folder)
        except OSError:  # another process has installed them
            shutil.rmtree(partial)
    return folder


def main():
    path = os.pathsep.join(filter(None, [str(packages()), os.environ.get("PYTHONPATH")]))
    check = [sys.executable, HERE / "check_tables.py", *sys.argv[1:]]
    sys.exit(subprocess.run(check, env={**os.environ, "PYTHONPATH": path}).returncode)


if __name__ == "__main__":
    main()
