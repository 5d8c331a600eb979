"""One process writes, another one reads: the reader never fails and never waits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog import migrate, queries
from catalog.config import BUSY_SECONDS
from catalog.session import Catalog, open_catalog
from tests.catalog import builders

ROOT = str(Path(migrate.__file__).parents[1])
READ_LIMIT_SECONDS = BUSY_SECONDS / 2
"""Far above what a loaded machine makes of a read of milliseconds: who waited for the writer would wait longer."""
BATCH = 500
WRITING_SECONDS = 1.5

WRITER = f"""
import os, sys, time
from catalog import queries
from catalog.session import Catalog, open_catalog
from tests.catalog import builders

with open_catalog(sys.argv[1]) as catalog:
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        array = queries.put_array(connection, builders.array_record(bucket))
        run = builders.start_run(connection, bucket)
    rows = list(builders.mirrored_block_rows(100_000, array, run))
    print("writing", flush=True)
    start = 0
    while not os.path.exists(sys.argv[2]) and start < len(rows):
        with catalog.begin() as connection:
            queries.put_mirrored_blocks(connection, rows[start : start + {BATCH}])
            # Held open for as long as a batch of a slow disk is: readers must not notice.
            time.sleep(0.05)
        start += {BATCH}
    print(start, flush=True)
"""


@pytest.mark.parametrize("is_read_only", [False, True], ids=["as a run", "as ls"])
def test_a_reader_neither_fails_nor_waits_while_another_process_writes(
    catalog_url: str, tmp_path: Path, is_read_only: bool
) -> None:
    """Each read sees whole batches, never fewer than before, and is over in a moment."""
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", WRITER, catalog_url, str(stop)]
    slowest, counts = 0.0, [0]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        until = time.monotonic() + WRITING_SECONDS
        with open_catalog(catalog_url, read_only=is_read_only) as catalog:
            while writer.poll() is None:
                if time.monotonic() > until and len(set(counts)) > 2:
                    stop.touch()
                started = time.monotonic()
                count = _count_twice(catalog)
                slowest = max(slowest, time.monotonic() - started)
                counts.append(count)
        written = int(writer.stdout.readline())
    assert writer.returncode == 0
    assert counts == sorted(counts)
    assert {count % BATCH for count in counts} == {0}
    assert max(counts) <= written
    assert len(set(counts)) > 2
    assert slowest < READ_LIMIT_SECONDS


def _count_twice(catalog: Catalog) -> int:
    """Return how many objects of the level are on the share, the same at a second look in one transaction."""
    with catalog.read() as connection:
        bucket = queries.find_bucket(connection, builders.BUCKET_B)
        assert bucket is not None
        first, second = (queries.level_states(connection, bucket, builders.DATASET) for _ in range(2))
    assert first == second
    return first[0].mirrored.objects


def test_a_reader_does_not_wait_for_an_open_transaction(catalog_url: str) -> None:
    """While a write transaction is held open, a read is over at once and shows what was committed before."""
    with open_catalog(catalog_url) as writing, open_catalog(catalog_url) as reading, writing.begin() as connection:
        queries.bucket_id(connection, builders.BUCKET_B)
        with reading.read() as other:
            # Who waited here would wait for ever: the writer is this very thread.
            assert queries.find_bucket(other, builders.BUCKET_B) is None
