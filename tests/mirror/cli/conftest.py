"""Fixtures of commands run in this process, on the small sample buckets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator

from mirror.cli.main import main
from tests.servers import Bucket

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
RunCommand: TypeAlias = Callable[..., str]
RunJson: TypeAlias = Callable[..., Any]


@pytest.fixture
def new_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sample_buckets: dict[str, Bucket]) -> Path:
    """A folder with neither a share nor a catalog, in an environment that leads to the sample buckets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    for letter, bucket in sample_buckets.items():
        monkeypatch.setenv(f"OOMIRROR_BUCKETS__{letter.upper()}__ENDPOINT_URL", bucket.endpoint_url)
    return tmp_path


@pytest.fixture
def lab(new_lab: Path, blank_catalog: Path) -> Path:
    """The same with a catalog without rows, so that no command of the test makes it."""
    shutil.copy(blank_catalog, new_lab / "catalog.db")
    return new_lab


@pytest.fixture
def run_text(lab: Path, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Run a command, check its exit code, and return its stdout."""

    def run(*words: str, code: int = 0) -> str:
        assert main(words) == code, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def run_json(run_text: RunCommand) -> RunJson:
    """Run a command with --json, check that the document fits its schema, and return it."""

    def run(schema: str, *words: str, code: int = 0) -> Any:
        document = json.loads(run_text(*words, "--json", code=code))
        Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(document)
        return document

    return run
