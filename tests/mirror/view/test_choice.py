"""Which array is meant: by path, by the word raw, by format, by level; and the command that mirrors it."""

from __future__ import annotations

import pytest

from mirror.errors import UnknownNameError, UsageError
from mirror.formats.folder import Format
from mirror.formats.layout import Array, Container, Dataset, Volume
from mirror.view.choice import choose, parse_volume

ROOT = "jrc_x/"


def volume(container: str, path: str, array_format: Format, *levels: str) -> Volume:
    """Return a volume with levels of these names, or a single array."""
    prefix = f"{ROOT}{container}/{path}/"
    arrays = [Array(array_format, f"{path}/{name}", f"{prefix}{name}/", at, name) for at, name in enumerate(levels)]
    whole = Array(array_format, path, prefix)
    return Volume(path, f"{ROOT}{container}/", prefix, array_format, tuple(arrays) or (whole,))


N5 = (
    volume("jrc_x.n5", "em/fibsem-uint16", Format.N5, "s0", "s1"),
    volume("jrc_x.n5", "labels/er_seg", Format.N5, "s0"),
    volume("jrc_x.n5", "labels/mask", Format.N5),
)
ZARR = (
    volume("jrc_x.zarr", "recon-1/em/fibsem-uint8", Format.ZARR, "0", "1"),
    volume("jrc_x.zarr", "labels/er_seg", Format.ZARR, "s0", "s1"),
)
DATASET = Dataset(
    "jrc_x",
    ROOT,
    (
        Container(Format.N5, f"{ROOT}jrc_x.n5/", N5, ()),
        Container(Format.ZARR, f"{ROOT}jrc_x.zarr/", ZARR, ()),
    ),
    (),
    (),
    (),
)


@pytest.mark.parametrize(
    ("path", "level", "prefix"),
    [
        pytest.param("em/fibsem-uint16", None, "jrc_x.n5/em/fibsem-uint16/s0/", id="the finest"),
        pytest.param("em/fibsem-uint16", "s1", "jrc_x.n5/em/fibsem-uint16/s1/", id="a level"),
        pytest.param("em/fibsem-uint16/s1", None, "jrc_x.n5/em/fibsem-uint16/s1/", id="a level in the path"),
        pytest.param("raw", "s1", "jrc_x.n5/em/fibsem-uint16/s1/", id="raw, N5 first"),
        pytest.param("labels/er_seg", "s0", "jrc_x.n5/labels/er_seg/s0/", id="N5 before zarr"),
        pytest.param("jrc_x.zarr/labels/er_seg", "s1", "jrc_x.zarr/labels/er_seg/s1/", id="the container says which"),
        pytest.param("recon-1/em/fibsem-uint8", "s1", "jrc_x.zarr/recon-1/em/fibsem-uint8/1/", id="by its place"),
        pytest.param("/labels/mask/", None, "jrc_x.n5/labels/mask/", id="no levels"),
    ],
)
def test_arrays_are_found(path: str, level: str | None, prefix: str) -> None:
    """As people write them."""
    assert choose(DATASET, path, level).array.prefix == ROOT + prefix


@pytest.mark.parametrize(
    ("path", "level", "words"),
    [
        ("labels/er_sec", None, "labels/er_seg"),
        ("nothing/like/it", None, "There are"),
        ("raw", "s7", "s0, s1"),
        ("labels/mask", "s0", "has no levels"),
    ],
)
def test_others_are_told_what_is_near(path: str, level: str | None, words: str) -> None:
    """Volumes and levels."""
    with pytest.raises(UnknownNameError) as caught:
        choose(DATASET, path, level)
    assert words in str(caught.value)


def test_two_of_one_kind_are_not_guessed_at() -> None:
    """Both are named."""
    two = (*N5, volume("jrc_x.n5", "em/fibsem-uint8", Format.N5, "s0"))
    dataset = Dataset("jrc_x", ROOT, (Container(Format.N5, f"{ROOT}jrc_x.n5/", two, ()),), (), (), ())
    with pytest.raises(UnknownNameError, match="em/fibsem-uint16, em/fibsem-uint8"):
        choose(dataset, "raw", None)


@pytest.mark.parametrize(
    ("path", "level", "bucket", "command"),
    [
        ("raw", "s1", None, "oomirror sync jrc_x --volumes em/fibsem-uint16 --scales s1"),
        ("labels/mask", None, "a", "oomirror sync jrc_x --bucket a --volumes labels/mask"),
        (
            "recon-1/em/fibsem-uint8",
            "1",
            None,
            "oomirror sync jrc_x --volumes recon-1/em/fibsem-uint8 --scales s1 --formats zarr",
        ),
    ],
)
def test_the_command_mirrors_just_that(path: str, level: str | None, bucket: str | None, command: str) -> None:
    """To be pasted into a shell."""
    assert choose(DATASET, path, level).sync_command(bucket) == command


@pytest.mark.parametrize("path", ["jrc_x", "", "/", "jrc_x/", "../raw", "./jrc_x/raw", "jrc\0x/raw"])
def test_a_volume_needs_dataset_and_path(path: str) -> None:
    """In one text."""
    with pytest.raises(UsageError, match="DATASET/VOLUME"):
        parse_volume(path)
