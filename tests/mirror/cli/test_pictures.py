"""`picture` and `crops picture`: the same as in Python, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from mirror.cli.main import main
from mirror.view import open_crop, open_volume, png_of
from tests.labs import HELA, Lab


def test_pictures_are_those_of_python(mirrored: Lab, tmp_path: Path) -> None:
    """Byte for byte, with every option."""
    config = ("--config", str(mirrored.config))
    file = tmp_path / "crop.png"
    words = ("--z", "25%", "--padding", "2", "--labels", "mito", "--labels", "er-mem", "--opacity", "0.7")
    assert main(("crops", "picture", "1", "-o", str(file), *words, *config)) == 0
    crop = open_crop(1, config=mirrored.config, padding=2)
    assert file.read_bytes() == png_of(crop.picture("25%", labels=["mito", "er-mem"], opacity=0.7))
    file = tmp_path / "raw.png"
    others = ("--level", "s1", "--axis", "x", "--box", "5:40,:", "--contrast", "40,220")
    assert main(("picture", f"{HELA}/raw", "-o", str(file), *others, *config)) == 0
    raw = open_volume(f"{HELA}/raw", "s1", config=mirrored.config)
    assert file.read_bytes() == png_of(raw.picture(axis="x", box="5:40,:", contrast="40,220"))
    with Image.open(file) as image:
        assert image.format == "PNG"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("picture", f"{HELA}/raw", "--level", "s9"), "s0, s1, s2, s3, s4"),
        (("picture", f"{HELA}/raw", "--z", "900%"), "not a slice"),
        (("crops", "picture", "999"), "crop 999"),
        (("picture", f"{HELA}/em/fibsem-uint16", "--bucket", "b"), "em/fibsem-uint16"),
    ],
    ids=["level", "slice", "crop", "bucket"],
)
def test_faults_are_told_and_no_file_is_left(
    mirrored: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    """What was there stays."""
    file = tmp_path / "x.png"
    file.write_bytes(b"before")
    assert main((*words, "-o", str(file), "--config", str(mirrored.config))) == 2
    assert said in capsys.readouterr().err
    assert file.read_bytes() == b"before"


def test_a_place_that_takes_no_file_is_told_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    assert main(("picture", f"{HELA}/raw", "-o", str(tmp_path / "no" / "x.png"))) == 2
    assert "no folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("picture", f"{HELA}/raw"), ("crops", "picture", "1")], ids=["raw", "crop"])
def test_a_picture_has_no_name_of_another_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """It would be a PNG that is called otherwise, which some programs do not open."""
    assert main((*words, "-o", str(tmp_path / "x.TIF"))) == 2
    assert capsys.readouterr().err == f"oomirror: only PNG is drawn: {tmp_path}/x.TIF. Name it x.png.\n"
