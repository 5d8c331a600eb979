"""What lies on the share after a run: a sealed catalog and a page, whole at every instant, and no failure of a run."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

from catalog import queries
from catalog.config import sqlite_url
from catalog.sealed import open_sealed
from catalog.session import Catalog, open_catalog
from mirror.app.adopt import adopt
from mirror.app.publish import PAGE_FILE, Publisher, origin_of, publish_where_ours
from mirror.app.reading import published_file
from mirror.app.scan import scan
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, exit_code_of, sync
from mirror.config import Settings
from mirror.engine.events import Event, Note
from mirror.errors import ExitCode
from mirror.report.model import SyncReport
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.store.share import Share
from mirror.store.staging import sweep

DATASET = "jrc_hela-2"
RAW = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s2-"))


def mirror(lab: Settings, events: list[Event] | None = None) -> SyncReport:
    """Mirror the coarse levels of raw."""

    def take(event: Event) -> None:
        """Keep an event."""
        if events is not None:
            events.append(event)

    return asyncio.run(sync(lab, SyncRequest((DATASET,), "b", RAW), sink=take))


def notes_of(events: list[Event]) -> list[str]:
    """Return what was said of publishing."""
    return [event.text for event in events if isinstance(event, Note) and "published" in event.text]


def own_files(lab: Settings) -> set[str]:
    """Return the names of all files of ours on the share."""
    own = lab.share_root() / ".oomirror"
    return {str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()}


@pytest.fixture
def catalog(lab: Settings) -> Iterator[Catalog]:
    """Yield the lab's catalog after a run."""
    mirror(lab)
    with open_catalog(lab.catalog) as opened:
        yield opened


def test_after_a_run_both_are_there(lab: Settings) -> None:
    """The catalog says the run is done, the page shows the dataset, and nothing unfinished lies beside them."""
    events: list[Event] = []
    report = mirror(lab, events)
    assert notes_of(events) == []
    assert own_files(lab) == {"marker.json", "catalog.sqlite", "index.html"}
    with open_sealed(published_file(lab.share_root())) as published, published.read() as connection:
        (run,) = queries.runs(connection)
        assert (run.id, run.state) == (report.run, "done")
        assert published.seal.host == socket.gethostname()
    page = html.parse(lab.share_root() / ".oomirror" / PAGE_FILE)
    assert page.xpath("//details[@class='ds']/summary//h2/text()") == [DATASET]


def test_a_dry_run_publishes_nothing(lab: Settings) -> None:
    """It writes nothing on the share at all."""
    asyncio.run(sync(lab, SyncRequest((DATASET,), "b", RAW, dry_run=True)))
    assert own_files(lab) == {"marker.json"}


def test_adopt_publishes(lab: Settings, tmp_path: Path) -> None:
    """What lay on the share shows up as adopted."""
    mirror(lab)
    fresh = lab.model_copy(update={"catalog": sqlite_url(tmp_path / "fresh.db")})
    asyncio.run(adopt(fresh, (DATASET,), bucket="b"))
    assert "adopted" in (lab.share_root() / ".oomirror" / PAGE_FILE).read_text()


def test_a_scan_publishes_where_the_share_is_ours(lab: Settings) -> None:
    """What it listed shows at once."""
    asyncio.run(scan(lab, (DATASET,), bucket="b"))
    page = html.parse(lab.share_root() / ".oomirror" / PAGE_FILE)
    assert page.xpath("//p[text()='Nothing has been mirrored yet.']")
    assert DATASET in page.xpath("//details[@class='more']//a/text()")


def test_a_scan_leaves_what_another_catalog_published(lab: Settings, tmp_path: Path) -> None:
    """Someone's laptop that lists a bucket does not hide what the mirroring machine knows; its own run would."""
    mirror(lab)
    before = published_file(lab.share_root()).read_bytes()
    laptop = lab.model_copy(update={"catalog": sqlite_url(tmp_path / "laptop.db")})
    init(laptop, config=tmp_path / "oomirror.toml")
    asyncio.run(scan(laptop, (DATASET,), bucket="b"))
    assert published_file(lab.share_root()).read_bytes() == before
    mirror(laptop)
    with open_sealed(published_file(lab.share_root())) as published:
        assert published.seal.origin.endswith("laptop.db")


def test_a_scan_says_nothing_of_a_share_that_is_not_there(lab: Settings, tmp_path: Path) -> None:
    """A laptop in a train lists a bucket as well."""
    mirror(lab)
    (tmp_path / "share").rename(tmp_path / "away")
    with open_catalog(lab.catalog) as catalog:
        assert publish_where_ours(lab, catalog) == ()
        assert publish_where_ours(lab.model_copy(update={"share": None}), catalog) == ()
    assert not (tmp_path / "share").exists()


