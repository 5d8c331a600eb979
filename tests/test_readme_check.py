"""README is held to `--help` by a program; here the program is held to finding what differs."""

from __future__ import annotations

import pytest

from tests.readme_check import differences, main

HELPS = {
    "": "Options:\n  --version   It.\nCommands:\n  sync  mirrors\n\n  Exit codes:\n    0  done\n    2  usage\n",
    "catalog": "Options:\n  -h, --help  This.\nCommands:\n  runs  lists\n  sql  asks\n",
    "catalog runs": "Options:\n  --json  One document.\n",
    "catalog sql": "Options:\n  --json  One document.\n  --rows N  Rows.\n",
    "sync": "Options:\n  --scales SPEC  Levels.\n  -n, --dry-run  Plan.\n  -h, --help  This.\n",
}
README = """\
`oomirror sync DATASET`
`oomirror catalog runs`
`oomirror catalog sql`
| `--json` | catalog * | json |
| `--rows N` | catalog sql | rows |
| `--scales SPEC` | sync | levels |
| `--dry-run`, `-n` | sync | plan |
| `--version` | oomirror | version |
| 0 | done |
| 2 | usage |
"""


def test_readme_agrees_with_help() -> None:
    """README.md and the helps of this checkout agree."""
    assert main() == 0


def test_agreement_is_silent() -> None:
    """A README that lists all there is has no differences."""
    assert list(differences(README, HELPS)) == []


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        pytest.param("| `--scales SPEC` | sync | levels |\n", "", "--scales", id="option not in README"),
        pytest.param("--dry-run", "--dry-ruin", "--dry-ruin", id="option not in help"),
        pytest.param("| `--version` | oomirror |", "| `--version` | sync |", "--version", id="wrong command"),
        pytest.param("oomirror sync", "sync", "sync", id="command not in README"),
        pytest.param("`oomirror catalog runs`", "", "catalog runs", id="command of two words not in README"),
        pytest.param("| catalog sql |", "| catalog * |", "--rows", id="more commands than have it"),
        pytest.param("| catalog * |", "| catalog runs |", "catalog sql", id="fewer commands than have it"),
        pytest.param("| 2 | usage |\n", "", "exit code 2", id="exit code not in README"),
    ],
)
def test_a_difference_is_named(old: str, new: str, word: str) -> None:
    """What README lacks, or has too much, is named."""
    assert any(word in fault for fault in differences(README.replace(old, new), HELPS))
