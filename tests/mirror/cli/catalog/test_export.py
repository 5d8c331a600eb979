"""`oomirror catalog export`, as a user runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson


@pytest.fixture(autouse=True)
def made(run_text: RunCommand) -> None:
    """A catalog that is made and empty."""
    run_text("init", "--share", "share")


def test_the_tables_are_written_and_told(
    lab: Path, run_text: RunCommand, run_json: RunJson, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file is said on stderr as it is written, the sum on stdout; JSON says the same."""
    text = run_text("catalog", "export", "--to", "out", "--format", "csv", "--tables", "share, run")
    assert "2 tables as CSV, 1 rows" in text
    assert (lab / "out" / "run.csv").read_text().startswith("id,kind,")
    report = run_json("catalog-export", "catalog", "export", "--to", "out", "--no-blocks")
    assert report["format"] == "parquet"
    assert report["left_over"] == ["run.csv", "share.csv"]
    assert all((lab / "out" / one["file"]).is_file() for one in report["tables"])
    assert main(["catalog", "export", "--to", "out", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_pyarrow_it_is_csv(
    lab: Path, run_text: RunCommand, run_json: RunJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed CSV is written; Parquet, asked for, is exit 2 and names the extra."""
    # Python's own way to say that there is no such module.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run_json("catalog-export", "catalog", "export", "--to", "out")["format"] == "csv"
    error = run_json("error", "catalog", "export", "--to", "out", "--format", "parquet", code=2)["error"]
    assert 'pip install "oomirror[parquet]"' in error["hint"]


def test_what_cannot_be_is_refused(lab: Path, run_json: RunJson) -> None:
    """Unknown tables and datasets are exit 2, the share is exit 5, a folder that cannot be made exit 1."""

    def hint(*words: str, code: int = 2) -> str:
        """Return the hint of an export that fails."""
        return str(run_json("error", "catalog", "export", *words, code=code)["error"]["hint"])

    assert "volume" in hint("--to", "out", "--tables", "volumes")
    hint("--to", "out", "jrc_hela-2")
    assert "--to" in hint("--to", "share/out", code=5)
    (lab / "file").write_text("")
    hint("--to", "file/out", code=1)
    assert not (lab / "out").exists()


@pytest.mark.samples
@pytest.mark.skipif("OOMIRROR_TEST_SAMPLES" not in os.environ, reason="samples are not ours to ship")
def test_real_manifests_come_out_as_they_went_in(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """All manifests of the project are imported and exported with no byte changed, so with no field lost."""
    folder = Path(os.environ["OOMIRROR_TEST_SAMPLES"]) / "manifests"
    bodies = sorted(file.read_bytes() for file in folder.glob("*.json"))
    assert bodies
    run_text("catalog", "import-manifest", str(folder))
    report = run_json("catalog-export", "catalog", "export", "--to", "out")
    assert sorted((lab / "out" / name).read_bytes() for name in report["manifests"]) == bodies
    assert next(one["rows"] for one in report["tables"] if one["table"] == "manifest") == len(bodies)