@pytest.mark.parametrize("name", ["catalog.sqlite", "index.html"])
def test_a_name_that_cannot_be_given_fails_no_run(lab: Settings, name: str) -> None:
    """As over SMB, where a file that is open on Windows cannot be replaced: said, and tried again by the next run."""
    in_the_way = lab.share_root() / ".oomirror" / name
    (in_the_way / "x").mkdir(parents=True)
    events: list[Event] = []
    report = mirror(lab, events)
    assert exit_code_of(report) is ExitCode.DONE
    (note,) = notes_of(events)
    assert name in note
    assert "the next run tries again" in note
    assert own_files(lab) == {"marker.json", "catalog.sqlite", "index.html"} - {name}
    (in_the_way / "x").rmdir()
    in_the_way.rmdir()
    mirror(lab)
    assert own_files(lab) == {"marker.json", "catalog.sqlite", "index.html"}


def test_whatever_goes_wrong_is_a_note(lab: Settings, catalog: Catalog) -> None:
    """A share that cannot be written, a catalog that is damaged: one sentence each, and the old files stay."""
    share = Share(lab.share_root())
    publisher = Publisher.of(lab, catalog, share)
    before = published_file(share.root).read_bytes()
    (share.own / "tmp").rmdir()
    (share.own / "tmp").write_text("a file in the way")
    (note,) = publisher.publish()
    assert "cannot write on the share" in note
    (share.own / "tmp").unlink()
    with catalog.begin() as connection:
        connection.exec_driver_sql("UPDATE run SET started_at = 'yesterday'")
    (note,) = publisher.publish()
    assert "damaged" in note
    assert published_file(share.root).read_bytes() == before


def test_a_read_only_share_is_a_note(lab: Settings, catalog: Catalog) -> None:
    """The run before ended well, and the share was locked since: said once, and readers still read the old one."""
    share = Share(lab.share_root())
    subprocess.run(["mount", "--bind", share.root, share.root], capture_output=True, check=False)
    answer = subprocess.run(["mount", "-o", "remount,ro,bind", share.root], capture_output=True, check=False)
    if answer.returncode:
        pytest.skip("cannot mount read-only here")
    try:
        (note,) = Publisher.of(lab, catalog, share).publish()
        with open_sealed(published_file(share.root)) as published, published.read() as connection:
            assert queries.runs(connection)
    finally:
        subprocess.run(["umount", share.root], check=True)
    assert "read-only" in note.lower()


def test_two_that_publish_at_once_leave_whole_files(lab: Settings, catalog: Catalog) -> None:
    """The later one stays; a reader finds a whole catalog at every moment."""
    share = Share(lab.share_root())
    notes: list[str] = []

    def publish(times: int = 8) -> None:
        """Publish again and again."""
        publisher = Publisher.of(lab, catalog, share)
        for number in range(times):
            notes.extend(replace(publisher, room=f"{publisher.room}{number}").publish())

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    n_reads = 0
    while any(thread.is_alive() for thread in threads):
        assert is_whole(published_file(share.root))
        n_reads += 1
    for thread in threads:
        thread.join()
    assert notes == []
    assert n_reads
    assert own_files(lab) == {"marker.json", "catalog.sqlite", "index.html"}


def is_whole(file: Path) -> bool:
    """Return whether SQLite finds nothing wrong with a published file."""
    with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


_FOR_EVER = """
import sys
from pathlib import Path
from catalog.session import open_catalog
from mirror.app.publish import Publisher
from mirror.store.share import Share
from mirror.store.staging import FilePolicy
publisher = Publisher(open_catalog(sys.argv[1]), Share(Path(sys.argv[2])), FilePolicy(), sys.argv[3])
print("ready", flush=True)
while not (notes := publisher.publish()):
    print("published", flush=True)
print(*notes, flush=True)
"""


def test_killed_at_any_moment_the_old_or_the_new_is_there(lab: Settings, catalog: Catalog, tmp_path: Path) -> None:
    """SIGKILL leaves both files whole, and what lies under tmp/ goes with the next run's sweep."""
    share = Share(lab.share_root())
    chance = random.Random(7)
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    for number in range(6):
        # A room of its own, as each run has: what the one before left in its room stays there until the sweep.
        command = [sys.executable, "-c", _FOR_EVER, lab.catalog, str(share.root), f"killed-{number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            assert process.stdout.readline() == "published\n"
            time.sleep(chance.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        assert is_whole(published_file(share.root))
        assert (share.own / PAGE_FILE).read_text().endswith("</html>\n")
    sweep(share, set)
    assert own_files(lab) == {"marker.json", "catalog.sqlite", "index.html"}


def test_catalogs_are_told_apart(lab: Settings, catalog: Catalog) -> None:
    """A file is another catalog on another machine; a server's is the same from everywhere."""
    assert origin_of(catalog) == f"{socket.gethostname()}: {lab.catalog}"
    server = replace(catalog, url="postgresql://lab:***@db/oomirror")
    assert origin_of(server) == "postgresql://lab:***@db/oomirror"
