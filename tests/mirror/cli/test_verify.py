"""`oomirror verify` and `certify` as a user meets them: words, JSON, exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson

HOME = "janelia-cosem-publications"
BLOCK = "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5/volumes/raw/s1/0/0/0"


@pytest.fixture
def share(lab: Path, run_text: RunCommand) -> Path:
    """A share on which raw at s1 lies."""
    run_text("init", "--share", "share")
    run_text("sync", "jrc_hela-2", "--volumes", "raw", "--scales", "s1", "-q")
    return lab / "share"


def test_damage_is_said_first_and_mended(share: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """The first sentence is the answer, then the levels, what is wrong and what to do; exit 3, and 0 when mended."""
    (share / HOME / BLOCK).unlink()
    text = run_text("verify", "jrc_hela-2", "--quick", "--progress", "none", code=3)
    assert text.startswith("1 object lost: ")
    assert f"Lost:\n  {HOME}/{BLOCK}" in text
    assert "--repair" in text
    report = run_json("verify", "verify", "--repair", "--yes")
    assert (report["repaired"], report["lost"]) == (1, [{"key": BLOCK, "path": f"{HOME}/{BLOCK}"}])
    assert run_text("verify", "--full", "--budget", "100%", "-q") == ""
    assert run_text("verify").startswith("All is whole: ")
    assert "verify" in run_text("catalog", "runs")


def test_a_certificate_is_written_and_checked(
    share: Path, tmp_path: Path, run_text: RunCommand, run_json: RunJson
) -> None:
    """A copy without mark is checked against the file alone; damage there is exit 3."""
    file, copy = tmp_path / "hela.jsonl.gz", tmp_path / "copy"
    certified = run_json("certify", "certify", "jrc_hela-2", "-o", str(file))
    assert run_text("certify", "jrc_hela-2", "-o", str(file)).startswith("Certified ")
    shutil.copytree(share / HOME, copy / HOME)
    report = run_json("verify", "verify", "--against", str(file), "--share", str(copy))
    assert report["checked"] == report["ok"] == certified["certified"]
    (copy / HOME / BLOCK).write_bytes(b"")
    text = run_text("verify", "--against", str(file), "--share", str(copy), code=3)
    assert text.startswith("1 object damaged: ")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--quick --full", 2),
        ("--budget a-while", 2),
        ("--share /elsewhere", 2),
        ("jrc_nothing", 2),
        ("--scales s9-s8", 2),
        ("--bucket x", 2),
        ("--against /nowhere", 1),
    ],
)
def test_what_cannot_be_asked_is_refused(
    lab: Path, run_text: RunCommand, words: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong words are exit 2, a certificate that is not there is exit 1, each with a sentence."""
    run_text("init", "--share", str(lab / "share"))
    assert main(["verify", *words.split()]) == code
    assert capsys.readouterr().err
