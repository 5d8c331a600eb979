"""Of which arrays runs mirrored only what crops touch, and which blocks that was: as the runs keep their selections."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias

from sqlalchemy import Connection, Text, select
from sqlalchemy import cast as sql_cast

from catalog.records import RunState
from catalog.tables import run

BlockSpan: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Of a box of blocks, x first: the first along each axis, and the first after it."""
_KEY = "blocks_xyz"


def cropped_blocks(
    connection: Connection, bucket_id: int, dataset: str, *, only_finished: bool = False
) -> dict[str, tuple[BlockSpan, ...]]:
    """Return by the full key prefix of an array the boxes of blocks that runs chose of it, in order, each once.

    Parameters
    ----------
    only_finished
        Only of runs that ended with nothing left out: a block in a box of theirs that the share has not is one that
        the bucket did not have.
    """
    # Most runs have no crops: their selections are not even parsed.
    query = select(run.c.selection).where(run.c.bucket_id == bucket_id, sql_cast(run.c.selection, Text).contains(_KEY))
    if only_finished:
        query = query.where(run.c.state == RunState.DONE.value, run.c.exit_code == 0)
    found: defaultdict[str, set[BlockSpan]] = defaultdict(set)
    for selection in connection.execute(query.order_by(run.c.id)).scalars():
        for prefix, boxes in _boxes(selection, dataset).items():
            found[prefix].update((tuple(first), tuple(stop)) for first, stop in boxes)
    return {prefix: tuple(sorted(found[prefix])) for prefix in sorted(found)}


def _boxes(selection: Any, dataset: str) -> dict[str, list[tuple[list[int], list[int]]]]:
    chosen = selection.get(dataset) if isinstance(selection, dict) else None
    boxes = chosen.get(_KEY) if isinstance(chosen, dict) else None
    return boxes if isinstance(boxes, dict) else {}
