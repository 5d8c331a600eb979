"""docs/python.md: what it shows can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.labs import Lab

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


def test_the_examples_run(mirrored: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as in a notebook, on the small sample."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OOMIRROR_CONFIG", str(mirrored.config))
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "crop1.png").stat().st_size > 10_000
