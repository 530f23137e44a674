"""Install the peers and make what the contests need: a virtual environment, the clips, the detector.

Run: python3 benches/setup.py
"""

import subprocess
import sys
import venv

import clips
import detector
import torch_on_cpu
from harness import tools

LISTS = ("requirements.txt", "requirements-torch.txt")


def install():
    """The pinned packages, installed again when a list changes."""
    wanted = "".join((tools.BENCHES / name).read_text() for name in LISTS)
    done = tools.VENV / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return
    venv.create(tools.VENV, with_pip=True)
    pip = [tools.VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", tools.BENCHES / LISTS[0]], check=True)
    subprocess.run([*pip, "--no-deps", "-r", tools.BENCHES / LISTS[1]], check=True)
    torch_on_cpu.prepare()
    done.write_text(wanted)


def main():
    try:
        tools.system_ffmpeg()
        install()
        for name in clips.NAMES:
            print(clips.clip(name))
        print(detector.path())
    except tools.Missing as missing:
        sys.exit(f"benches/setup.py: {missing}")


if __name__ == "__main__":
    main()
