"""Looking at files: what each depth sees, of files of any size and of whatever stands in their place."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import xxhash

from mirror.engine.scrub import Batch, BlockShape, Damage, Depth, IoErrors, Looker, Wanted, looked_at
from mirror.engine.scrub import look as look_module
from mirror.engine.scrub.pool import SMALL_BYTES, next_width
from mirror.errors import UnsafeError
from mirror.formats.n5.attributes import ArrayAttributes, parse_attributes
from mirror.formats.n5.block import encode_block
from mirror.formats.n5.compression import GzipCompression
from mirror.formats.n5.grid import Grid, block_key
from tests.shim import FOR_EVER, Fault, shim

SIZES = [0, 1, 300, look_module.BUFFER_BYTES - 1, look_module.BUFFER_BYTES, look_module.LARGE_BYTES + 1]
GZIP = GzipCompression.model_validate({"type": "gzip", "level": 1})
SHAPE = BlockShape(Grid((10, 8, 8), (8, 8, 8)), 1, GZIP, "0/0/")


def wanted_of(file: Path, *, is_to_decode: bool = False) -> Wanted:
    """Return what a file is."""
    body = file.read_bytes()
    return Wanted(file.name, len(body), xxhash.xxh3_128_digest(body), None, is_to_decode)


def block(*shape_zyx: int) -> bytes:
    """Return a block of noise."""
    voxels = np.random.default_rng(7).integers(0, 255, shape_zyx, dtype=np.uint8)
    return encode_block(voxels, codec=GZIP)


@pytest.mark.parametrize("depth", Depth, ids=lambda depth: depth.word)
def test_whole_files_are_whole(tmp_path: Path, depth: Depth) -> None:
    """Files of any length, below and above what is read at one go, are what they were."""
    files = [tmp_path / str(size) for size in SIZES]
    for file, size in zip(files, SIZES, strict=True):
        file.write_bytes(os.urandom(size))
    seen = Looker().look(Batch(str(tmp_path), [wanted_of(file) for file in files], depth, is_whole_folder=True))
    assert (seen.odd, seen.proven, seen.unknown) == ([], [], [])


@pytest.mark.parametrize("size", SIZES[1:])
def test_one_bit_is_seen_in_files_of_any_length(tmp_path: Path, size: int) -> None:
    """The last bit of a file counts, whatever its length."""
    file = tmp_path / "file"
    file.write_bytes(os.urandom(size))
    wanted = wanted_of(file)
    body = bytearray(file.read_bytes())
    body[-1] ^= 1
    file.write_bytes(body)
    (odd,) = Looker().look(Batch(str(tmp_path), [wanted], Depth.FULL)).odd
    assert (odd.damage, odd.is_hash_same) == (Damage.CONTENT, False)


def leave(path: Path) -> None:
    """Leave nothing."""


def make_a_pipe(path: Path) -> None:
    """Make a pipe, which nobody writes into."""
    os.mkfifo(path)


def link_nowhere(path: Path) -> None:
    """Make a link to what is not there."""
    path.symlink_to("nothing")


def link_to_itself(path: Path) -> None:
    """Make a link that leads in a circle."""
    path.symlink_to(path)


@pytest.mark.parametrize("depth", Depth, ids=lambda depth: depth.word)
@pytest.mark.parametrize(
    ("make", "damage"),
    [
        (leave, Damage.LOST),
        (Path.mkdir, Damage.NOT_A_FILE),
        (make_a_pipe, Damage.NOT_A_FILE),
        (link_nowhere, Damage.NOT_A_FILE),
        (link_to_itself, Damage.NOT_A_FILE),
        (Path.touch, Damage.SIZE),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_stands_in_the_place_of_a_file_is_told(
    tmp_path: Path, depth: Depth, make: Callable[[Path], None], damage: Damage
) -> None:
    """Nothing, a folder, a pipe, a dead link, an empty file: each is told by every depth, and none is waited for."""
    make(tmp_path / "file")
    seen = Looker().look(Batch(str(tmp_path), [Wanted("file", 300, bytes(16))], depth, SHAPE))
    assert [odd.damage for odd in seen.odd] == [damage]


def test_a_folder_that_is_not_there_has_lost_its_files(tmp_path: Path) -> None:
    """Without their folder all files are lost; so they are where a file stands in its place."""
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        batch = Batch(str(tmp_path / folder), [Wanted("0", 1, None), Wanted("1", 1, None)], Depth.FULL)
        assert [odd.damage for odd in Looker().look(batch).odd] == [Damage.LOST] * 2


def test_names_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    """Of a whole folder what lies there besides is told; of a part of one it is not."""
    for name in ("0", "1", "notes.txt"):
        (tmp_path / name).touch()
    wanted = [wanted_of(tmp_path / "0")]
    seen = [
        Looker().look(Batch(str(tmp_path), wanted, Depth.QUICK, is_whole_folder=is_whole_folder)).unknown
        for is_whole_folder in (True, False)
    ]
    assert seen == [["1", "notes.txt"], []]


@pytest.mark.parametrize(
    ("body", "headers", "full"),
    [
        (block(8, 8, 8), None, None),
        (block(8, 8, 2), Damage.HEADER, Damage.HEADER),
        (block(4, 8, 8), Damage.HEADER, Damage.HEADER),
        (block(8, 8, 8)[:-3], None, Damage.DECODE),
        (block(8, 8, 8) + b"more", None, None),
        (block(8, 8, 8)[:16], None, Damage.DECODE),
        (b"", Damage.HEADER, Damage.HEADER),
        (bytes(300), Damage.HEADER, Damage.HEADER),
        (b"\0\0\0\3" + b"\xff" * 12, Damage.HEADER, Damage.HEADER),
    ],
    ids=["whole", "of the edge", "of no place", "cut", "more behind it", "no voxels", "empty", "zeros", "giant"],
)
def test_blocks_are_told_by_header_and_voxels(
    tmp_path: Path, body: bytes, headers: Damage | None, full: Damage | None
) -> None:
    """A block that is stored as the bucket has it is odd by its own bytes: that it is the same bytes is told, too."""
    (tmp_path / "0").write_bytes(body)
    wanted = wanted_of(tmp_path / "0", is_to_decode=True)
    for depth, expected in ((Depth.QUICK, None), (Depth.HEADERS, headers), (Depth.FULL, full)):
        seen = Looker().look(Batch(str(tmp_path), [wanted], depth, SHAPE))
        assert [(odd.damage, odd.is_hash_same) for odd in seen.odd] == (
            [(expected, depth is Depth.FULL)] if expected else []
        )


def test_a_cut_block_is_whole_at_the_edge(tmp_path: Path) -> None:
    """A block at the array's edge may be cut, or padded to its whole size; elsewhere it may not be cut."""
    for index_x, expected in ((1, []), (0, [Damage.HEADER])):
        shape = BlockShape(SHAPE.grid, 1, GZIP, f"{index_x}/0/")
        (tmp_path / "0").write_bytes(block(8, 8, 2))
        batch = Batch(str(tmp_path), [wanted_of(tmp_path / "0", is_to_decode=True)], Depth.FULL, shape)
        assert [odd.damage for odd in Looker().look(batch).odd] == expected


