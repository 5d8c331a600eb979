"""The shards that hold the wanted blocks of an array, in as few requests as can be: rows, slabs, or all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mirror.engine.listing import KEYS_A_PAGE, Shard
from mirror.formats.folder import Format
from mirror.formats.layout import Array
from mirror.objects import RemoteObject
from mirror.selection import Wanted

Row = tuple[int, ...]
"""The first two numbers of a block's key."""


def ask_for_all(_prefix: str) -> bool:
    """Return that nothing is known without a request."""
    return False


def shards_of_wanted(
    array: Array,
    wanted: Wanted,
    folder_names: Sequence[str],
    files: Iterable[RemoteObject],
    *,
    also: Collection[Row] = (),
    is_known: Callable[[str], bool] = ask_for_all,
) -> tuple[Shard, ...]:
    """Return the shards of an array of which some blocks are wanted; other blocks that lie in them are to be ignored.

    Parameters
    ----------
    folder_names, files
        What lies in the array's folder, as LIST showed it.
    also
        Rows that are listed too: of blocks that the share has.
    is_known
        Whether all below a prefix is known already, so that it takes no request.
    """
    inside = tuple(one for one in files if _is_wanted(array, wanted, one, also))
    here = Shard(array.prefix, array, objects=inside, folders=tuple(folder_names), wanted=wanted)
    if not folder_names or "/" not in wanted.keys.separators:
        return (here,)  # Chunks that lie side by side: discovery has seen them.
    cut = _Cut(array, wanted, is_known)
    slabs = tuple(cut.slabs({*wanted.blocks.rows, *also}, folder_names))
    n_requests = sum(slab.n_requests for slab in slabs)
    if slabs and cut.n_requests(array.prefix, wanted.keys.n_blocks) <= n_requests:
        return (Shard(array.prefix, array, wanted=wanted),)
    return (here, *(shard for slab in slabs for shard in slab.shards))


@dataclass(frozen=True, slots=True)
class _Slab:
    n_requests: int
    shards: tuple[Shard, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    array: Array
    wanted: Wanted
    is_known: Callable[[str], bool]

    def n_requests(self, prefix: str, n_blocks: int) -> int:
        """Return how many requests it takes to list what lies below a prefix, if the grid is full there."""
        return 0 if self.is_known(prefix) else max(1, -(-n_blocks // KEYS_A_PAGE))

    def slabs(self, rows: Iterable[Row], folder_names: Sequence[str]) -> Iterator[_Slab]:
        """Yield what is to be listed of each slab that is there: all of it, or its rows."""
        leading = "" if self.wanted.keys.leading is None else f"{self.wanted.keys.leading}/"
        for position, ys in _by_slab(rows).items():
            if not leading and str(position) not in folder_names:
                continue
            yield self._slab(f"{self.array.prefix}{leading}{position}/", position, ys)

    def _slab(self, prefix: str, position: int, ys: Sequence[int]) -> _Slab:
        _, n_rows, n_blocks = self.wanted.keys.shape_in_blocks
        whole = Shard(prefix, self.array, wanted=self.wanted, slab=self._place(position))
        parts = tuple(replace(whole, prefix=f"{prefix}{y}/", row=self._place(y)) for y in ys)
        of_parts = sum(self.n_requests(part.prefix, n_blocks) for part in parts)
        of_whole = self.n_requests(prefix, n_rows * n_blocks)
        return _Slab(of_whole, (whole,)) if of_whole <= of_parts else _Slab(of_parts, parts)

    def _place(self, position: int) -> int | None:
        # Only blocks of N5 are rows of the catalog by their place.
        return position if self.array.format is Format.N5 else None


def _by_slab(rows: Iterable[Row]) -> Mapping[int, list[int]]:
    slabs: defaultdict[int, list[int]] = defaultdict(list)
    for x, y in sorted(rows):
        slabs[x].append(y)
    return slabs


def _is_wanted(array: Array, wanted: Wanted, one: RemoteObject, also: Collection[Row]) -> bool:
    suffix = one.key[len(array.prefix) :]
    if wanted.takes(suffix):
        return True
    index = wanted.keys.index_of(suffix) if also else None
    return index is not None and index[:2] in also
