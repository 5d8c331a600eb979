"""`python -m bench scrub`: `oomirror verify --full` beside `xxhsum -H128` over the same files, in turn.

Blocks of one N5 array lie on a share on tmpfs, with their rows in the catalog, as a sync leaves them. The first check
also decodes every block; from the second on only bytes are compared, and that is what the bar is about.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import shutil
import socket
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import islice, product
from pathlib import Path

import xxhash

from bench.measure import Measured, measure
from bench.repeat import TMPFS, environment_of
from bench.tools import OOMIRROR
from catalog import queries
from catalog.config import sqlite_url
from catalog.records import HOW_MD5, ArrayRecord, MirroredBlockRow, RunKind, RunState
from catalog.session import open_catalog
from mirror.app.workplace import utc_now
from mirror.errors import MirrorError
from mirror.formats.n5.block import BlockHeader
from oomirror import __version__

BAR = 0.7
"""Of the speed of xxhsum: its whole time beside that from the first look to the report, without the start of Python."""
_COLUMNS = (
    "files",
    "GB",
    "xxhsum s",
    "its CPU s",
    "first check s",
    "later s",
    "of it looking",
    "speed",
    "with start",
    "CPU s",
    "peak MB",
)
_BUCKET, _ROOT, _DATASET = "janelia-cosem-publications", "heinrich-2021a/", "jrc_hela-2"
_CONTAINER = f"{_ROOT}{_DATASET}/{_DATASET}.n5/"
_ARRAY = "volumes/raw/s0"
_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Profile:
    """Files of one kind."""

    name: str
    block_size_xyz: tuple[int, int, int]
    n_files: int
    is_packed: bool = False

    @property
    def compression(self) -> dict[str, object]:
        """As attributes.json has it."""
        return {"type": "gzip", "level": 1, "useZlib": False} if self.is_packed else {"type": "raw"}

    def bodies(self) -> Iterator[bytes]:
        """Yield the blocks, each another one."""
        n_voxels = math.prod(self.block_size_xyz)
        head = BlockHeader.plain(self.block_size_xyz).encode()
        for number in range(self.n_files):
            voxels = number.to_bytes(8, "big") + os.urandom(n_voxels - 8)
            if self.is_packed:
                voxels = gzip.compress(voxels.translate(_NARROW), 1, mtime=0)
            yield head + voxels


_NARROW = bytes(value & 15 for value in range(256))
PROFILES = {
    one.name: one
    for one in (
        Profile("300 B", (71, 2, 2), 200_000),
        Profile("135 KB", (51, 51, 52), 24_000),
        Profile("4 MB", (160, 160, 160), 800),
        Profile("135 KB gzip", (64, 64, 64), 3_000, is_packed=True),
    )
}


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the figures as Markdown; 1 if a check is slower than the bar."""
    options = _parser().parse_args(arguments)
    print(f"`python -m bench scrub {' '.join(arguments)}`, oomirror {__version__}\n".replace("  ", " "))
    print(f"| {' | '.join(_COLUMNS)} |\n|---|{'---:|' * (len(_COLUMNS) - 1)}")
    ratios = [_measure(PROFILES[name], options) for name in options.profiles]
    return int(min(ratios) < BAR)


