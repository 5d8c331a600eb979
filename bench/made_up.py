"""Objects by the million that nobody stores: a server computes them when it is asked."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mirror.demo import leash
from mirror.errors import MirrorError, UsageError

_MODULE = "bench.listing_server"


@dataclass(frozen=True)
class MadeUp:
    """The dataset that `python -m bench.listing_server --keys N` serves."""

    n_blocks: int

    def __str__(self) -> str:
        return f"{self.n_objects} objects, 80 to 335 B a block"

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(_module().DATASET)

    @property
    def prefix(self) -> str:
        """Key prefix of the dataset."""
        return str(self._made_up.prefix)

    @property
    def n_objects(self) -> int:
        """Blocks, and the documents above them."""
        return self.n_blocks + len(self._made_up.documents)

    @property
    def n_bytes(self) -> int:
        """Bytes of all objects."""
        return self._totals[1]

    @property
    def digests(self) -> Mapping[str, str]:
        """Key to MD5 (hexadecimal) of every object."""
        return self._totals[0]

    @cached_property
    def _made_up(self) -> Any:
        return _module().Dataset(self.n_blocks)

    @cached_property
    def _totals(self) -> tuple[dict[str, str], int]:
        digests, n_bytes = {}, 0
        for key in self._made_up.keys(self.prefix):
            body = self._made_up.body(key)
            digests[key] = hashlib.md5(body, usedforsecurity=False).hexdigest()
            n_bytes += len(body)
        return digests, n_bytes


@contextmanager
def run_listing_server(made_up: MadeUp, delay_ms: int) -> Iterator[str]:
    """Yield the URL of a server that has the objects; it ends with this block.

    Raises
    ------
    MirrorError
        It does not start.
    """
    _module()
    command = [sys.executable, "-m", _MODULE, f"--keys={made_up.n_blocks}", f"--delay-ms={delay_ms}"]
    leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(leashed, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise MirrorError("the server does not start", " ".join(command))
            yield url
        finally:
            process.kill()


def _module() -> Any:
    try:
        return importlib.import_module(_MODULE)
    except ModuleNotFoundError as error:
        raise UsageError("cannot make up objects", _MODULE, found="no such module") from error