def test_what_was_decoded_once_is_not_decoded_again(tmp_path: Path) -> None:
    """The same bytes would give the same voxels: a block that cannot be decoded is told only where it is to be."""
    (tmp_path / "0").write_bytes(block(8, 8, 8)[:-3])
    batch = Batch(str(tmp_path), [wanted_of(tmp_path / "0")], Depth.FULL, SHAPE)
    assert Looker().look(batch).odd == []


def test_what_nobody_hashed_is_hashed_and_proven(tmp_path: Path) -> None:
    """Without a hash the MD5 tells; without both the hash is told, so that a later look can compare."""
    (tmp_path / "0").write_bytes(b"hello")
    right, wrong = hashlib.md5(b"hello").digest(), bytes(16)
    wanted = [Wanted("0", 5, None, md5) for md5 in (right, wrong, None)]
    seen = Looker().look(Batch(str(tmp_path), wanted, Depth.FULL))
    digest = xxhash.xxh3_128_digest(b"hello")
    assert seen.proven == [(0, digest, True), (1, digest, False), (2, digest, None)]


@pytest.mark.parametrize("depth", [Depth.HEADERS, Depth.FULL], ids=lambda depth: depth.word)
@pytest.mark.parametrize(
    ("number", "damage", "n_io_errors"),
    [(errno.EACCES, Damage.UNREADABLE, 0), (errno.EPERM, Damage.UNREADABLE, 0), (errno.EIO, Damage.CONTENT, 1)],
    ids=["EACCES", "EPERM", "EIO"],
)
def test_what_cannot_be_opened_is_told_of_its_file(
    tmp_path: Path, depth: Depth, number: int, damage: Damage, n_io_errors: int
) -> None:
    """The file beside it is looked at; of a folder that cannot be opened it is told of each file, and tried once."""
    for name in ("0", "1"):
        (tmp_path / name).write_bytes(block(8, 8, 8))
    batch = Batch(str(tmp_path), [wanted_of(tmp_path / name) for name in ("0", "1")], depth, SHAPE)
    with shim(tmp_path, Fault("open", number, of="/0$", n_times=FOR_EVER)):
        seen = Looker().look(batch)
    assert [(odd.position, odd.damage) for odd in seen.odd] == [(0, damage)]
    assert (seen.n_tries, seen.n_io_errors) == (2, n_io_errors)
    with shim(tmp_path, Fault("open", number, of="^$", n_times=FOR_EVER)):
        seen = Looker().look(batch)
    assert [(odd.position, odd.damage) for odd in seen.odd] == [(0, damage), (1, damage)]
    assert (seen.n_tries, seen.n_io_errors) == (1, n_io_errors)


