"""`oomirror catalog objects`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.session import open_catalog
from catalog.tables import listed_block, mirrored_block
from mirror.app.objects import ObjectList
from mirror.config import Settings
from mirror.errors import UnknownNameError, UsageError
from mirror.report.model import ObjectLine
from tests.mirror.app.catalogs import HELA, N5, ROOT_B, write_catalog

S0 = f"{N5}volumes/raw/s0/"


@pytest.fixture
def known(tmp_path: Path) -> Settings:
    """Settings of a filled catalog."""
    return write_catalog(tmp_path)


def lines_of(known: Settings, **asked: Any) -> list[ObjectLine]:
    """Return the objects that were asked for."""
    with ObjectList(known, HELA, **asked) as objects:
        return list(objects.lines())


def test_an_object_says_where_it_is(known: Settings) -> None:
    """Bucket, share, how it was verified, and by which run; the ETag as S3 spells it."""
    lines = {line.key: line for line in lines_of(known)}
    assert len(lines) == 6
    block, absent = lines[f"{S0}0/0/0"], lines[f"{S0}1/0/0"]
    assert (block.in_bucket, block.on_share, block.current, block.verified, block.adopted) == (
        True,
        True,
        True,
        "size_only",
        True,
    )
    assert (absent.on_share, absent.current, absent.verified, absent.run) == (False, None, None, None)
    assert absent.etag == (b"e" * 16).hex()


@pytest.mark.parametrize(
    ("asked", "n"),
    [
        pytest.param({"bucket": "b"}, 6, id="bucket"),
        pytest.param({"volume": "volumes/raw"}, 5, id="volume"),
        pytest.param({"volume": "volumes/raw", "level": "s0"}, 3, id="level"),
        pytest.param({"prefix": "READ"}, 1, id="prefix"),
        pytest.param({"limit": 2}, 2, id="limit"),
    ],
)
def test_objects_are_chosen(known: Settings, asked: dict[str, Any], n: int) -> None:
    """By bucket, volume, level, or the beginning of the key below the dataset's folder."""
    assert len(lines_of(known, **asked)) == n


def test_what_was_left_out_is_known(known: Settings) -> None:
    """The number of listed objects comes from sums; whether a limit cut the list, from the rows."""
    with ObjectList(known, HELA, limit=2) as objects:
        list(objects.lines())
    assert (objects.n_listed, objects.n_shown, objects.is_cut) == (6, 2, True)
    with ObjectList(known, HELA, limit=6) as objects:
        list(objects.lines())
    assert (objects.n_rows, objects.is_cut) == (6, False)


def test_a_catalog_without_block_rows_says_how_many_it_lacks(known: Settings) -> None:
    """A published catalog keeps the sums of blocks alone; they are missed in the rows."""
    with open_catalog(known.catalog) as catalog, catalog.begin() as connection:
        for table in (listed_block, mirrored_block):
            connection.execute(table.delete())
    with ObjectList(known, HELA) as objects:
        assert [line.key for line in objects.lines()] == [
            f"{ROOT_B}README.md",
            f"{S0}attributes.json",
            f"{N5}volumes/raw/s1/attributes.json",
        ]
    assert objects.n_listed - objects.n_rows == 3


@pytest.mark.parametrize(
    ("asked", "error", "word"),
    [
        pytest.param({"level": "s0"}, UsageError, "--volume", id="level without volume"),
        pytest.param({"prefix": "x", "volume": "volumes/raw"}, UsageError, "one of them", id="prefix and volume"),
        pytest.param({"volume": "volumes/rww"}, UnknownNameError, "volumes/raw", id="volume"),
        pytest.param({"volume": "volumes/raw", "level": "s7"}, UnknownNameError, "s1", id="level"),
        pytest.param({"bucket": "c"}, UnknownNameError, "a, b", id="bucket"),
    ],
)
def test_what_cannot_be_asked(known: Settings, asked: dict[str, Any], error: type[Exception], word: str) -> None:
    """Names that do not exist, and places that exclude each other, are wrong usage."""
    with pytest.raises(error, match=word):
        lines_of(known, **asked)
