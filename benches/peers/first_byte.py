"""Measures when a command reads the first byte of a file: first_byte.py FILE COMMAND... prints the seconds since its start.

The kernel's own word for it (inotify): nothing is put between the command and the file. Linux only; a file that is
mapped isn't seen."""

import ctypes
import json
import os
import select
import sys
import time

IN_ACCESS = 1
MOST_S = 10


def main():
    file, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    if libc.inotify_add_watch(watch, os.fsencode(file), IN_ACCESS) < 0:
        sys.exit(f"{file} can't be watched: {os.strerror(ctypes.get_errno())}")
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    seen, _, _ = select.select([watch], [], [], MOST_S)
    first = time.perf_counter() - start
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status or not seen:
        sys.exit(f"exit status {status}" if status else "the file was not read")
    print(json.dumps({"first_byte_s": first}))


main()
