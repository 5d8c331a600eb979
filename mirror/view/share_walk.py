"""A dataset as its files on the share describe it, for what no catalog knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mirror.formats.dataset import build_dataset
from mirror.formats.folder import Folder, folders_to_visit, wanted_documents
from mirror.formats.layout import Dataset
from mirror.objects import RemoteObject


def walk_dataset(root: Path, name: str, prefix: str) -> Dataset | None:
    """Return what lies on the share of a dataset, or None where nothing does. No block is looked at.

    Parameters
    ----------
    root
        The bucket's folder on the share.
    prefix
        Full key prefix of the dataset, ending with a slash.
    """
    folders: dict[str, Folder] = {}
    places = [prefix]
    while places:
        folder = _read_folder(root, places.pop())
        if folder is not None:
            folders[folder.prefix] = folder
            places += folders_to_visit(folder, prefix)
    return build_dataset(name, prefix, folders) if folders else None


def dataset_names(root: Path, prefix: str) -> tuple[str, ...]:
    """Return the names of the folders below a bucket's prefix on the share, sorted."""
    folder = _read_folder(root, prefix)
    return () if folder is None else folder.folders


def _read_folder(root: Path, prefix: str) -> Folder | None:
    try:
        with os.scandir(root / prefix) as entries:
            names, files = _parted(prefix, entries)
    except OSError:
        return None
    documents = {name: (root / prefix / name).read_bytes() for name in wanted_documents(files)}
    return Folder(prefix, tuple(sorted(names)), tuple(files), documents)


def _parted(prefix: str, entries: Iterator[os.DirEntry[str]]) -> tuple[list[str], list[RemoteObject]]:
    names: list[str] = []
    files: list[RemoteObject] = []
    for entry in entries:
        if entry.is_dir():
            names.append(entry.name)
        else:
            files.append(RemoteObject(prefix + entry.name, entry.stat().st_size, "", 0))
    return names, files
