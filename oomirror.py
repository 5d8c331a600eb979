"""The public names of oomirror, and its command: `oomirror` or `python -m oomirror`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from mirror import __version__

if TYPE_CHECKING:
    from mirror.view import (
        BlockLostError,
        BlockNotMirroredError,
        CropView,
        NotOnShareError,
        VolumeView,
        open_crop,
        open_volume,
    )

__all__ = [
    "BlockLostError",
    "BlockNotMirroredError",
    "CropView",
    "NotOnShareError",
    "VolumeView",
    "__version__",
    "main",
    "open_crop",
    "open_volume",
]


def __getattr__(name: str) -> Any:
    """Return a name of `mirror.view`, imported now: NumPy and tensorstore are not there for every command."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mirror import view

    return getattr(view, name)


def main() -> NoReturn:
    """Run the command line on `sys.argv`, and end the process with its exit code."""
    import gc

    # Millions of plain tuples come and go, none of them in a cycle: a sixth of the CPU of a listing went into looking.
    gc.set_threshold(50_000, 20, 100)

    # Imported here, so that `import oomirror` in a notebook does not load the command line.
    from mirror.cli import main as run
    from mirror.cli import program

    program(run)


if __name__ == "__main__":
    main()
