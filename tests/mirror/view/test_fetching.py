"""Blocks fetched when they are read: those and no others, verified, recorded, and never fetched twice."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from catalog import queries
from catalog.records import HOW_MD5, RunKind
from catalog.session import open_catalog
from mirror.app.blocks import BlocksNotFetchedError
from mirror.app.sync import SyncRequest
from mirror.config import load_settings
from mirror.errors import MirrorError, UnknownNameError
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.view import BlockNotMirroredError, VolumeView, open_volume
from tests.labs import HELA, Lab, make_lab
from tests.proxy import Proxy, run_proxy
from tests.servers import Bucket

CONTAINER = f"heinrich-2021a/{HELA}/{HELA}.n5/"
RAW = f"{CONTAINER}volumes/raw/"
S0 = f"{RAW}s0/"


@dataclass(frozen=True)
class Watched:
    """A lab behind a proxy that tells what is asked of the bucket."""

    lab: Lab
    proxy: Proxy

    def open(self, volume: str = "volumes/raw", level: str | None = "s0") -> VolumeView:
        """Open a volume of jrc_hela-2 whose missing blocks are fetched."""
        return open_volume(f"{HELA}/{volume}", level, config=self.lab.config, fetch_missing=True)

    def files(self, prefix: str = S0) -> set[str]:
        """Return the names of the files below a prefix."""
        root = self.lab.folder(prefix)
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def watched(tmp_path: Path, sample_buckets: dict[str, Bucket]) -> Iterator[Watched]:
    """A lab that has looked at the dataset's volumes and mirrored none, and a bucket behind a proxy."""
    lab = make_lab(tmp_path, sample_buckets)
    lab.scan(metadata_only=True)
    with run_proxy(sample_buckets["b"].endpoint_url) as proxy:
        text = lab.config.read_text()
        lab.config.write_text(text.replace(sample_buckets["b"].endpoint_url, proxy.endpoint_url))
        yield Watched(Lab(lab.config, load_settings(lab.config)), proxy)


def test_one_voxel_fetches_one_block(watched: Watched, mirrored: Lab) -> None:
    """With the documents that open the level: one LIST of the block's row, one GET, one row in the catalog, once."""
    view = watched.open()
    assert set(watched.proxy.keys("get")) == {f"{place}attributes.json" for place in (S0, RAW, CONTAINER)}
    assert watched.files() == {"attributes.json"}
    watched.proxy.forget()
    whole = open_volume(f"{HELA}/raw", config=mirrored.config)
    assert view[70, 3, 140] == whole[70, 3, 140]
    assert watched.proxy.keys("get") == [f"{S0}2/0/1"]
    assert watched.proxy.keys("list") == [f"{S0}attributes.json", f"{S0}2/0/"]
    assert watched.files() == {"attributes.json", "2/0/1"}
    watched.proxy.forget()
    assert watched.open()[71, 3, 141] == whole[71, 3, 141]
    assert watched.proxy.seen == []
    with open_catalog(watched.lab.settings.catalog) as catalog, catalog.read() as connection:
        (bucket_id,) = (key for key, url in queries.buckets(connection).items() if "publications" in url)
        array = next(one for one in queries.arrays(connection, bucket_id, CONTAINER) if one.path == "volumes/raw/s0")
        assert array.id is not None
        ((x, y, z, _, _, how),) = queries.mirrored_blocks(connection, array.id)
        assert ((x, y, z), how) == ((2, 0, 1), HOW_MD5)
        run = queries.runs(connection, 1)[0]
        assert run.kind is RunKind.FETCH
        assert run.selection[HELA]["blocks_xyz"] == {S0: [[[2, 0, 1], [3, 1, 2]]]}  # type: ignore[index]
        level = next(one for one in queries.level_states(connection, bucket_id, HELA) if one.array.id == array.id)
        assert level.mirrored.objects == 2
        assert queries.wrong_sums(connection, bucket_id, HELA) == ()


def test_a_box_fetches_the_blocks_that_it_touches(watched: Watched, mirrored: Lab) -> None:
    """Steps that step over a block leave it out."""
    box = (slice(3, 100, 90), slice(0, 1), slice(60, 150, 80))
    np.testing.assert_array_equal(watched.open()[box], open_volume(f"{HELA}/raw", config=mirrored.config)[box])
    assert watched.files() == {"attributes.json", "0/0/0", "0/0/1", "2/0/0", "2/0/1"}


def test_a_later_sync_completes_the_level(watched: Watched, mirrored: Lab) -> None:
    """It fetches what is missing, and leaves alone what was fetched."""
    _ = watched.open()[0, 0, 0]
    watched.proxy.forget()
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s0"))
    watched.lab.sync(SyncRequest((HELA,), "b", spec))
    assert f"{S0}0/0/0" not in watched.proxy.keys("get")
    np.testing.assert_array_equal(
        np.asarray(open_volume(f"{HELA}/raw", config=watched.lab.config)),
        np.asarray(open_volume(f"{HELA}/raw", config=mirrored.config)),
    )


