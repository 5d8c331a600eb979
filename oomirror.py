"""The public names of oomirror, and its command: `oomirror` or `python -m oomirror`."""

from __future__ import annotations

from typing import NoReturn

from mirror import __version__

__all__ = ["__version__", "main"]


def main() -> NoReturn:
    """Run the command line on `sys.argv`, and end the process with its exit code."""
    # Imported here, so that `import oomirror` in a notebook does not load the command line.
    from mirror.cli import main as run
    from mirror.cli import program

    program(run)


if __name__ == "__main__":
    main()
