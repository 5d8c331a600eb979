"""`oomirror crops`, as a user runs it on crop 1 of jrc_hela-2: real dimensions, only the blocks around it stored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from catalog import queries
from catalog.session import open_catalog
from mirror.cli.main import main
from mirror.crops.table import COLUMNS
from mirror.formats.n5.grid import block_key
from tests.servers import MotoServer, bucket_of

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
ROOT = "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5"
VOXEL_ZYX = (5.24, 4.0, 4.0)
MANIFEST_ROW = "1,jrc_hela-2,mito,[2.62;2.0;2.0],[3132.21;899.0;25863.0],[200;1000;1000]"
BLOCKS = [(x, y, z) for x in range(101, 109) for y in range(3, 12) for z in range(9, 11)]
"""Of raw at s0: voxels 6464 to 6975, 192 to 767 and 576 to 703, which crop 1 touches."""


def documents() -> dict[str, dict[str, Any]]:
    """Return the attributes of raw and of the ground truth, as bucket B has them."""
    found: dict[str, dict[str, Any]] = {f"{ROOT}/attributes.json": {"n5": "2.0.0"}}
    for level in range(3):
        scale = [v * 2**level for v in VOXEL_ZYX]
        translate = [(2**level - 1) / 2 * v for v in VOXEL_ZYX]
        found[f"{ROOT}/volumes/raw/s{level}/attributes.json"] = {
            "dimensions": [-(-n // 2**level) for n in (12000, 1600, 6368)],
            "blockSize": [64, 64, 64],
            "dataType": "uint8",
            "compression": {"type": "gzip", "level": -1, "useZlib": False},
            "name": "volumes/raw",
            "transform": {"axes": ["z", "y", "x"], "scale": scale, "translate": translate, "units": ["nm"] * 3},
        }
    found[f"{ROOT}/volumes/groundtruth/0003/crop1/labels/all/attributes.json"] = {
        "dataType": "uint64",
        "dimensions": [1000, 1000, 200],
        "blockSize": [128, 128, 128],
        "compression": {"type": "gzip", "level": -1, "useZlib": False},
        "name": "Crop1",
        "type": "training",
        "offset": [25864.0, 900.0, 2400.0],
        "offset_unit": "nm",
        "resolution": [2.0, 2.0, 2.0],
        "resolution_unit": "nm",
    }
    return found


@pytest.fixture(scope="module")
def catalog_url(moto_server: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A catalog after `scan` of that bucket."""
    bucket = bucket_of(moto_server, "crop-one")
    for key, document in documents().items():
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=json.dumps(document).encode(), ACL="public-read")
    for block in BLOCKS:
        bucket.put(f"{ROOT}/volumes/raw/s0/{block_key(block)}", b"block")
    folder = tmp_path_factory.mktemp("crop-one")
    url = f"sqlite:///{folder}/catalog.db"
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch, folder, url, bucket.endpoint_url)
        assert main(["scan", "jrc_hela-2", "-q"]) == 0
    return url


def set_environment(patch: pytest.MonkeyPatch, folder: Path, url: str, endpoint_url: str) -> None:
    """Lead commands to the catalog and to the bucket."""
    patch.setenv("OOMIRROR_CONFIG", str(folder / "oomirror.toml"))
    (folder / "oomirror.toml").write_text("")
    patch.setenv("OOMIRROR_CATALOG", url)
    patch.setenv("OOMIRROR_BUCKETS__B__URL", "s3://crop-one/heinrich-2021a")
    patch.setenv("OOMIRROR_BUCKETS__B__ENDPOINT_URL", endpoint_url)


