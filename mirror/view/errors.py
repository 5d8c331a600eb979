"""What can go wrong when voxels of the share are read."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.crops.box import Box
from mirror.errors import ExitCode, MirrorError
from mirror.formats.n5.grid import BlockIndex, block_key

_SHOWN = 3


class NotOnShareError(MirrorError, FileNotFoundError):
    """A volume or level of which the share has nothing; the hint is the command that mirrors it."""


class BlockNotMirroredError(MirrorError, LookupError):
    """Voxels were asked for whose blocks are not on the share, and whose absence from the bucket is not known.

    Parameters
    ----------
    volume
        `<dataset>/<volume>`.
    level
        None where the volume has none.
    missing_xyz
        Grid positions of the blocks, x first as their keys, in order.
    n_touched
        How many blocks hold the voxels that were asked for.
    box
        The voxels that were asked for.
    reason
        Why they are not taken for absent from the bucket.
    """

    def __init__(
        self,
        *,
        volume: str,
        level: str | None,
        missing_xyz: Sequence[BlockIndex],
        n_touched: int,
        box: Box,
        reason: str = "",
        hint: str = "",
    ) -> None:
        shown = ", ".join(block_key(index) for index in missing_xyz[:_SHOWN])
        more = f" and {len(missing_xyz) - _SHOWN:,} more" if len(missing_xyz) > _SHOWN else ""
        super().__init__(
            f"{len(missing_xyz):,} of the {n_touched:,} blocks that hold voxels {_spell(box)} were never mirrored"
            + (f" ({reason})" if reason else ""),
            " ".join(filter(None, (volume, level))),
            found=f"no block {shown}{more} (x/y/z)",
            hint=hint,
        )
        self.volume = volume
        self.level = level
        self.missing_xyz = tuple(missing_xyz)
        self.n_touched = n_touched
        self.box = box


class BlockLostError(MirrorError, LookupError):
    """A block that was mirrored, as the catalog says, and whose file is not on the share."""

    exit_code = ExitCode.DIFFERENCES

    def __init__(self, what: str, thing: str, *, missing_xyz: Sequence[BlockIndex], hint: str = "") -> None:
        super().__init__(what, thing, hint=hint)
        self.missing_xyz = tuple(missing_xyz)


def _spell(box: Box) -> str:
    """Return a box as an index of NumPy spells it: `[600:700, 225:725, 0:64]`."""
    return f"[{', '.join(f'{a}:{b}' for a, b in zip(box.start_zyx, box.stop_zyx, strict=True))}]"


def how_to_mirror(command: str) -> str:
    """Return the hint about what was never mirrored: fetch what is asked for, or mirror it by a command, which is last.

    >>> how_to_mirror("oomirror sync jrc_hela-2 --scales s0")
    'Fetch just what is needed with --fetch-missing, in Python fetch_missing=True; or mirror it: \
oomirror sync jrc_hela-2 --scales s0'
    """
    return f"Fetch just what is needed with --fetch-missing, in Python fetch_missing=True; or mirror it: {command}"
