"""With which documents an array opens, and those above it."""

from __future__ import annotations

from mirror.formats.folder import INFO_NAME, Format
from mirror.formats.layout import Array
from mirror.formats.n5.attributes import ATTRIBUTES_NAME
from mirror.formats.volumes import parent_prefix


def opening_keys(array: Array) -> tuple[str, ...]:
    """Return the full keys of documents of which one opens the array.

    >>> opening_keys(Array(Format.ZARR, "em/s0", "x.zarr/em/s0/"))
    ('x.zarr/em/s0/.zarray', 'x.zarr/em/s0/zarr.json')
    """
    match array.format:
        case Format.N5:
            return (array.prefix + ATTRIBUTES_NAME,)
        case Format.ZARR:
            return (f"{array.prefix}.zarray", f"{array.prefix}zarr.json")
        case _:
            return (parent_prefix(array.prefix) + INFO_NAME,)


def document_starts(array: Array, container_prefix: str) -> tuple[str, ...]:
    """Return what the keys of all documents begin with that bear on an array: a LIST of these shows no block.

    Parameters
    ----------
    container_prefix
        Full key prefix of the array's container, ending with a slash.

    >>> document_starts(Array(Format.N5, "em/s0", "x.n5/em/s0/"), "x.n5/")
    ('x.n5/em/s0/attributes.json', 'x.n5/em/attributes.json', 'x.n5/attributes.json')
    """
    match array.format:
        case Format.N5:
            names: tuple[str, ...] = (ATTRIBUTES_NAME,)
        case Format.ZARR:
            names = (".z", "zarr.json")
        case _:
            return opening_keys(array)
    folders = [array.prefix]
    while folders[-1] != container_prefix and folders[-1].startswith(container_prefix):
        folders.append(parent_prefix(folders[-1]))
    return tuple(folder + name for folder in folders for name in names)