@pytest.fixture
def run(
    catalog_url: str,
    moto_server: MotoServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Run a command on that catalog, check its exit code, and return what it printed."""
    set_environment(monkeypatch, tmp_path, catalog_url, moto_server.endpoint_url)

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(words) == code
        shown = capsys.readouterr()
        return shown.out if code in {0, 4} else shown.err

    return run


def test_crop_1_as_json(run: Callable[..., str]) -> None:
    """Raw z 600..700, y 225..725, x 6466..6966 by B's own attribute, and the document fits its schema."""
    document = json.loads(run("crops", "locate", "1", "--bucket", "b", "--json"))
    Draft202012Validator(json.loads((SCHEMAS / "crops-locate.json").read_text())).validate(document)
    raw = document["raw"]
    assert (document["number"], document["dataset"], document["bucket"]) == ("1", "jrc_hela-2", "b")
    assert (raw["volume"], raw["start_zyx"], raw["shape_zyx"]) == ("volumes/raw", [600, 225, 6466], [100, 500, 500])
    assert raw["stop_zyx"] == [700, 725, 6966]
    assert raw["blocks"] == {"s0": len(BLOCKS), "s1": 50, "s2": 9}
    assert document["ground_truth"]["volume"] == "volumes/groundtruth/0003/crop1/labels/all"
    assert document["ground_truth"]["shape_zyx"] == [200, 1000, 1000]
    assert document["source"] == "b_attribute"
    assert document["size_nm_zyx"] == [524.0, 2000.0, 2000.0]


def test_the_blocks_that_are_told_are_those_that_are_stored(run: Callable[..., str], catalog_url: str) -> None:
    """The bucket has just the blocks around the crop: the listing has no other, and lacks none."""
    level = json.loads(run("crops", "locate", "1", "--json"))["raw"]["levels"][0]
    sides = zip(level["first_block_xyz"], level["stop_block_xyz"], strict=True)
    told = [range(first, stop) for first, stop in sides]
    with open_catalog(catalog_url, read_only=True) as catalog, catalog.read() as connection:
        bucket = queries.bucket_id(connection, "s3://crop-one/heinrich-2021a")
        snapshot = queries.newest_snapshot(connection, bucket, "jrc_hela-2")
        assert snapshot is not None
        shards = queries.snapshot_shards(connection, snapshot.id)
        stored = {row[:3] for one in shards for row in queries.listed_blocks(connection, one.id)}
    assert stored == {(x, y, z) for x in told[0] for y in told[1] for z in told[2]}


def test_crop_1_as_text_that_can_be_pasted(run: Callable[..., str]) -> None:
    """The slice, how raw is opened, the levels, nm, and who says so."""
    text = run("crops", "locate", "1")
    assert "Crop 1 (0003) of jrc_hela-2 in bucket b." in text
    assert "raw[600:700, 225:725, 6466:6966]" in text
    assert "['volumes/raw/s0']" in text
    assert "It measures 524,2000,2000 nm (z,y,x).\nIt begins 3144,900,25864 nm from the corner of raw.\n" in text
    assert re.search(r"s1 +\[300:350, 112:363, 3233:3483\] +3184,800,6000 +50", text)
    assert "Placed by b_attribute" in text


def test_one_level_and_another_volume(run: Callable[..., str]) -> None:
    """Only the level that was asked for is told; levels and volumes that are not there are refused."""
    text = run("crops", "locate", "1", "--level", "s2", "--volume", "volumes/raw")
    assert "volume[150:175, 56:182, 1616:1742]" in text
    assert "s0" not in text
    assert "the volume has no such level" in run("crops", "locate", "1", "--level", "s9", code=2)
    assert "no such volume" in run("crops", "locate", "1", "--volume", "volumes/rawr", code=2)


def test_the_table_contradicts_and_is_found(run: Callable[..., str], tmp_path: Path) -> None:
    """After its import the answer stays and names the other number, and there is a finding; again changes nothing."""
    table = tmp_path / "table.csv"
    table.write_text(f"{','.join(COLUMNS)}\n{MANIFEST_ROW}\n", encoding="utf-8")
    (line,) = json.loads(run("crops", "import-manifest", str(table), "--json"))
    Draft202012Validator(json.loads((SCHEMAS / "crops-import-manifest.json").read_text())).validate([line])
    assert (line["state"], line["rows"], line["findings"]) == ("new", 1, 1)
    assert "unchanged" in run("crops", "import-manifest", str(table))
    text = " ".join(run("crops", "locate", "1").split())
    assert "raw[600:700, 225:725, 6466:6966]" in text
    assert "cellmap_manifest disagrees: start 598,225,6466, shape 100,500,500" in text
    findings = json.loads(run("catalog", "findings", "jrc_hela-2", "--json"))
    assert [one["code"] for one in findings if one["code"].startswith("crop-")] == ["crop-sources-disagree"]


def test_a_table_with_a_bad_row_ends_with_4(run: Callable[..., str], tmp_path: Path) -> None:
    """The row is named; what is no table too."""
    table = tmp_path / "bad.csv"
    table.write_text(f"{','.join(COLUMNS)}\n7,jrc_hela-2,mito,[2.62],[1;1;1],[8;8;8]\n", encoding="utf-8")
    assert "line 2: voxel_size" in " ".join(run("crops", "import-manifest", str(table), code=4).split())
    table.write_text("{}", encoding="utf-8")
    assert "failed" in run("crops", "import-manifest", str(table), code=4)


def test_crops_that_cannot_be_placed(run: Callable[..., str], tmp_path: Path) -> None:
    """An unknown number is exit 2 with the known ones, one that no source places exit 1 with what to do."""
    assert "Known are 1." in run("crops", "locate", "11", code=2)
    table = tmp_path / "table.csv"
    table.write_text(f"{','.join(COLUMNS)}\n{MANIFEST_ROW.replace('1,', '3,', 1)}\n", encoding="utf-8")
    run("crops", "import-manifest", str(table))
    told = run("crops", "locate", "3", code=1)
    assert "no source places the crop: crop 3 of jrc_hela-2 in bucket b" in told
    assert "`oomirror scan jrc_hela-2 --bucket a --metadata-only`" in told
