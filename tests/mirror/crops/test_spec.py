"""What `--crops` and `--padding` spell."""

from __future__ import annotations

import pytest

from mirror.crops.spec import CropSpec, parse_crops
from mirror.errors import UsageError


@pytest.mark.parametrize(
    ("text", "numbers", "spelled"),
    [
        pytest.param("1", ("1",), "1", id="one"),
        pytest.param(
            "113, 9,1,9", ("1", "9", "113"), "1,9,113", id="several, in the order of their numbers, each once"
        ),
        pytest.param("001", ("001",), "001", id="text, so zeros stay"),
        pytest.param(" all ", None, "all", id="all"),
    ],
)
def test_what_is_a_choice(text: str, numbers: tuple[str, ...] | None, spelled: str) -> None:
    """Numbers and `all` are understood, and spelled in one way; what is spelled so is read as the same."""
    spec = parse_crops(text, padding=3)
    assert (spec.numbers, spec.padding, str(spec)) == (numbers, 3, spelled)
    assert parse_crops(spelled, padding=3) == spec


@pytest.mark.parametrize("text", ["", ",", "1,", "1,all", "all,all", "1-5", "crop 1", "1;2", "*"])
def test_what_is_none(text: str) -> None:
    """Nonsense is refused with what is expected, and what was found."""
    with pytest.raises(UsageError, match=r"not a choice of crops: .*; expected 1,113 or all, found"):
        parse_crops(text)


def test_a_padding_below_0_is_refused() -> None:
    """A padding that would cut from the boxes is no padding."""
    with pytest.raises(UsageError, match=r"not a padding: -1"):
        CropSpec(("1",), padding=-1)