def test_a_block_that_the_bucket_does_not_have_is_zero(watched: Watched) -> None:
    """Its row was listed, and it is not asked for again, neither by this view nor by one of another process."""
    view = watched.open("volumes/labels/er_mito_contacts")
    assert not view[:64, :64, 128:].any()
    watched.proxy.forget()
    assert not view[3, 3, 130:].any()
    assert not open_volume(f"{HELA}/{view.volume}", config=watched.lab.config)[3, 3, 130:].any()
    assert watched.proxy.seen == []
    blocks = {name for name in watched.files(view.prefix) if name != "attributes.json"}
    assert blocks.isdisjoint({"2/0/0"})


def test_a_running_loop_does_not_matter(watched: Watched) -> None:
    """As in a notebook, where one runs the cells."""

    async def cell() -> int:
        return int(watched.open()[0, 0, 0])

    assert asyncio.run(cell()) > 0


def test_threads_share_what_they_fetch(watched: Watched) -> None:
    """Each block is fetched once, and nobody trips over the other's lock."""
    view = watched.open()
    watched.proxy.forget()
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(int(view[0, 0, 0]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert watched.proxy.keys("get") == [f"{S0}0/0/0"]


def test_a_dataset_that_nobody_scanned_is_described_first(empty_lab: Lab) -> None:
    """Its volumes come into the catalog; a dataset that the bucket lacks is told with what is near."""
    view = open_volume(f"{HELA}/raw", "s3", config=empty_lab.config, fetch_missing=True)
    assert view[...].any()
    with pytest.raises(UnknownNameError, match="jrc_hela-2"):
        open_volume("jrc_hela2/raw", config=empty_lab.config, fetch_missing=True)


def test_damage_on_the_way_is_noticed(watched: Watched) -> None:
    """A body that does not agree with its ETag is fetched again; one that never comes is an error, and no file."""
    view = watched.open()
    watched.proxy.damaged[f"{S0}0/0/0"] = 1
    assert view[0, 0, 0] > 0
    watched.proxy.denied[f"{S0}1/0/0"] = 100
    with pytest.raises(BlocksNotFetchedError) as caught:
        _ = view[0, 0, 64]
    assert caught.value.exit_code == 4
    assert watched.files() == {"attributes.json", "0/0/0"}


def test_lost_blocks_are_fetched_again(watched: Watched) -> None:
    """The row that spoke for the file is replaced."""
    value = watched.open()[0, 0, 0]
    watched.lab.folder(f"{S0}0/0/0").unlink()
    assert watched.open()[0, 0, 0] == value
    assert "0/0/0" in watched.files()


def test_a_level_that_was_stored_anew_is_not_mixed(watched: Watched) -> None:
    """Blocks of another shape never lie beside the metadata of the old one."""
    view = watched.open()
    document = watched.lab.folder(f"{S0}attributes.json")
    document.write_text(document.read_text().replace("uint8", "uint16"))
    with open_catalog(watched.lab.settings.catalog) as catalog, catalog.begin() as connection:
        (bucket_id,) = (key for key, url in queries.buckets(connection).items() if "publications" in url)
        queries.forget_mirrored_objects(connection, bucket_id, [f"{S0}attributes.json"])
    with pytest.raises(MirrorError, match="stored anew"):
        _ = view[0, 0, 0]
    assert watched.files() == {"attributes.json"}


def test_folders_of_an_older_name_do_not_read_as_zeros(spoilt: Lab) -> None:
    """What is fetched goes to the bucket's own folder; the view that reads the old one says so."""
    os.rename(spoilt.root / "janelia-cosem-datasets", spoilt.root / "janelia-cosem")
    view = open_volume(f"{HELA}/em/fibsem-uint16", "s2", bucket="a", config=spoilt.config, fetch_missing=True)
    (view.path / "0/0/0").unlink()
    with pytest.raises(BlockNotMirroredError, match="not in this folder"):
        _ = view[0, 0, 0]


@pytest.mark.parametrize(
    ("volume", "level"),
    [("neuroglancer/em/fibsem-uint8.precomputed", "s1"), ("recon-1/em/fibsem-uint8", "s1")],
    ids=["precomputed", "zarr"],
)
def test_other_formats_are_fetched_too(empty_lab: Lab, mirrored: Lab, volume: str, level: str) -> None:
    """With the documents above them, so that they open as they do in the bucket."""
    view = open_volume(f"{HELA}/{volume}", level, bucket="a", config=empty_lab.config, fetch_missing=True)
    whole = open_volume(f"{HELA}/{volume}", level, bucket="a", config=mirrored.config)
    np.testing.assert_array_equal(view[:3], whole[:3])
    documents = {".zarray", ".zgroup", ".zattrs", "info"}
    container = empty_lab.folder(f"{HELA}/", bucket="a")
    names = {path.name for path in container.rglob("*") if path.is_file()} & documents
    assert names == ({"info"} if "precomputed" in volume else {".zarray", ".zgroup", ".zattrs"})