@pytest.mark.parametrize(
    ("counts", "is_gone"),
    [
        pytest.param([(100, 19)], False, id="few"),
        pytest.param([(20, 20)], True, id="nothing but errors"),
        pytest.param([(100, 50)], False, id="half of them"),
        pytest.param([(100, 51)], True, id="more than half"),
        pytest.param([(10, 10), (10, 10)], True, id="bit by bit"),
        pytest.param([(5_000, 19), (40, 19)], False, id="few again and again"),
        pytest.param([(5_000, 0), (40, 30)], True, id="from now on"),
    ],
)
def test_very_many_errors_are_those_of_the_share(counts: list[tuple[int, int]], is_gone: bool) -> None:
    """Some bad files are passed over; where most tries of some hundred fail, the share is gone."""
    errors = IoErrors()
    with pytest.raises(UnsafeError) if is_gone else nullcontext():
        for n_tries, n_errors in counts:
            errors.add(n_tries, n_errors)
            errors.check("/share")


@pytest.mark.parametrize(
    ("number", "n_times", "outcome"),
    [
        pytest.param(errno.ESTALE, 1, [], id="replaced meanwhile"),
        pytest.param(errno.EIO, 9, ["content"], id="bad sector"),
        pytest.param(errno.ESTALE, 9, None, id="stale"),
        pytest.param(errno.ENOTCONN, 9, None, id="gone"),
    ],
)
def test_a_share_that_goes_away_is_no_damage_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, n_times: int, outcome: list[str] | None
) -> None:
    """What a file system says of itself ends the look; a bad sector is damage, a handle that was stale once is none."""
    (tmp_path / "0").write_bytes(b"hello")
    left = [number] * n_times
    fstat = os.fstat

    def failing(file: int) -> os.stat_result:
        if left:
            raise OSError(left.pop(), "the system's words")
        return fstat(file)

    batch = Batch(str(tmp_path), [Wanted("0", 5, None)], Depth.FULL)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", failing)
        if outcome is None:
            with pytest.raises(UnsafeError):
                Looker().look(batch)
            return
        seen = Looker().look(batch)
    assert [one.damage for one in seen.odd] == outcome


@pytest.mark.parametrize(("size", "most"), [(5, 1), (SMALL_BYTES, 2 * 3)], ids=["small", "large"])
def test_batches_come_back_with_what_went_with_them(tmp_path: Path, size: int, most: int) -> None:
    """Each batch comes once; no more are under way than threads can have, and one at a time where files are small.

    Several threads wait for Python's lock there, and are slower than one.
    """
    (tmp_path / "0").write_bytes(bytes(size))
    batch = Batch(str(tmp_path), [wanted_of(tmp_path / "0")], Depth.FULL)
    n_out, peak, numbers = 0, 0, []

    def batches() -> Iterator[tuple[int, Batch]]:
        """Yield batches, and count those that are under way."""
        nonlocal n_out, peak
        for number in range(100):
            n_out += 1
            peak = max(peak, n_out)
            yield number, batch

    for number, _, seen in looked_at(batches(), n_threads=2):
        n_out -= 1
        numbers.append(number)
        assert seen.odd == []
    assert sorted(numbers) == list(range(100))
    assert peak <= most + 1


@pytest.mark.parametrize(
    ("width", "n_busy", "n_useful", "expected"),
    [
        pytest.param(1, 1.0, 1, 1, id="one is enough"),
        pytest.param(8, 1.3, 1, 4, id="they wait for each other"),
        pytest.param(2, 0.05, 1, 4, id="they wait for the share"),
        pytest.param(4, 0.7, 1, 4, id="some of both"),
        pytest.param(2, 2.0, 2, 2, id="large files, all cores busy"),
        pytest.param(2, 0.8, 2, 4, id="large files, waited for"),
        pytest.param(32, 0.0, 2, 32, id="never more than that"),
    ],
)
def test_threads_are_as_many_as_help(width: int, n_busy: float, n_useful: int, expected: int) -> None:
    """More where the share is waited for, fewer where they wait for each other."""
    assert next_width(width, n_busy, n_useful=n_useful) == expected


def test_an_error_in_a_thread_is_raised(tmp_path: Path) -> None:
    """What ends a look in a thread is raised where batches are asked for."""
    batch = Batch(f"{tmp_path}/{'x' * 300}", [Wanted("0", 5, None)], Depth.FULL)
    with pytest.raises(UnsafeError):
        list(looked_at([(None, batch)], n_threads=1))


@pytest.mark.samples
def test_blocks_of_java_decode(samples: Path) -> None:
    """Every block that three eras of the Java library wrote, cut at the edges, is sound, and holds what we read."""
    containers = sorted((samples / "n5_written_by_java").glob("*.n5"))
    assert len(containers) == 3
    for container in containers:
        attributes = parse_attributes((container / "raw" / "attributes.json").read_bytes(), str(container))
        assert isinstance(attributes, ArrayAttributes)
        for index in attributes.grid.indices():
            file = container / "raw" / block_key(index)
            folder = f"{file.parent.relative_to(container / 'raw')}/"
            shape = BlockShape(attributes.grid, attributes.data_type.n_bytes, attributes.compression, folder)
            batch = Batch(str(file.parent), [wanted_of(file, is_to_decode=True)], Depth.FULL, shape)
            assert shape.index_of(file.name) == index
            assert Looker().look(batch).odd == []
