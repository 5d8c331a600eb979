"""What `--scales` and `--formats` spell, against a naive second reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import ExitCode, UsageError
from mirror.formats.dataset import Format
from mirror.selection import ALL_SCALES, parse_formats, parse_scales

HIGHEST = 12
ranges = st.one_of(
    st.tuples(st.integers(0, HIGHEST)),
    st.tuples(st.integers(0, HIGHEST), st.none() | st.integers(0, HIGHEST)).filter(
        lambda ends: ends[1] is None or ends[0] <= ends[1]
    ),
)


def spell(levels: tuple[int | None, ...]) -> str:
    """Return one part of a spec, as a user writes it."""
    if len(levels) == 1:
        return f"s{levels[0]}"
    return f"s{levels[0]}-" if levels[1] is None else f"s{levels[0]}-s{levels[1]}"


@given(st.lists(ranges, min_size=1, max_size=5))
def test_a_spec_means_the_union_of_its_parts(parts: list[tuple[int | None, ...]]) -> None:
    """Membership equals a naive union; the canonical spelling means the same, and spells itself."""
    naive: set[int] = set()
    for part in parts:
        first, last = part[0] or 0, part[-1]
        naive |= set(range(first, (HIGHEST + 5 if last is None else last) + 1))
    scales = parse_scales(",".join(map(spell, parts)))
    assert {level for level in range(HIGHEST + 6) if level in scales} == naive
    assert parse_scales(str(scales)) == scales


@pytest.mark.parametrize(
    ("spec", "canonical", "named"),
    [
        ("s3", "s3", (3,)),
        ("s0-s2", "s0-s2", (0, 1, 2)),
        ("s1,s3-s5", "s1,s3-s5", (1, 3, 4, 5)),
        ("s2-", "s2-", (2,)),
        ("all", "all", ()),
        ("s0-", "all", ()),
        (" s1 , s0 ", "s0-s1", (0, 1)),
        ("s1,s1-s1", "s1", (1,)),
        ("s4-,s2-s3", "s2-", (2,)),
    ],
)
def test_a_spec_has_one_canonical_spelling(spec: str, canonical: str, named: tuple[int, ...]) -> None:
    """Equal choices are spelled alike; of an open range only its first level must exist."""
    assert str(parse_scales(spec)) == canonical
    assert parse_scales(spec).named == named


@pytest.mark.parametrize(
    "spec", ["", "s", "2", "0-2", "s3-s1", "s1-2", "s1-s2-s3", "s-1", "-s1", "s0,,s1", "s01", "ALL", "all,s1", "s99999"]
)
def test_nonsense_is_refused_with_what_would_be_right(spec: str) -> None:
    """A spec that spells no levels is a usage error, exit 2, that helps."""
    with pytest.raises(UsageError) as caught:
        parse_scales(spec)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.thing == spec
    assert caught.value.expected or caught.value.hint


def test_a_backward_range_says_how_to_write_it() -> None:
    """The hint gives the range the right way round."""
    with pytest.raises(UsageError, match="s1-s3"):
        parse_scales("s3-s1")


def test_all_scales_is_every_level() -> None:
    """`all` has no end."""
    assert 10_000 in ALL_SCALES
    assert parse_scales("all") == ALL_SCALES


def test_formats_are_read_in_one_order() -> None:
    """The order in which formats are given does not matter."""
    assert parse_formats("mesh, n5") == parse_formats("n5,mesh") == (Format.N5, Format.MESH)


@pytest.mark.parametrize(("spec", "hint"), [("zar", "zarr"), ("n5,preconputed", "precomputed"), ("", "n5")])
def test_an_unknown_format_names_the_near_one(spec: str, hint: str) -> None:
    """A format that does not exist is a usage error that names the one meant, or all."""
    with pytest.raises(UsageError) as caught:
        parse_formats(spec)
    assert hint in caught.value.hint
    assert not caught.value.expected  # The formats are told once.
