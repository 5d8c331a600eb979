"""`python -m bench.repeat`: a sync with nothing to do, over a made-up dataset of any size, without its files.

The state is written into the catalog as if all had been mirrored: a sync looks at the catalog, not at the share. Beside
other tools, which look at files, `python -m bench --origin made-up --repeat` measures it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from bench.blocks import BUCKET
from bench.listing_server import DATASET
from bench.measure import Measured, measure
from bench.tools import OOMIRROR
from mirror.errors import MirrorError

TMPFS = Path("/dev/shm")  # noqa: S108  no disk is measured
_BATCH = 20_000


@contextmanager
def serving(options: Sequence[str]) -> Iterator[str]:
    """Yield the URL of a listing server in a process of its own."""
    command = [sys.executable, "-m", "bench.listing_server", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def environment_of(folder: Path, endpoint_url: str) -> dict[str, str]:
    """Return the environment of an oomirror whose share and catalog lie in `folder`."""
    config = folder / "oomirror.toml"
    config.touch()  # Empty, so that none of the user's is read.
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return inherited | {
        "OOMIRROR_CONFIG": str(config),
        "OOMIRROR_SHARE": str(folder / "share"),
        "OOMIRROR_CATALOG": f"sqlite:///{folder}/catalog/catalog.db",
        "OOMIRROR_BUCKETS__B__ENDPOINT_URL": endpoint_url,
    }


def fill_catalog(environment: Mapping[str, str]) -> None:
    """Write into the catalog that all of the dataset was mirrored, in a process that has the environment."""
    command = [sys.executable, "-c", "from bench.repeat import fill; fill()"]
    subprocess.run(command, env=dict(environment), check=True)


def fill() -> None:
    """Fill the catalog that the environment names."""
    asyncio.run(_fill())


async def _fill() -> None:
    from catalog.records import RunKind
    from mirror.app.run import recorded_run
    from mirror.app.state import BucketState, holds_blocks
    from mirror.app.survey import Surveyor
    from mirror.app.workplace import workplace
    from mirror.config import load_settings
    from mirror.diff import Kind
    from mirror.engine.events import ignore
    from mirror.engine.fetch import Done, Item
    from mirror.engine.listing import ListedShard
    from mirror.engine.retry import Retrier
    from mirror.engine.spool import Spool
    from mirror.formats.n5.grid import parse_block_key
    from mirror.objects import Verification
    from mirror.selection import SelectionSpec
    from mirror.store.bucket import Bucket

    def done_of(listed: ListedShard) -> Iterator[Done]:
        """Yield a shard's objects as if they had been fetched."""
        shard = listed.shard
        array_id = state.array_ids.get(shard.array.prefix) if shard.array and holds_blocks(shard.array) else None
        for suffix, size, etag, modified in spool.rows(listed.pages):
            key = shard.prefix + suffix
            block = parse_block_key(key[len(shard.array.prefix) :], 3) if shard.array else None
            item = Item(Kind.NEW, key, f"{BUCKET}/{key}", size, etag, modified, array_id, block)  # type: ignore[arg-type]
            yield Done(item, size, etag, bytes(16), Verification.MD5, is_adopted=False, replaced=False)

    settings = load_settings(None)
    with workplace(settings, dry_run=False) as place, Spool() as spool:
        async with Bucket(settings.bucket("b").connection()) as bucket:
            state = BucketState.of(place.open_catalog, str(bucket.url), bucket.url.prefix)
            surveyor = Surveyor(bucket, state, spool, Retrier(asyncio.sleep), ignore)
            survey = await surveyor.survey([DATASET], SelectionSpec())
            bucket_id = state.put_metadata(str(bucket.url), survey.by_name, survey.documents)
            with recorded_run(place.open_catalog, bucket_id, RunKind.SYNC, (DATASET,), {}) as run:
                for listed in survey.datasets[0].shards:
                    objects = done_of(listed)
                    while batch := list(islice(objects, _BATCH)):
                        state.commit(run.id, batch)


def sync_once(environment: Mapping[str, str]) -> tuple[Measured, dict[str, object]]:
    """Return what one sync took and its report.

    Raises
    ------
    MirrorError
        It had something to do.
    """
    command = [*OOMIRROR, "sync", DATASET, "--bucket", "b", "--yes", "--json"]
    measured, output = measure(command, environment)
    report = json.loads(output)
    if report["planned"]["objects"]:
        raise MirrorError("there was something to do", found=str(report["planned"]))
    return measured, report


def _show(name: str, runs: Sequence[Measured]) -> None:
    median = Measured.median(runs)
    print(
        f"{name}: {median.seconds:.2f} s (least {min(run.seconds for run in runs):.2f}), "
        f"CPU {median.cpu_seconds:.2f} s, peak {median.peak_bytes / 1e6:.0f} MB"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments say; 1 if a tool fails or has something to do."""
    parser = argparse.ArgumentParser(prog="python -m bench.repeat", description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000, help="blocks of the dataset (100000)")
    parser.add_argument("--grid", default="188x25x100", help="as of the listing server")
    parser.add_argument("--loose", default="0", help="as of the listing server")
    parser.add_argument("--delay-ms", default="0", help="as of the listing server")
    parser.add_argument("--runs", type=int, default=5, help="counted runs (5)")
    parser.add_argument("--dir", type=Path, default=TMPFS, help=f"where the catalog is made ({TMPFS})")
    options = parser.parse_args(arguments)
    switches = [
        "--keys",
        str(options.keys),
        "--grid",
        options.grid,
        "--loose",
        options.loose,
        "--delay-ms",
        options.delay_ms,
    ]
    with serving(switches) as url, tempfile.TemporaryDirectory(prefix="oomirror-repeat-", dir=options.dir) as name:
        folder = Path(name)
        environment = environment_of(folder, url)
        measure([*OOMIRROR, "init"], environment)
        fill_catalog(environment)
        first, report = sync_once(environment)
        _show("first sync", [first])
        print(f"up to date: {report['up_to_date']}")
        _show("oomirror sync", [sync_once(environment)[0] for _ in range(options.runs)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
