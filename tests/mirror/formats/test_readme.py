"""README.md as sections of fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.readme import parse_readme, plain_text

OF_2020 = """## HeLa Cell 2

<details open>
<summary><b>About this sample</b></summary>
A cultured wild-type HeLa cell,
frozen.

Sample provided by somebody.
</details>

<details>
<summary><b>Acquisition information</b></summary>
<ul>
<li>Protocol: 2% OsO<sub>4</sub> in acetone</li>
<li>Final voxel size (nm): 4 x 4 x 4 (X,Y,Z)</li>
<li>Hess lab internal ID: <code>Aubrey_17-7_17_Cell2 (Cryo)</code></li>
</ul>
</details>
"""


def test_a_readme_with_html_lists() -> None:
    """As the project wrote them in 2020: summaries are headings, `li` are fields."""
    assert parse_readme(OF_2020) == {
        "": {"Title": "HeLa Cell 2"},
        "About this sample": {"Description": "A cultured wild-type HeLa cell, frozen."},
        "Acquisition information": {
            "Protocol": "2% OsO4 in acetone",
            "Final voxel size (nm)": "4 x 4 x 4 (X,Y,Z)",
            "Hess lab internal ID": "Aubrey_17-7_17_Cell2 (Cryo)",
        },
    }


@pytest.mark.parametrize(
    "line",
    [
        "- Size (GB): 238",
        "* **Size (GB)**: 238",
        "- **Size (GB):** 238",
        "**Size (GB):** 238",
        "| Size (GB) | 238 |",
        "| **Size (GB)** | `238` | more |",
        "<li>Size (GB): 238</li>",
    ],
)
def test_all_forms_of_a_field(line: str) -> None:
    """Bullets, bold lines, rows of tables and items of HTML."""
    assert parse_readme(f"# T\n\n{line}\n") == {"": {"Title": "T", "Size (GB)": "238"}}


def test_the_licence_is_found_in_prose() -> None:
    """Where no field names it."""
    assert parse_readme("Shared under CC BY 4.0, see below.")[""]["License"] == "CC BY 4.0"


def test_prose_with_a_colon_is_no_field() -> None:
    """Only marked lines are fields; a table's rule is none."""
    found = parse_readme("# T\nNote: this is prose.\n\n| a | b |\n|---|:--|\n")
    assert found == {"": {"Title": "T", "Description": "Note: this is prose.", "a": "b"}}


def test_an_empty_heading_is_no_title() -> None:
    """The next one is."""
    assert parse_readme("# \n# T\n") == {"": {"Title": "T"}}


def test_plain_text() -> None:
    """Marks and tags go, words stay."""
    assert plain_text("**2% OsO<sub>4</sub> &amp; `H2O`**") == "2% OsO4 & `H2O"


@given(st.text(alphabet="#-*|:<>/lisumary \n()ab", max_size=80))
def test_no_text_fails(text: str) -> None:
    """Whatever stands there, the answer is fields of text."""
    assert all(value for fields in parse_readme(text).values() for value in fields.values())
