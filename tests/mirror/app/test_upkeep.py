"""`oomirror catalog check|upgrade`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from catalog import migrate
from catalog.errors import CatalogMissingError, CatalogNewerError
from catalog.session import migrating
from mirror.app.upkeep import check_catalog, upgrade
from mirror.config import Settings
from tests.mirror.app.catalogs import N5, write_catalog

HEAD = migrate.OURS.head


@pytest.fixture
def known(tmp_path: Path) -> Settings:
    """Settings of a filled catalog."""
    return write_catalog(tmp_path)


def spoil(folder: Path, statement: str) -> None:
    """Run a statement behind the program's back."""
    with closing(sqlite3.connect(folder / "catalog.db", isolation_level=None)) as raw:
        raw.execute(statement)


@pytest.mark.parametrize(
    ("full", "looks"),
    [
        (False, ["revision", "pages", "references", "sums"]),
        (True, ["revision", "pages", "references", "sums", "listings", "tables"]),
    ],
)
def test_a_sound_catalog(known: Settings, *, full: bool, looks: list[str]) -> None:
    """Each look has a line that says it is good; the full one compares the tables, too."""
    lines = check_catalog(known, full=full)
    assert [line.check for line in lines if line.good] == looks
    assert all(line.good for line in lines)


@pytest.mark.parametrize(
    ("statement", "check", "word"),
    [
        pytest.param("UPDATE mirror_state SET objects = 77 WHERE prefix LIKE '%s1/'", "sums", "77 objects", id="sum"),
        pytest.param("DELETE FROM mirrored_object", "sums", "2 objects", id="rows gone"),
        pytest.param("UPDATE volume SET container_id = 99", "references", "volume 1 -> container", id="reference"),
        pytest.param("UPDATE shard SET array_id = NULL", "listings", "volumes/raw/s1/ 2 objects of none", id="listing"),
        pytest.param("CREATE TABLE stray (x)", "tables", "stray", id="table"),
    ],
)
def test_a_fault_is_named(known: Settings, tmp_path: Path, statement: str, check: str, word: str) -> None:
    """What is wrong has a line of its own, with its place, what was expected and what was found."""
    spoil(tmp_path, statement)
    faults = [line for line in check_catalog(known, full=True) if not line.good]
    assert {line.check for line in faults} == {check}
    assert any(word in f"{line.place} {line.found} {line.expected}" for line in faults)


def test_the_place_of_a_wrong_sum_is_a_url(known: Settings, tmp_path: Path) -> None:
    """It can be pasted into other tools."""
    spoil(tmp_path, "UPDATE mirror_state SET objects = 77 WHERE prefix LIKE '%s1/'")
    (fault,) = (line for line in check_catalog(known) if not line.good)
    assert fault.place == f"s3://janelia-cosem-publications/{N5}volumes/raw/s1/"


def test_a_damaged_file_is_a_fault_and_no_error(known: Settings, tmp_path: Path) -> None:
    """Pages that do not fit together are what the command looks for."""
    file = tmp_path / "catalog.db"
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    assert any(not line.good for line in check_catalog(known))


def test_an_older_catalog_is_checked_as_it_is_and_upgraded(known: Settings, tmp_path: Path) -> None:
    """Its revision is the fault, with the command that mends it; the upgrade says what it did, once."""
    before = migrate.OURS.revisions[-2]
    with migrating(known.catalog) as connection:
        migrate.downgrade(connection, before)
    faults = [line for line in check_catalog(known) if not line.good]
    assert [(line.check, line.found) for line in faults] == [("revision", before)]
    assert "oomirror catalog upgrade" in faults[0].expected
    done = upgrade(known)
    assert (done.before, done.after, done.backup) == (before, HEAD, f"{tmp_path}/catalog.db.{before}.bak")
    again = upgrade(known)
    assert (again.before, again.after, again.backup) == (HEAD, HEAD, None)
    assert all(line.good for line in check_catalog(known))


def test_a_newer_catalog_is_refused(known: Settings, tmp_path: Path) -> None:
    """What this version cannot know it neither checks nor upgrades."""
    spoil(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    for look in (check_catalog, upgrade):
        with pytest.raises(CatalogNewerError):
            look(known)


def test_without_a_catalog(tmp_path: Path) -> None:
    """Neither command makes one."""
    settings = Settings(catalog=f"sqlite:///{tmp_path}/none.db")
    for look in (check_catalog, upgrade):
        with pytest.raises(CatalogMissingError, match="oomirror init"):
            look(settings)
    assert not (tmp_path / "none.db").exists()
