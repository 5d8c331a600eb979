"""`oomirror sync --crops` as a user types it: plans without a catalog, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson

WORDS = ("sync", "jrc_hela-2", "--bucket", "b", "-n")


def test_a_dry_run_without_a_catalog_shows_the_plan_and_writes_nothing(
    lab: Path, run_json: RunJson, run_text: RunCommand
) -> None:
    """The bucket's own attributes place the crop: neither a catalog nor an import is needed, and none is made."""
    run_text("init", "--share", "share")
    (lab / "catalog.db").unlink()
    before = sorted(lab.rglob("*"))
    report = run_json("sync", *WORDS, "--crops", "1", "--padding", "4")
    (crop,) = report["crops"]
    assert (report["planned"]["objects"], crop["number"], crop["source"]) == (35, "1", "b_attribute")
    assert (crop["start_zyx"], crop["shape_zyx"], crop["padding"]) == ([24, 33, 2], [50, 70, 70], 4)
    text = run_text(*WORDS, "--crops", "all", "--padding", "1")
    assert "Crop 1: raw z 24..74, y 33..103, x 2..72, by b attribute." in text
    assert "With 1 voxel more of raw on each side." in text
    assert sorted(lab.rglob("*")) == before


def test_crops_that_are_none_are_exit_2(run_text: RunCommand, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown crops with near ones, levels that raw lacks, and volumes that crops have no part of."""
    run_text("init", "--share", "share")
    for words, said in (
        (("--crops", "12"), "no such crop in the dataset: crop 12 of jrc_hela-2. Known are 1."),
        (("--crops", "1,77"), "no such crop in what is mirrored: crop 77 of jrc_hela-2. Known are 1."),
        (("--crops", "1", "--scales", "s9"), "no chosen volume has the scale"),
        (("--crops", "1", "--volumes", "volumes/labels/er_seg"), "the crops have no such volume"),
    ):
        assert main([*WORDS, *words]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--crops", "1-5"), "not a choice of crops: '1-5'; expected 1,113 or all", id="nonsense"),
        pytest.param(("--crops", ""), "not a choice of crops: ''", id="nothing"),
        pytest.param(("--padding", "8"), "--padding is of use only with --crops: --padding 8", id="padding alone"),
        pytest.param(("--crops", "1", "--padding", "-1"), "--padding", id="padding below 0"),
    ],
)
def test_nonsense_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """The command line is read first: exit 2, and no share, catalog or bucket is needed to say so."""
    monkeypatch.setenv("OOMIRROR_BUCKETS__B__ENDPOINT_URL", "http://127.0.0.1:9")
    assert main([*WORDS, *words]) == 2
    assert said in capsys.readouterr().err
