"""What the doctor says of the machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mirror.app.doctor.machine import EXTRAS, look_at_machine

ROOT = Path(__file__).parents[4]


def test_the_extras_are_those_of_the_project() -> None:
    """Each with the packages that it brings."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = document["project"]["optional-dependencies"]
    assert {name: {_package(one) for one in wanted} for name, wanted in extras.items()} == {
        name: set(packages) for name, packages in EXTRAS.items()
    }


def test_what_is_installed_is_not_said_to_be_missing() -> None:
    """Where the tests run all of them are there."""
    (extras,) = [one for one in look_at_machine() if one.name == "extras"]
    assert (extras.state, extras.found) == ("ok", "demo, explain, parquet, postgres, view")


def _package(requirement: str) -> str:
    return re.split(r"[\[><=]", requirement)[0]
