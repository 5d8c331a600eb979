"""One process writes, another one reads: the reader never fails and never waits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog import migrate, queries
from catalog.session import open_catalog
from tests.catalog import builders

ROOT = str(Path(migrate.__file__).parents[1])
READ_LIMIT_SECONDS = 2.0
"""Far below the 30 s that a writer waits, and above what a loaded machine makes of a read of milliseconds."""
BATCH = 500

WRITER = f"""
import sys, time
from catalog import queries
from catalog.session import open_catalog
from tests.catalog import builders

with open_catalog(sys.argv[1]) as catalog:
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        array = queries.put_array(connection, builders.array_record(bucket))
        run = builders.start_run(connection, bucket)
    rows = list(builders.mirrored_block_rows(100_000, array, run))
    deadline = time.monotonic() + float(sys.argv[2])
    print("writing", flush=True)
    start = 0
    while time.monotonic() < deadline and start < len(rows):
        with catalog.begin() as connection:
            queries.put_mirrored_blocks(connection, rows[start : start + {BATCH}])
            # Held open for as long as a batch of a slow disk is: readers must not notice.
            time.sleep(0.05)
        start += {BATCH}
    print(start, flush=True)
"""


@pytest.mark.parametrize("is_read_only", [False, True], ids=["as a run", "as ls"])
def test_a_reader_neither_fails_nor_waits_while_another_process_writes(catalog_url: str, is_read_only: bool) -> None:
    """Each read sees whole batches, never fewer than before, and is over in a moment."""
    command = [sys.executable, "-c", WRITER, catalog_url, "2"]
    slowest, counts = 0.0, [0]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        with open_catalog(catalog_url, read_only=is_read_only) as catalog:
            while writer.poll() is None:
                started = time.monotonic()
                with catalog.read() as connection:
                    bucket = queries.find_bucket(connection, builders.BUCKET_B)
                    assert bucket is not None
                    (level,) = queries.level_states(connection, bucket, builders.DATASET)
                    again = queries.level_states(connection, bucket, builders.DATASET)
                slowest = max(slowest, time.monotonic() - started)
                assert again == (level,)
                counts.append(level.mirrored.objects)
        written = int(writer.stdout.readline())
    assert writer.returncode == 0
    assert counts == sorted(counts)
    assert {count % BATCH for count in counts} == {0}
    assert len(set(counts)) > 2
    assert max(counts) <= written
    assert slowest < READ_LIMIT_SECONDS


def test_a_reader_does_not_wait_for_an_open_transaction(catalog_url: str) -> None:
    """While a write transaction is held open, a read is over at once and shows what was committed before."""
    with open_catalog(catalog_url) as writing, open_catalog(catalog_url) as reading, writing.begin() as connection:
        queries.bucket_id(connection, builders.BUCKET_B)
        started = time.monotonic()
        with reading.read() as other:
            assert queries.find_bucket(other, builders.BUCKET_B) is None
        assert time.monotonic() - started < READ_LIMIT_SECONDS
