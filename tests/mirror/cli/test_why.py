"""`oomirror why`, as a user runs it on a small mirror."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mirror.keys import ShareRules
from mirror.store.share import Share
from tests.mirror.cli.conftest import RunCommand, RunJson

IN_B = "janelia-cosem-publications/heinrich-2021a/jrc_hela-2/jrc_hela-2.n5"
RAW = "jrc_hela-2/jrc_hela-2.n5/volumes/raw"


@pytest.fixture(scope="module")
def first_lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for what the first test mirrors, to be copied by the others."""
    return tmp_path_factory.mktemp("first")


@pytest.fixture
def share(lab: Path, first_lab: Path, run_text: RunCommand) -> Path:
    """Return a share on which raw at s1 lies, of a bucket that was listed whole."""
    if not any(first_lab.iterdir()):
        _mirror(run_text)
        shutil.copytree(lab, first_lab, dirs_exist_ok=True)
    shutil.copytree(first_lab, lab, dirs_exist_ok=True)
    (lab / "oomirror.toml").unlink()
    run_text("init", "--share", "share")
    return lab / "share"


def _mirror(run_text: RunCommand) -> None:
    run_text("init", "--share", "share")
    run_text("sync", "jrc_hela-2", "--volumes", "raw", "--volumes", "volumes/labels/mito_seg", "--scales", "s1", "-q")
    run_text("scan", "jrc_hela-2", "-q")


