"""Run as a script: becomes a server that dies with the process that started it, even when that one is killed.

Usage: `python leash.py PARENT_PID COMMAND...`. A script of its own, since code between fork and exec of a process
with threads may hang. Elsewhere than on Linux the server is ended at the parent's regular exit only.
"""

from __future__ import annotations

import os
import sys

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def main(arguments: list[str]) -> None:
    """Replace this process by the command, bound to the life of the parent."""
    parent, *command = arguments
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != int(parent):
            # It died before the leash was on: nobody would ever end the server.
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
