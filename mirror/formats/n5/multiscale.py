"""Facts of a pyramid: which children of a group are its levels, and which level each of them is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LEVEL = re.compile(r"s(0|[1-9][0-9]{0,3})")


def parse_level_name(name: str) -> int | None:
    """Return the level that an N5 name spells (0 is the finest), or None.

    >>> parse_level_name("s3"), parse_level_name("s03"), parse_level_name("raw")
    (3, None, None)
    """
    match = _LEVEL.fullmatch(name)
    return None if match is None else int(match[1])


def level_indices(children: Iterable[str], paths: Sequence[str] = ()) -> dict[str, int]:
    """Return the level of each child array that is one, as N5 counts: `sN` is N, else the place in `paths`.

    Parameters
    ----------
    paths
        What the group's multiscales document names, the finest level first.

    >>> level_indices(["s0", "s2", "extra", "full"], ["full", "s1"])
    {'full': 0, 's0': 0, 's2': 2}
    """
    levels = {}
    for name in sorted(children):
        index = parse_level_name(name)
        if index is None and name in paths:
            index = paths.index(name)
        if index is not None:
            levels[name] = index
    return levels


def positions(children: Iterable[str], paths: Sequence[str]) -> dict[str, int]:
    """Return the level of each child array as zarr counts: its place in the multiscales document, if there is one.

    >>> positions(["s0", "s1"], ["s1"])
    {'s1': 0}
    >>> positions(["s0", "s1", "extra"], [])
    {'s0': 0, 's1': 1}
    """
    if not paths:
        return level_indices(children)
    return {name: paths.index(name) for name in sorted(children) if name in paths}


def multiscale_paths(multiscales: object) -> tuple[str, ...]:
    """Return the paths that a `multiscales` value of a JSON document names, in its order; () if it names none.

    Reads the document itself, and only the paths, so that an odd transform of one level hides no level.

    >>> multiscale_paths([{"datasets": [{"path": "s0"}, {"path": "s1", "transform": 7}]}])
    ('s0', 's1')
    """
    pyramids = multiscales if isinstance(multiscales, list) else []
    datasets = [pyramid.get("datasets") for pyramid in pyramids if isinstance(pyramid, dict)]
    entries = [entry for listed in datasets if isinstance(listed, list) for entry in listed]
    paths = [entry.get("path") for entry in entries if isinstance(entry, dict)]
    return tuple(dict.fromkeys(path.strip("/") for path in paths if isinstance(path, str)))
