"""Which catalog a reading command gets, and what its user is told."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from catalog import migrate
from catalog.config import sqlite_url
from catalog.errors import CatalogDamagedError, CatalogError, CatalogMissingError, CatalogNewerError
from catalog.session import open_catalog
from mirror.app.inventory import list_datasets, list_levels
from mirror.app.listings import list_runs, list_volumes
from mirror.app.objects import ObjectList
from mirror.app.reading import catalog_for_reading, is_share_seen, published_file, readable_share
from mirror.app.search import search
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.errors import MirrorError, UnsafeError
from mirror.keys import ShareRules
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.store.share import Share
from mirror.telling import told_by

DATASET = "jrc_hela-2"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def mirrored(lab: Settings) -> Settings:
    """Return the lab after its first run."""
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s2-"))
    asyncio.run(sync(lab, SyncRequest((DATASET,), "b", spec)))
    return lab


@pytest.fixture
def laptop(mirrored: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a machine that sees the share, and has neither a catalog nor a network."""
    buckets = {name: one.model_copy(update={"endpoint_url": NOWHERE}) for name, one in mirrored.buckets.items()}
    return mirrored.model_copy(update={"catalog": sqlite_url(tmp_path / "none.db"), "buckets": buckets})


def test_a_catalog_of_its_own_comes_first(mirrored: Settings) -> None:
    """Nothing is told then."""
    told: list[str] = []
    with told_by(told.append), catalog_for_reading(mirrored) as catalog:
        assert not catalog.is_published
    assert told == []


def test_without_one_the_published_is_read_and_that_is_said(laptop: Settings, tmp_path: Path) -> None:
    """Once, with its date and the machine that published it; no catalog is made."""
    told: list[str] = []
    with told_by(told.append), catalog_for_reading(laptop) as catalog:
        assert catalog.is_published
    (sentence,) = told
    assert sentence.startswith("Read from the catalog that was published on the share at 20")
    assert sentence.endswith("this machine has none of its own.")
    assert not (tmp_path / "none.db").exists()


def test_a_catalog_that_holds_nothing_hides_nothing(laptop: Settings, tmp_path: Path) -> None:
    """A sync that reached no bucket made it: the published one is read, unless that cannot be read."""
    told: list[str] = []
    open_catalog(sqlite_url(tmp_path / "none.db")).close()
    with told_by(told.append), catalog_for_reading(laptop) as catalog:
        assert catalog.is_published
    assert told[0].endswith("this machine's own holds nothing yet.")
    published_file(laptop.share_root()).write_bytes(os.urandom(20_000))
    with catalog_for_reading(laptop) as catalog:
        assert not catalog.is_published


def test_one_that_knows_the_share_and_nothing_else_hides_nothing_either(laptop: Settings) -> None:
    """An `init` on the laptop made it, of the share that is mounted there under another path, some other day."""
    init(laptop)
    with catalog_for_reading(laptop) as catalog:
        assert catalog.is_published
    assert list_levels(laptop, DATASET, "b")


def test_commands_that_write_bring_an_older_catalog_to_this_version(mirrored: Settings) -> None:
    """Those that read the share only refuse it."""
    with open_catalog(mirrored.catalog) as catalog, catalog.engine.begin() as connection:
        migrate.downgrade(connection, "0004")
    with pytest.raises(CatalogError, match="older"):
        readable_share(mirrored)
    readable_share(mirrored, writes=True)
    readable_share(mirrored)


def test_reading_commands_say_the_same_there(mirrored: Settings, laptop: Settings) -> None:
    """`ls`, `ls DATASET` and `search` of a laptop without network answer what the mirroring machine's catalog does."""
    told: list[str] = []
    unreachable: list[MirrorError] = []
    with told_by(told.append):
        datasets = list_datasets(laptop, "b", on_unreachable=unreachable.append)
        levels, found = list_levels(laptop, DATASET), search(laptop, "raw")
        volumes, runs = list_volumes(laptop, DATASET), list_runs(laptop)
    assert datasets == tuple(line for line in list_datasets(mirrored, "b") if line.mirrored.objects)
    assert len(unreachable) == 1
    assert levels == list_levels(mirrored, DATASET)
    assert found == search(mirrored, "raw")
    assert volumes == list_volumes(mirrored, DATASET)
    assert runs == list_runs(mirrored)
    assert len(told) == 5


def test_objects_are_not_told_from_sums(laptop: Settings) -> None:
    """A list of none would be a lie: the command says where it can be asked."""
    with pytest.raises(CatalogError, match="the machine that mirrors"), ObjectList(laptop, DATASET):
        pass


def test_without_either_the_hint_is_how_to_make_one(lab: Settings, tmp_path: Path) -> None:
    """As before there were published catalogs; also without a share."""
    nothing = lab.model_copy(update={"catalog": sqlite_url(tmp_path / "none.db")})
    for settings in (nothing, nothing.model_copy(update={"share": None})):
        with pytest.raises(CatalogMissingError, match="oomirror init"):
            catalog_for_reading(settings)


def test_a_damaged_one_is_told(laptop: Settings) -> None:
    """It is not passed over in silence: the share has one, and something happened to it."""
    published_file(laptop.share_root()).write_bytes(os.urandom(20_000))
    with pytest.raises(CatalogDamagedError, match="publishes it anew"):
        catalog_for_reading(laptop)


def test_a_newer_one_is_refused(laptop: Settings) -> None:
    """With what to do on this machine."""
    with closing(sqlite3.connect(published_file(laptop.share_root()))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(CatalogNewerError, match="Upgrade oomirror on this machine"):
        catalog_for_reading(laptop)


def test_the_share_is_the_one_that_the_catalog_knows(mirrored: Settings, laptop: Settings) -> None:
    """A machine's own catalog, else the published one; marked anew, it is neither's."""
    for settings in (mirrored, laptop):
        assert readable_share(settings).root == mirrored.share
        assert is_share_seen(settings)
    Share(mirrored.share_root()).write_marker(ShareRules())
    for settings in (mirrored, laptop):
        with pytest.raises(UnsafeError, match="another share"):
            readable_share(settings)
        with pytest.raises(UnsafeError, match="another share"):
            is_share_seen(settings)


def test_where_no_catalog_knows_any_the_mark_is_enough(laptop: Settings) -> None:
    """Also beside a published catalog that nobody can read, and one of its own that knows no share."""
    published_file(laptop.share_root()).write_bytes(os.urandom(20_000))
    assert readable_share(laptop).root == laptop.share
    published_file(laptop.share_root()).unlink()
    open_catalog(laptop.catalog).close()
    assert readable_share(laptop).root == laptop.share
    (laptop.share_root() / ".oomirror" / "marker.json").unlink()
    assert not is_share_seen(laptop)
    with pytest.raises(UnsafeError, match="not marked"):
        readable_share(laptop)


def test_what_is_published_on_another_share_is_not_read(laptop: Settings, tmp_path: Path) -> None:
    """A catalog that holds nothing but the mark of its share is of that one."""
    share = laptop.model_copy(update={"share": tmp_path / "other"})
    init(share, config=tmp_path / "other.toml")
    with pytest.raises(UnsafeError, match="another share"):
        readable_share(laptop)
    with catalog_for_reading(laptop) as catalog:
        assert not catalog.is_published


def test_without_reading_its_own_catalog_nobody_knows(mirrored: Settings, tmp_path: Path) -> None:
    """That is said, and no mark is believed."""
    (tmp_path / "catalog.db").write_bytes(os.urandom(20_000))
    with pytest.raises(CatalogDamagedError):
        readable_share(mirrored)
