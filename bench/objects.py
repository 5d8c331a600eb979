"""What every set of objects tells, whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Objects(Protocol):
    """All objects of one dataset in bucket B."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        ...

    @property
    def prefix(self) -> str:
        """Key prefix of the dataset."""
        ...

    @property
    def n_objects(self) -> int:
        """Blocks, and the documents above them."""
        ...

    @property
    def n_bytes(self) -> int:
        """Bytes of all objects."""
        ...

    @property
    def digests(self) -> Mapping[str, str]:
        """Key to MD5 (hexadecimal) of every object."""
        ...
