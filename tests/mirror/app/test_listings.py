"""`oomirror catalog datasets|volumes|levels|runs|findings|facts`, on a catalog that was written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.errors import CatalogMissingError
from mirror.app import listings
from mirror.config import Settings
from mirror.errors import UnknownNameError
from mirror.report.model import Amount
from tests.mirror.app.catalogs import HELA, N5, START, write_catalog


@pytest.fixture
def known(tmp_path: Path) -> Settings:
    """Settings of a filled catalog."""
    return write_catalog(tmp_path)


def test_datasets_of_all_buckets(known: Settings) -> None:
    """Each bucket's datasets come with title, counts, and what is listed and mirrored."""
    jurkat, hela = listings.list_known_datasets(known)
    assert (jurkat.bucket, jurkat.dataset, jurkat.listed, jurkat.title) == ("a", "jrc_jurkat-1", None, None)
    assert (hela.bucket, hela.dataset, hela.title) == ("b", HELA, "A HeLa cell")
    assert (hela.volumes, hela.levels, hela.findings) == (2, 3, 1)
    assert (hela.listed, hela.mirrored) == (Amount(objects=6, bytes=44), Amount(objects=3, bytes=23))
    assert [line.dataset for line in listings.list_known_datasets(known, HELA)] == [HELA]


def test_volumes(known: Settings) -> None:
    """A volume says what it shows, its finest voxels, and how much of all its levels the share has."""
    prediction, raw = listings.list_volumes(known, HELA)
    assert (raw.container, raw.format, raw.format_version, raw.volume) == (f"{HELA}.n5", "n5", "2.0.0", "volumes/raw")
    assert (raw.levels, raw.shape_zyx, raw.voxel_size_nm_zyx) == (("s0", "s1"), (20, 60, 100), (5.24, 4.0, 4.0))
    assert (raw.listed, raw.mirrored, raw.state) == (
        Amount(objects=5, bytes=39),
        Amount(objects=3, bytes=23),
        "partial",
    )
    assert (raw.mirrored_y, raw.mirrored_y_source) == (None, None)
    assert (prediction.mirrored_y, prediction.mirrored_y_source) == (True, "manifest.json")
    assert (prediction.listed, prediction.state, prediction.organelle) == (None, "none", "endoplasmic reticulum (ER)")


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        pytest.param({"kind": "em"}, ["volumes/raw"], id="kind"),
        pytest.param({"organelle_class": "ER"}, ["volumes/labels/er_pred"], id="organelle"),
        pytest.param({"organelle_class": "er_golgi"}, [], id="pair"),
        pytest.param(
            {"with_vanished": True}, ["volumes/labels/er_pred", "volumes/masks/old", "volumes/raw"], id="vanished"
        ),
        pytest.param({"bucket": "a"}, [], id="bucket without volumes"),
    ],
)
def test_volumes_are_chosen(known: Settings, asked: dict[str, str], paths: list[str]) -> None:
    """By kind, by organelle in any spelling, by bucket; what vanished only when asked for."""
    assert [line.volume for line in listings.list_volumes(known, **asked)] == paths  # type: ignore[arg-type]


def test_levels(known: Settings) -> None:
    """A level says its grid, what of it is stored, and how what is on the share was verified."""
    s0, s1 = listings.list_level_table(known, HELA, volume="volumes/raw")
    assert (s0.level, s0.grid_blocks, s0.stored, s0.absent_blocks) == ("s0", 4, Amount(objects=2, bytes=14), 2)
    assert (s0.state, s0.published, s0.by_size_only, s0.adopted) == ("partial", False, 1, 1)
    assert (s1.state, s1.published, s1.by_md5) == ("whole", True, 2)
    assert s1.verified_last_at == START.replace(minute=1).isoformat()
    assert (s1.axes_zyx, s1.translation_nm_zyx, s1.block_size_zyx) == (("z", "y", "x"), (2.0, 1.0, 0.0), (64, 64, 64))


def test_a_level_found_before_volumes_were_kept_is_named_by_its_path(known: Settings) -> None:
    """Without a volume of the catalog, volume and level are read from the path."""
    (line,) = listings.list_level_table(known, "jrc_jurkat-1")
    assert (line.container, line.volume, line.level, line.kind) == ("j.n5", "em/fibsem-uint16", "s0", None)


def test_runs(known: Settings) -> None:
    """The newest comes first, with what it moved; a limit counts what was asked for."""
    sync, scan = listings.list_runs(known, HELA)
    assert (sync.kind, sync.moved, sync.seconds, sync.exit) == ("sync", Amount(objects=3, bytes=21), 60.0, 0)
    assert (scan.kind, scan.moved) == ("scan", Amount(objects=6, bytes=42))
    assert listings.list_runs(known, HELA, limit=1) == (sync,)
    assert listings.list_runs(known, bucket="a") == ()


def test_findings(known: Settings) -> None:
    """Open ones by default, with their place; those that are over when asked for."""
    (line,) = listings.list_findings(known)
    assert (line.bucket, line.code, line.place, line.closed_at) == ("b", "missing-level", f"{N5}volumes/raw/s2", None)
    assert len(listings.list_findings(known, with_closed=True)) == 2
    assert listings.list_findings(known, severity="note") == ()


def test_facts(known: Settings) -> None:
    """Each fact has its source, whatever JSON value it is."""
    facts = {line.name: (line.value, line.source) for line in listings.list_facts(known, HELA)}
    assert facts == {"title": ("A HeLa cell", "s3://x/README.json"), "year": (2017, "s3://x/y")}
    assert listings.list_facts(known, "jrc_jurkat-1") == ()


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        pytest.param(lambda known: listings.list_known_datasets(known, "jrc_hela"), HELA, id="dataset"),
        pytest.param(lambda known: listings.list_facts(known, "jrc_hela2"), HELA, id="dataset without facts"),
        pytest.param(lambda known: listings.list_runs(known, bucket="bb"), "b", id="bucket"),
        pytest.param(lambda known: listings.list_volumes(known, HELA, bucket="a"), "scan", id="other bucket"),
        pytest.param(lambda known: listings.list_volumes(known, kind="segmentaton"), "segmentation", id="kind"),
        pytest.param(lambda known: listings.list_volumes(known, organelle_class="mitto"), "mito", id="organelle"),
        pytest.param(lambda known: listings.list_level_table(known, volume="raw"), "volumes/raw", id="volume"),
        pytest.param(lambda known: listings.list_findings(known, severity="waring"), "warning", id="severity"),
    ],
)
def test_an_unknown_name_names_the_nearest(known: Settings, ask: Callable[[Settings], object], hint: str) -> None:
    """What does not exist is wrong usage, and what was meant is said."""
    with pytest.raises(UnknownNameError) as error:
        ask(known)
    assert hint in error.value.hint


def test_without_a_catalog(tmp_path: Path) -> None:
    """Where there is no catalog, that is said, with what makes one."""
    with pytest.raises(CatalogMissingError, match="oomirror init"):
        listings.list_volumes(Settings(catalog=f"sqlite:///{tmp_path}/none.db"))
