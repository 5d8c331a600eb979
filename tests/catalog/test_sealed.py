"""A published catalog is read as it is: nothing beside it, nothing believed of a damaged one."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalog import queries
from catalog.config import sqlite_url
from catalog.errors import CatalogDamagedError, CatalogError, CatalogMissingError, CatalogNewerError
from catalog.publish import write_sealed_copy
from catalog.sealed import open_sealed
from catalog.session import Catalog, open_catalog
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, DATASET
from tests.catalog.test_publish import SEAL


@pytest.fixture(scope="module")
def filled_catalog(tmp_path_factory: pytest.TempPathFactory, blank_catalog: Path) -> Path:
    """A catalog with a few hundred levels, to be copied."""
    file = Path(shutil.copy(blank_catalog, tmp_path_factory.mktemp("filled")))
    with open_catalog(sqlite_url(file)) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, BUCKET_B)
        builders.start_run(connection, bucket)
        for number in range(300):
            queries.put_array(connection, builders.array_record(bucket, f"labels/{number}/s0"))
    return file


@pytest.fixture
def catalog(tmp_path: Path, filled_catalog: Path) -> Iterator[Catalog]:
    """Yield a catalog with a few hundred levels, on one database: what is published is a file in any case."""
    with open_catalog(sqlite_url(Path(shutil.copy(filled_catalog, tmp_path)))) as opened:
        yield opened


@pytest.fixture(scope="module")
def sealed_copy(filled_catalog: Path) -> Path:
    """The same as it is published, to be copied: making it takes a second."""
    file = filled_catalog.with_name("catalog.sqlite")
    with open_catalog(sqlite_url(filled_catalog)) as catalog:
        write_sealed_copy(catalog, file, SEAL)
    return file


@pytest.fixture
def published(sealed_copy: Path, tmp_path: Path) -> Path:
    """Return a published catalog, alone in a folder."""
    (tmp_path / "share").mkdir()
    return Path(shutil.copy(sealed_copy, tmp_path / "share"))


def read_all(file: Path) -> int:
    """Read what `ls` reads, and return the number of levels."""
    with open_sealed(file) as catalog, catalog.read() as connection:
        bucket = queries.find_bucket(connection, BUCKET_B) or 0
        queries.runs(connection)
        queries.search(connection, "labels")
        return len(queries.level_states(connection, bucket, DATASET))


def test_nothing_is_written_beside_it(published: Path) -> None:
    """Neither a log nor a lock: a share may be read-only, and others read the file, too."""
    with open_sealed(published) as catalog:
        assert read_all(published) == 300
        assert [path.name for path in published.parent.iterdir()] == ["catalog.sqlite"]
        with pytest.raises(CatalogError, match="reading only"), catalog.begin():
            pass


def test_a_reader_goes_on_while_the_file_is_replaced(published: Path, catalog: Catalog) -> None:
    """Who has it open reads the old one to the end; who opens it then reads the new one."""
    with open_sealed(published) as reader, reader.read() as connection:
        assert len(queries.level_states(connection, 1, DATASET)) == 300
        with catalog.begin() as writing:
            queries.put_array(writing, builders.array_record(1, "labels/new/s0"))
        write_sealed_copy(catalog, published.with_name("new"), SEAL)
        published.with_name("new").replace(published)
        assert len(queries.level_states(connection, 1, DATASET)) == 300
        assert read_all(published) == 301


def test_without_one_it_is_missing(tmp_path: Path) -> None:
    """A folder of that name is none, either."""
    for name in ("catalog.sqlite", "."):
        with pytest.raises(CatalogMissingError):
            open_sealed(tmp_path / name)


def run_sql(sql: str) -> Callable[[Path], None]:
    """Return what changes a published file by SQL."""

    def change(file: Path) -> None:
        """Run it."""
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(sql)

    return change


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        pytest.param(lambda file: file.write_bytes(b"hello" * 999), CatalogDamagedError, "damaged", id="other-bytes"),
        pytest.param(lambda file: file.write_bytes(b""), CatalogError, "older", id="empty"),
        pytest.param(
            lambda file: file.write_bytes(file.read_bytes()[:9000]), CatalogDamagedError, "damaged", id="cut-off"
        ),
        pytest.param(run_sql("DELETE FROM seal"), CatalogDamagedError, "no seal", id="no-seal"),
        pytest.param(run_sql("DROP TABLE seal"), CatalogError, "seal", id="a-catalog-that-was-never-sealed"),
        pytest.param(run_sql("DROP TABLE alembic_version"), CatalogError, "not a catalog", id="no-revision"),
        pytest.param(
            run_sql("UPDATE alembic_version SET version_num = '9999'"), CatalogNewerError, "newer", id="newer"
        ),
        pytest.param(run_sql("UPDATE alembic_version SET version_num = '0001'"), CatalogError, "older", id="older"),
        pytest.param(
            run_sql("UPDATE seal SET published_at = 'yesterday'"), CatalogDamagedError, "yesterday", id="no-moment"
        ),
        pytest.param(
            run_sql("UPDATE array SET shape_xyz = '[12'"), CatalogDamagedError, "a value that is none", id="no-json"
        ),
    ],
)
def test_what_cannot_be_used_is_refused(
    published: Path, change: Callable[[Path], None], kind: type[CatalogError], words: str
) -> None:
    """In a sentence that says what is wrong with it."""
    change(published)
    with pytest.raises(kind, match=words) as caught:
        read_all(published)
    assert "bak" not in caught.value.hint, "advice for the owner of a catalog is of no use to its reader"


def test_hostile_bytes_end_in_a_sentence_or_in_nothing(published: Path) -> None:
    """Wherever bytes are overwritten, a reader is told that the file is damaged, or reads what is left."""
    whole, broken = published.read_bytes(), published.with_name("broken")
    source = random.Random(5)
    n_refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(source.choice([1, 50])):
            start = source.randrange(len(data))
            noise = source.randbytes(source.randrange(1, 200))
            data[start : start + len(noise)] = noise
        broken.write_bytes(data)
        try:
            read_all(broken)
        except CatalogError:
            n_refused += 1
    assert n_refused


def test_a_path_with_odd_characters_is_opened(published: Path, tmp_path: Path) -> None:
    """What an address would read as a query or a fragment is a name here."""
    odd = tmp_path / "lab 100% #1?x=y"
    odd.mkdir()
    shutil.copy(published, odd / "catalog.sqlite")
    assert read_all(odd / "catalog.sqlite") == 300
