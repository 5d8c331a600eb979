"""What `--volumes` spells, against a naive matcher that tries every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.selection import parse_volumes

paths = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
globs = st.lists(
    st.sampled_from(["a", "b", ".", "*", "?", "**", "a*", "*b", "[ab]", "[!a]"]), min_size=1, max_size=4
).map("/".join)


def naive(glob: str, path: str) -> bool:
    """Return whether the glob means exactly this path, by trying every way to split it."""
    if not glob:
        return not path
    if glob.startswith("**/"):
        after_slashes = [path, *(path[i + 1 :] for i, character in enumerate(path) if character == "/")]
        return any(naive(glob[3:], rest) for rest in after_slashes)
    if glob.startswith("*"):
        crosses = glob.startswith("**")
        ends = len(path) if crosses else (path + "/").index("/")
        return any(naive(glob[1 + crosses :], path[i:]) for i in range(ends + 1))
    members, rest = (glob[1 : glob.index("]")], glob[glob.index("]") + 1 :]) if glob[0] == "[" else (glob[0], glob[1:])
    return path != "" and means(members, path[0]) and naive(rest, path[1:])


def means(members: str, character: str) -> bool:
    """Return whether one character is what a set, a question mark or a character of a glob means."""
    if members == "?":
        return character != "/"
    if members.startswith("!"):
        return character not in members[1:] + "/"
    return character in members


@given(globs, paths)
def test_a_glob_means_what_a_naive_matcher_finds(glob: str, path: str) -> None:
    """A path is taken if the glob means it or a group above it; with `!`, exactly then it is not."""
    places = [path.rsplit("/", n)[0] for n in range(path.count("/") + 1)]
    meant = any(naive(glob, place) for place in places)
    assert parse_volumes([glob]).takes(path) == meant
    assert parse_volumes(["!" + glob]).takes(path) == (not meant)


@given(st.permutations(["labels", "!labels/*_pred", "raw", "!**/mito_*"]))
def test_the_order_of_patterns_does_not_matter(patterns: list[str]) -> None:
    """What any pattern chooses and none excludes is taken."""
    volumes = parse_volumes(patterns)
    taken = [
        path
        for path in ("labels/er_seg", "labels/er_pred", "labels/mito_seg", "em/fibsem-uint8", "lm/er_palm")
        if volumes.takes(path)
    ]
    assert taken == ["labels/er_seg", "em/fibsem-uint8"]


@pytest.mark.parametrize(
    ("pattern", "path", "taken"),
    [
        pytest.param("em/*", "em/fibsem-uint16", True, id="star"),
        pytest.param("em/*", "em", False, id="star is not the group"),
        pytest.param("em/*", "labels/em/x", False, id="begins at the top"),
        pytest.param("labels/*_seg", "labels/er_seg/s0", True, id="all below what is meant"),
        pytest.param("labels", "labels/er_seg", True, id="group"),
        pytest.param("labels", "labels2/er_seg", False, id="whole names"),
        pytest.param("/labels/", "labels/er_seg", True, id="slashes around"),
        pytest.param("*_seg", "labels/er_seg", False, id="star does not cross"),
        pytest.param("**/*_seg", "labels/er_seg", True, id="double star crosses"),
        pytest.param("**/*_seg", "er_seg", True, id="double star is also nothing"),
        pytest.param("volumes/**", "volumes/labels/er_seg", True, id="all below"),
        pytest.param("Labels", "labels/er_seg", False, id="case counts"),
        pytest.param("labels/crop[0-9]", "labels/crop7", True, id="set"),
        pytest.param("labels/crop[!0-9]", "labels/crop7", False, id="set of others"),
        pytest.param("labels/a[^b]c", "labels/a^c", True, id="a caret is a character"),
        pytest.param("labels/a+b(c", "labels/a+b(c", True, id="regex characters are characters"),
        pytest.param("labels/[", "labels/[", True, id="an open bracket is a character"),
        pytest.param("raw", "em/fibsem-uint16/s0", True, id="raw in a"),
        pytest.param("raw", "volumes/raw/s3", True, id="raw in b"),
        pytest.param("raw", "recon-1/em/fibsem-uint8/s0", True, id="raw in zarr"),
        pytest.param("raw", "neuroglancer/em/fibsem-uint8.precomputed/s0", True, id="raw in precomputed"),
        pytest.param("raw", "volumes/subsampled/raw/2x", False, id="subsampled is not raw"),
        pytest.param("raw", "raw", True, id="a volume that is called raw"),
        pytest.param("!raw", "em/fibsem-uint16", False, id="all but raw"),
        pytest.param("!raw", "labels/er_seg", True, id="others than raw"),
    ],
)
def test_patterns_mean_what_the_help_says(pattern: str, path: str, taken: bool) -> None:
    """Each form of pattern, one case each."""
    assert parse_volumes([pattern]).takes(path) == taken


def test_no_pattern_takes_all() -> None:
    """Without patterns every volume is chosen."""
    assert parse_volumes([]).takes("anything/at/all")


@pytest.mark.parametrize("pattern", ["", "!", "/", "!/", "[]", "a/[z-a]"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """A pattern that names nothing, or a set that runs backwards, is a usage error."""
    with pytest.raises(UsageError):
        parse_volumes([pattern])
