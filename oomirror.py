"""The public names of oomirror, and its command: `oomirror` or `python -m oomirror`."""

from __future__ import annotations

import sys

from mirror import __version__

__all__ = ["__version__", "main"]


def main() -> int:
    """Run the command line on `sys.argv` and return its exit code."""
    # Imported here, so that `import oomirror` in a notebook does not load the command line.
    from mirror.cli import main as run
    from mirror.cli import program

    return program(run)


if __name__ == "__main__":
    sys.exit(main())
