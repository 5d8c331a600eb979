"""The public names: there when they are wanted, and light until then."""

from __future__ import annotations

import subprocess
import sys

import pytest

import oomirror


def run_python(program: str) -> str:
    """Run a program in an interpreter of its own; return what it prints."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def test_every_public_name_is_there() -> None:
    """And no other is made up."""
    for name in oomirror.__all__:
        assert getattr(oomirror, name) is not None
    with pytest.raises(AttributeError, match="open_sesame"):
        _ = oomirror.open_sesame


def test_the_import_loads_nothing_heavy() -> None:
    """Neither NumPy nor the command line, nor the database: a notebook and a command start alike."""
    program = (
        "import sys, oomirror; print(sorted({'numpy', 'tensorstore', 'PIL', 'typer', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert run_python(program) == "[]\n"


def test_a_missing_extra_is_told_in_a_sentence() -> None:
    """An ImportError that names the command, and exit code 2 on the command line."""
    hide = (
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'tensorstore' else find(name, *rest)"
    )
    asked = (
        "try:\n    from oomirror import open_volume\nexcept ImportError as error:\n    print(error.exit_code, error)"
    )
    said = run_python(f"{hide}\n{asked}")
    assert said.startswith("2 cannot read voxels")
    assert "pip install 'oomirror[view]'" in said
