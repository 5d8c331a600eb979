"""`oomirror diff-buckets` as a command: its document, its files, its exit codes."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson
from tests.servers import Bucket

DATASET = "jrc_hela-2"


@pytest.fixture(autouse=True)
def config(new_lab: Path) -> None:
    """A configuration that says nothing: the environment says all."""
    (new_lab / "oomirror.toml").touch()


def test_the_document_fits_its_schema(run_json: RunJson) -> None:
    """All datasets that are in both buckets; causes sum to the difference."""
    document = run_json("diff-buckets", "diff-buckets")
    for one in document["datasets"]:
        made = sum(cause["bytes"] for cause in one["causes"])
        assert made == one["difference_bytes"] - one["unexplained_bytes"]
        assert one["unexplained_bytes"] == 0


def test_the_exit_code_tells_a_difference_on_request(run_text: RunCommand) -> None:
    """0 otherwise."""
    run_text("diff-buckets", DATASET, "--volumes", "raw")
    run_text("diff-buckets", DATASET, "--volumes", "raw", "--exit-code", code=3)


@pytest.mark.parametrize("attributes", [b"{not json", b'{"dimensions":[8,8,8],"blockSize":[0,1,1]}'])
def test_bad_input_is_no_failure(
    lab: Path, run_json: RunJson, make_bucket: Callable[[], Bucket], monkeypatch: pytest.MonkeyPatch, attributes: bytes
) -> None:
    """It is explained as far as it goes: exit 0, and 3 with --exit-code; the document fits its schema all the same."""
    for letter in "AB":
        bucket = make_bucket()
        monkeypatch.setenv(f"OOMIRROR_BUCKETS__{letter}__URL", f"s3://{bucket.name}")
        bucket.put("cell/cell.n5/attributes.json", b'{"n5":"2.0.0"}')
        bucket.put("cell/cell.n5/volumes/raw/s0/attributes.json", attributes)
        bucket.put("cell/cell.n5/volumes/raw/s0/0/0/0", b"12345" if letter == "A" else b"123")
    (one,) = run_json("diff-buckets", "diff-buckets", "cell")["datasets"]
    assert one["difference_bytes"] == 2
    assert sum(cause["bytes"] for cause in one["causes"]) == 2 - one["unexplained_bytes"]
    run_json("diff-buckets", "diff-buckets", "cell", "--exit-code", code=3)


def test_files_are_written_beside_the_answer(lab: Path, run_json: RunJson) -> None:
    """The page, the rows and the Markdown of one answer."""
    places = {name: lab / f"answer.{name}" for name in ("html", "md", "csv")}
    words = [word for name, path in places.items() for word in (f"--{name}", str(path))]
    document = run_json("diff-buckets", "diff-buckets", DATASET, "--volumes", "raw", *words)
    assert "<html" in places["html"].read_text()
    assert DATASET in places["md"].read_text()
    assert list(csv.DictReader(places["csv"].read_text().splitlines()))
    assert document["datasets"][0]["difference_bytes"]
    assert not [path for path in lab.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("option", ["--html", "--md", "--csv"])
@pytest.mark.parametrize("place", [".", "/", "no/such/folder/file", "folder"])
def test_a_place_that_takes_no_file_is_told_before_anything_is_listed(
    new_lab: Path, capsys: pytest.CaptureFixture[str], option: str, place: str
) -> None:
    """Exit 2; hours of listing would be lost else."""
    (new_lab / "folder").mkdir()
    assert main(["diff-buckets", DATASET, option, place]) == 2
    assert "cannot write the file" in capsys.readouterr().err
    assert not (new_lab / "catalog.db").exists()


def test_a_sample_without_its_packages_is_told_before_anything_is_listed(
    new_lab: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, with the command that installs them."""
    find_spec = importlib.util.find_spec

    def without(name: str, *arguments: Any) -> ModuleSpec | None:
        """Find nothing of scikit-image."""
        return None if name == "skimage" else find_spec(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert main(["diff-buckets", DATASET, "--sample", "3"]) == 2
    assert "pip install 'oomirror[explain]'" in capsys.readouterr().err
    assert not (new_lab / "catalog.db").exists()


def test_what_nobody_has_is_a_usage_error(run_text: RunCommand) -> None:
    """A dataset, or a volume."""
    run_text("diff-buckets", "jrc_hela-22", code=2)
    run_text("diff-buckets", DATASET, "--volumes", "labels/er_prd", code=2)


def test_ctrl_c_in_the_middle_ends_it_at_once(lab: Path) -> None:
    """Exit 130 within five seconds; the same command goes on, and answers."""
    command = [sys.executable, "-m", "oomirror", "diff-buckets", DATASET, "--sample", "40", "--json"]
    with subprocess.Popen(command, env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while b"Sampling" not in process.stderr.readline():
            assert process.poll() is None
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, words = process.communicate(timeout=20)
    assert (process.returncode, json.loads(out)["error"]["exit"]) == (130, 130)
    assert time.monotonic() - started < 5
    assert b"Traceback" not in words
    assert main(["diff-buckets", DATASET, "--volumes", "raw"]) == 0