def _measure(profile: Profile, options: argparse.Namespace) -> float:
    """Print the line of one profile; return how fast a check is, xxhsum being 1."""
    with tempfile.TemporaryDirectory(prefix="oomirror-scrub-", dir=options.dir) as name:
        folder = Path(name)
        environment = environment_of(folder, "http://127.0.0.1:9")
        measure([*OOMIRROR, "init"], environment)
        n_bytes, listing = _fill(folder, profile)
        _sum_once(listing, environment)
        first, _ = _check(environment, profile)
        sums, checks, looks = [], [], []
        for _ in range(options.runs):
            sums.append(_sum_once(listing, environment))
            measured, seconds = _check(environment, profile)
            checks.append(measured)
            looks.append(seconds)
    by_xxhsum, by_check = Measured.median(sums), Measured.median(checks)
    look_seconds = statistics.median(looks)
    ratio = by_xxhsum.seconds / look_seconds
    cells = [
        f"{profile.n_files:,} of {profile.name}",
        f"{n_bytes / 1e9:.2f}",
        f"{by_xxhsum.seconds:.2f}",
        f"{by_xxhsum.cpu_seconds:.2f}",
        f"{first.seconds:.2f}",
        f"{by_check.seconds:.2f}",
        f"{look_seconds:.2f}",
        f"{ratio:.2f}",
        f"{by_xxhsum.seconds / by_check.seconds:.2f}",
        f"{by_check.cpu_seconds:.2f}",
        f"{by_check.peak_bytes / 1e6:.0f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)
    return ratio


def _fill(folder: Path, profile: Profile) -> tuple[int, Path]:
    """Write files and rows; return their bytes, and the file that names them."""
    home, listing = folder / "share" / _BUCKET, folder / "files"
    n_bytes = 0
    with open_catalog(sqlite_url(folder / "catalog" / "catalog.db")) as catalog, listing.open("w") as names:
        with catalog.begin() as connection:
            bucket_id = queries.bucket_id(connection, f"s3://{_BUCKET}/{_ROOT}".rstrip("/"))
            run_id = queries.start_run(
                connection,
                kind=RunKind.SYNC,
                bucket_id=bucket_id,
                datasets=[_DATASET],
                selection={},
                started_at=utc_now(),
                host=socket.gethostname(),
                pid=os.getpid(),
                version=__version__,
            )
            queries.finish_run(connection, run_id, state=RunState.DONE, exit_code=0, finished_at=utc_now())
            array_id = queries.put_array(connection, _array(bucket_id, profile))
        places = product(range(1 + profile.n_files // 2_500), range(25), range(100))
        blocks = zip(places, profile.bodies(), strict=False)
        while some := list(islice(blocks, _ROWS if profile.n_files > _ROWS else 100)):
            rows: list[MirroredBlockRow] = []
            for (x, y, z), body in some:
                path = home / _CONTAINER / _ARRAY / str(x) / str(y) / str(z)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
                names.write(f"{path}\n")
                digest = xxhash.xxh3_128_digest(body)
                etag = md5(body, usedforsecurity=False).digest()
                rows.append((array_id, x, y, z, len(body), etag, digest, HOW_MD5, run_id))
                n_bytes += len(body)
            with catalog.begin() as connection:
                queries.put_mirrored_blocks(connection, rows)
    return n_bytes, listing


def _array(bucket_id: int, profile: Profile) -> ArrayRecord:
    n_slabs = 1 + profile.n_files // 2_500
    grid = (n_slabs, 25, 100)
    shape = tuple(n * size for n, size in zip(grid, profile.block_size_xyz, strict=True))
    return ArrayRecord(
        bucket_id=bucket_id,
        prefix=_CONTAINER,
        path=_ARRAY,
        format="n5",
        shape_xyz=shape,
        block_size_xyz=profile.block_size_xyz,
        data_type="uint8",
        compression=profile.compression,
        level_index=0,
        level_name="s0",
    )


def _sum_once(listing: Path, environment: Mapping[str, str]) -> Measured:
    measured, _ = measure(["xargs", "-a", str(listing), _xxhsum(), "-H128"], environment)
    return measured


def _xxhsum() -> str:
    path = shutil.which("xxhsum")
    if path is None:
        raise MirrorError("cannot compare", "xxhsum", found="no such program", hint="Install xxhash.")
    return path


def _check(environment: Mapping[str, str], profile: Profile) -> tuple[Measured, float]:
    """Measure one check; return also its own seconds, without the start of Python.

    Raises
    ------
    MirrorError
        It found damage, or did not look at all files.
    """
    measured, output = measure([*OOMIRROR, "verify", "--full", "--json"], environment)
    report = json.loads(output)
    if report["ok"]["objects"] != profile.n_files or report["damaged"]:
        raise MirrorError("the check is not what it should be", found=output[:1000])
    return measured, float(report["seconds"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench scrub", description=__doc__)
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=list(PROFILES), help="which files")
    parser.add_argument("--runs", type=int, default=3, help="runs of each in turn (3)")
    parser.add_argument("--dir", type=Path, default=TMPFS, help=f"where the share is made ({TMPFS})")
    return parser