def test_a_block_by_all_its_names(
    share: Path, run_text: RunCommand, run_json: RunJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path, a path as Windows has it, an address, a key and a relative path tell one story."""
    names = [
        f"{RAW}/s1/0/0/0",
        f"{share}/{IN_B}/volumes/raw/s1/0/0/0",
        f"\\\\nas\\share\\{IN_B}\\volumes\\raw\\s1\\0\\0\\0".replace("/", "\\"),
        f"s3://{IN_B}/volumes/raw/s1/0/0/0",
        f"heinrich-2021a/{RAW}/s1/0/0/0",
    ]
    reports = [run_json("why", "why", name, "--bucket", "b") for name in names]
    monkeypatch.chdir(share / IN_B / "volumes")
    reports.append(run_json("why", "why", "raw/s1/0/0/0", "--bucket", "b"))
    assert all(report == reports[0] for report in reports)
    report = reports[0]
    assert (report["thing"], report["volume"], report["level"]) == ("block", "volumes/raw", "s1")
    story = report["object"]
    assert story["verdict"] == "on-share"
    assert story["upstream"]["size"] == story["recorded"]["size"] == story["file"]["size"]
    assert story["upstream"]["etag"] == story["recorded"]["etag"]
    assert story["recorded"]["verified_by"] == "md5"
    assert report["chosen_by"] == story["recorded"]["run"] == 1
    assert story["block"]["start_zyx"] == [0, 0, 0]
    text = run_text("why", names[0])
    assert "Block 0,0,0 (x,y,z) of level s1 of volume volumes/raw (em)" in text
    assert "It is on the share, as it was verified." in text
    assert "Verified: by MD5 by run 1" in text


def test_what_is_missing_is_told_apart(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Lost here, absent upstream, not chosen, outside the grid, damaged, not adopted: each has its word and advice."""

    def verdict(name: str) -> str:
        """Return the verdict on an object of bucket B."""
        return str(run_json("why", "why", name, "--bucket", "b")["object"]["verdict"])

    raw = share / IN_B / "volumes" / "raw"
    (raw / "s1" / "0" / "0" / "0").unlink()
    assert verdict(f"{RAW}/s1/0/0/0") == "lost"
    assert "--verify-share" in run_text("why", f"{RAW}/s1/0/0/0")
    (raw / "s1" / "0" / "0" / "0").write_bytes(b"short")
    assert verdict(f"{RAW}/s1/0/0/0") == "damaged"
    assert verdict(f"{RAW}/s0/0/0/0") == "not-chosen"
    assert "oomirror sync jrc_hela-2 --bucket b --volumes volumes/raw --scales s0" in " ".join(
        run_text("why", f"{RAW}/s0/0/0/0").split()
    )
    assert verdict(f"{RAW}/s1/99/0/0") == "outside-grid"
    (raw / "s0").mkdir()
    (raw / "s0" / "attributes.json").write_bytes(b"?")
    assert verdict(f"{RAW}/s0/attributes.json") == "foreign"
    (raw / "s0" / "attributes.json").unlink()
    run_text("sync", "jrc_hela-2", "--volumes", "raw", "--scales", "s0", "-q")
    (lab_catalog := share.parent / "catalog.db").unlink()
    for rest in share.parent.glob("catalog.db-*"):
        rest.unlink()
    assert not lab_catalog.exists()
    run_text("init", "--share", "share")
    run_text("scan", "jrc_hela-2", "-q")
    assert verdict(f"{RAW}/s0/0/0/0") == "not-adopted"
    assert "oomirror adopt jrc_hela-2" in run_text("why", f"{RAW}/s0/0/0/0")


def test_a_block_that_the_bucket_never_stored(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """A block of zeros is not in the bucket, so it is not lost: it reads as 0."""
    levels = run_json("why", "why", "jrc_hela-2/jrc_hela-2.n5/volumes/labels/mito_seg", "--bucket", "b")["folder"]
    (level,) = [one for one in levels["levels"] if one["level"] == "s0"]
    assert level["blocks_listed"] < level["blocks_in_grid"]
    absent = _absent(run_json, "jrc_hela-2/jrc_hela-2.n5/volumes/labels/mito_seg/s0")
    assert "it reads as 0" in " ".join(run_text("why", absent).split())


def _absent(run_json: RunJson, level: str) -> str:
    """Return the key of a block of the level that the bucket does not store."""
    for x in range(5):
        for y in range(4):
            report = run_json("why", "why", f"{level}/{x}/{y}/0", "--bucket", "b")
            if report["object"]["verdict"] == "absent-upstream":
                return f"{level}/{x}/{y}/0"
    raise AssertionError("every block is stored")


def test_folders_tell_their_levels(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """A level, a volume, a group, a container, a dataset and a loose folder are told as such, with what is in them."""

    def told(name: str) -> Any:
        """Return the report on a folder of bucket B."""
        return run_json("why", "why", name, "--bucket", "b")

    assert told(f"{RAW}/s1")["thing"] == "level"
    volume = told(RAW)
    assert volume["thing"] == "volume"
    states = {one["level"]: (one["is_chosen"], one["is_published"]) for one in volume["folder"]["levels"]}
    assert states["s1"] == (True, True)
    assert states["s0"] == (False, False)
    assert told("jrc_hela-2/jrc_hela-2.n5/volumes/labels")["thing"] == "folder"
    assert told("jrc_hela-2/jrc_hela-2.n5")["thing"] == "container"
    assert told("jrc_hela-2/skeletons")["folder"]["other_listed"]["objects"] == 1
    dataset = told("jrc_hela-2")
    assert dataset["thing"] == "dataset"
    assert dataset["folder"]["other_mirrored"]["objects"] > 0
    assert "none; not chosen" in run_text("why", RAW)
    # The paths of all volumes of a dataset stand whole, once each, above their levels.
    lines = run_text("why", "jrc_hela-2").splitlines()
    assert lines[lines.index("volumes/raw") + 1].split()[0] == "s0"
    assert lines.count("volumes/groundtruth/0003/crop1/labels/all") == 1


def test_the_partner_is_in_the_other_bucket(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Once both buckets were looked at, a block leads to the one that shows the same, and back."""
    report = run_json("why", "why", f"{RAW}/s1/0/0/0", "--bucket", "b")
    assert report["partner"]["url"] is None
    assert "another bucket" in report["partner"]["reason"]
    run_text("scan", "jrc_hela-2", "--bucket", "a", "-q")
    partner = run_json("why", "why", f"{RAW}/s1/0/0/0", "--bucket", "b")["partner"]
    assert partner["url"] == "s3://janelia-cosem-datasets/jrc_hela-2/jrc_hela-2.n5/em/fibsem-uint16/s1/0/0/0"
    assert (partner["is_listed"], partner["is_mirrored"]) == (True, False)
    back = run_json("why", "why", partner["url"])["partner"]
    assert back["url"] == f"s3://{IN_B}/volumes/raw/s1/0/0/0"
    assert (back["is_listed"], back["is_mirrored"]) == (True, True)


def test_one_name_in_both_buckets(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """The default bucket's is told, and the other one named."""
    run_text("scan", "jrc_hela-2", "--bucket", "a", "-q")
    report = run_json("why", "why", "jrc_hela-2")
    assert report["bucket"] == "b"
    assert report["also"] == ["s3://janelia-cosem-datasets/jrc_hela-2/"]
    assert run_json("why", "why", "jrc_hela-2", "--bucket", "a")["bucket"] == "a"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("jrc_hela2/x", "jrc_hela-2"),
        ("jrc_hela-2/nope", "oomirror ls jrc_hela-2"),
        (f"{RAW}/s1/x", "oomirror ls jrc_hela-2"),
        (f"{RAW}/s1/99", "oomirror ls jrc_hela-2"),
        ("/etc/passwd", "s3://"),
    ],
)
def test_what_is_not_known_is_exit_2(share: Path, run_json: RunJson, name: str, hint: str) -> None:
    """Of a thing that neither bucket nor share has nothing is told but where to look."""
    assert hint in run_json("error", "why", name, code=2)["error"]["hint"]


def test_without_the_share_the_catalog_tells(share: Path, run_json: RunJson) -> None:
    """Where the share is not mounted, the catalog's word is told as such."""
    share.rename(share.with_name("elsewhere"))
    report = run_json("why", "why", f"{RAW}/s1/0/0/0", "--bucket", "b")
    assert report["object"]["verdict"] == "recorded"
    assert report["object"]["file"] is None


def test_another_share_tells_nothing(share: Path, run_json: RunJson) -> None:
    """It is refused, exit 5: what does not lie there is not lost."""
    share.rename(share.with_name("elsewhere"))
    share.mkdir()
    Share(share).write_marker(ShareRules())
    error = run_json("error", "why", f"{RAW}/s1/0/0/0", "--bucket", "b", code=5)["error"]
    assert "another share" in error["what"]


def test_a_share_without_its_mark_is_not_looked_at(share: Path, run_json: RunJson) -> None:
    """As one that is not mounted: the catalog's word is told as such."""
    (share / ".oomirror" / "marker.json").unlink()
    report = run_json("why", "why", f"{RAW}/s1/0/0/0", "--bucket", "b")
    assert (report["object"]["verdict"], report["object"]["file"]) == ("recorded", None)
