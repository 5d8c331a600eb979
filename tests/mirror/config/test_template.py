"""The file that `oomirror init` writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mirror.config import Settings, load_settings, write_template
from mirror.errors import ConfigError


def test_the_template_holds_share_and_catalog(tmp_path: Path) -> None:
    """What is given is set, whatever characters it has; the rest is commented out; no temporary file stays."""
    file = tmp_path / "new" / "oomirror.toml"
    share = tmp_path / 'Gro\u00df "lab"\\x'
    assert write_template(file, share, "sqlite:////var/lib/oomirror/catalog.db")
    settings = load_settings(file)
    assert settings.share == share
    assert settings.catalog == "sqlite:////var/lib/oomirror/catalog.db"
    assert list(file.parent.iterdir()) == [file]


def test_what_is_commented_out_shows_the_defaults(tmp_path: Path) -> None:
    """The template with its settings uncommented is the configuration without a file."""
    file = tmp_path / "oomirror.toml"
    write_template(file)
    assert load_settings(file) == load_settings(overrides={})
    file.write_text(re.sub(r"^# (?=[a-z_]+ = |\[[a-z.]+\])", "", file.read_text(), flags=re.MULTILINE))
    assert len(re.findall(r"^# (?! )", file.read_text(), flags=re.MULTILINE)) < 15
    assert load_settings(file).model_dump() == Settings().model_dump()


def test_a_file_that_is_there_is_never_rewritten(tmp_path: Path) -> None:
    """The second call changes nothing and says so."""
    file = tmp_path / "oomirror.toml"
    file.write_text("mine")
    assert not write_template(file, Path("/share"))
    assert file.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot write the configuration: .*oomirror\.toml; expected a folder"):
        write_template(tmp_path / "file" / "oomirror.toml")
