"""Checks of a mirrored share: each kind of damage is found, told by its kind, and mended."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog import queries
from catalog.errors import CatalogError
from catalog.records import DamagedRecord, Recorded, RunKind, RunState
from mirror.app.inventory import list_levels
from mirror.app.setup import init
from mirror.app.state import BucketState
from mirror.app.verify import VerifyRequest, exit_code_of, verify, word_of
from mirror.engine.fetch import ChecksumMode
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode, LockedError, UnknownNameError, UnsafeError
from mirror.lock import DatasetLock, Holder
from mirror.quantities import Budget
from mirror.selection import parse_scales, parse_volumes
from mirror.store.share import Share
from tests.mirror.app.verify.conftest import BLOCK, DATASET, HOME, OTHER_BLOCK, RAW, Lab, kinds

Break = Callable[[Path], None]


def flip_a_bit(file: Path) -> None:
    """Turn one bit in the middle."""
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)


def truncate(file: Path) -> None:
    """Cut the end off."""
    os.truncate(file, file.stat().st_size - 7)


def fill_with_zeros(file: Path) -> None:
    """Write zeros over all of it."""
    file.write_bytes(bytes(file.stat().st_size))


def make_a_hole(file: Path) -> None:
    """Leave nothing but a hole of the right size."""
    size = file.stat().st_size
    os.truncate(file, 0)
    os.truncate(file, size)


def delete(file: Path) -> None:
    """Remove it."""
    file.unlink()


def make_a_folder(file: Path) -> None:
    """Put a folder with a file in it in its place."""
    file.unlink()
    file.mkdir()
    (file / "notes.txt").write_text("mine")


BREAKS = [
    (flip_a_bit, None, None, "content"),
    (truncate, "size", "size", "size"),
    (fill_with_zeros, None, "header", "content"),
    (make_a_hole, None, "header", "content"),
    (delete, "lost", "lost", "lost"),
    (make_a_folder, "not_a_file", "not_a_file", "not_a_file"),
]


def test_a_whole_share_is_whole(lab: Lab) -> None:
    """Nothing is found on a share as it was mirrored, however deep the look; blocks that are absent are counted."""
    reports = [lab.verify(depth) for depth in Depth]
    assert [(exit_code_of(one), kinds(one), one.complete) for one in reports] == [(ExitCode.DONE, {}, True)] * 3
    assert {one.checked.objects for one in reports} == {reports[0].ok.objects}
    assert reports[0].checked.objects > 20
    assert reports[2].oldest_check_at is not None


@pytest.mark.parametrize(
    ("break_it", "quick", "headers", "full"), BREAKS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_damage_is_found_by_its_kind_and_mended(
    lab: Lab, break_it: Break, quick: str | None, headers: str | None, full: str
) -> None:
    """Each depth finds what it can see and calls it by its kind; --repair brings the bytes back, and all is whole."""
    whole = lab.file(BLOCK).read_bytes()
    break_it(lab.file(BLOCK))
    for depth, kind in ((Depth.QUICK, quick), (Depth.HEADERS, headers), (Depth.FULL, full)):
        report = lab.verify(depth)
        assert kinds(report) == ({BLOCK: kind} if kind else {}), depth
        assert exit_code_of(report) is (ExitCode.DIFFERENCES if kind else ExitCode.DONE)
    mended = lab.verify(Depth.FULL, repair=True)
    assert (kinds(mended), mended.repaired, mended.unrepaired) == ({BLOCK: full}, 1, 0)
    assert exit_code_of(mended) is ExitCode.DONE
    assert lab.file(BLOCK).read_bytes() == whole
    assert exit_code_of(lab.verify()) is ExitCode.DONE
    trash = [path.read_text() for path in lab.share.rglob(".oomirror/trash/**/notes.txt")]
    assert trash == (["mine"] if break_it is make_a_folder else [])


def test_two_blocks_that_changed_places_are_found(lab: Lab) -> None:
    """Blocks of one size, sound in themselves, are told by their content; both are mended."""
    files = [lab.file(BLOCK), lab.file(OTHER_BLOCK)]
    bodies = [file.read_bytes() for file in files]
    for file, body in zip(files, reversed(bodies), strict=True):
        file.write_bytes(body)
    found = kinds(lab.verify())
    assert set(found) == {BLOCK, OTHER_BLOCK}
    assert set(found.values()) == ({"content"} if len(bodies[0]) == len(bodies[1]) else {"size"})
    assert lab.verify(repair=True).repaired == 2
    assert [file.read_bytes() for file in files] == bodies


def test_what_is_damaged_is_known_until_it_is_mended(lab: Lab) -> None:
    """A lost row is forgotten and a damaged one doubted; a quick look still tells it; the next sync fetches both."""
    delete(lab.file(BLOCK))
    flip_a_bit(lab.file(OTHER_BLOCK))
    lab.verify()
    assert kinds(lab.verify(Depth.QUICK)) == {BLOCK: "lost", OTHER_BLOCK: "content"}
    assert lab.sync("volumes/raw", scales="s0-s1").transferred.objects == 2
    assert kinds(lab.verify()) == {}


def test_a_file_that_comes_back_gets_its_row_back(lab: Lab) -> None:
    """What was lost for a while, as by a mount that was missing, needs no bucket to be whole again."""
    body = lab.file(BLOCK).read_bytes()
    delete(lab.file(BLOCK))
    assert kinds(lab.verify(Depth.QUICK)) == {BLOCK: "lost"}
    lab.file(BLOCK).write_bytes(body)
    assert kinds(lab.verify(Depth.QUICK)) == {}
    report = lab.sync("volumes/raw", scales="s0-s1")
    assert (report.transferred.objects, report.adopted.objects) == (0, 0)


def test_no_row_is_put_back_while_a_sync_may_replace_the_file(lab: Lab) -> None:
    """Under the lock of another run a file that came back is told as no damage, and has its row only after that run."""
    body = lab.file(BLOCK).read_bytes()
    delete(lab.file(BLOCK))
    lab.verify(Depth.QUICK)
    lab.file(BLOCK).write_bytes(body)
    with DatasetLock(Share(lab.share), HOME, DATASET, Holder.of_this_process()):
        assert kinds(lab.verify(Depth.QUICK)) == {}
        assert row_of(lab, BLOCK) is None
    lab.verify(Depth.QUICK)
    assert row_of(lab, BLOCK) is not None


def row_of(lab: Lab, key: str) -> Recorded | None:
    """Return the row of an object of bucket B."""
    with lab.catalog() as catalog:
        state = BucketState.of(catalog, str(lab.settings.bucket("b").url), "heinrich-2021a/", aliases=())
        array_id, block = state.place_of(key) or (None, None)
        with catalog.read() as connection:
            return queries.recorded(connection, state.bucket_id or 0, key, array_id=array_id, block_xyz=block)


def test_damage_that_came_so_and_is_lost_since_loses_its_row(lab: Lab) -> None:
    """A block that is damaged in its bucket has its row; once it is gone, so is the row, on any night."""
    row = row_of(lab, BLOCK)
    assert row is not None
    with lab.catalog() as catalog, catalog.begin() as connection:
        (bucket_id,) = [one for one, url in queries.buckets(connection).items() if HOME in url]
        known = DamagedRecord(
            bucket_id=bucket_id,
            key=BLOCK,
            kind="decode",
            reason="as it came",
            is_upstream=True,
            size=row.size,
            etag=row.etag,
            hash=row.hash,
            how=row.how,
            mirrored_run_id=row.run_id,
            run_id=row.run_id,
            found_at=datetime.now(UTC),
        )
        queries.put_damaged(connection, [known])
    delete(lab.file(BLOCK))
    assert kinds(lab.verify(budget=Budget(n_bytes=1))) == {BLOCK: "lost"}
    assert row_of(lab, BLOCK) is None


def test_strays_are_told_and_left(lab: Lab) -> None:
    """Files that neither a listing nor a run knows are told, wherever they lie in the dataset, and stay."""
    keys = [f"{RAW}notes.txt", f"{RAW}1/0/77/deep.txt", f"{RAW}1/extra", f"{RAW}900/0/0"]
    keys += ["heinrich-2021a/jrc_hela-2/mine.txt"]
    for key in keys:
        lab.file(key).parent.mkdir(parents=True, exist_ok=True)
        lab.file(key).write_text("mine")
    lab.file(f"{RAW}Thumbs.db").write_text("")
    report = lab.verify(Depth.QUICK, repair=True)
    assert kinds(report) == dict.fromkeys(keys, "stray")
    assert exit_code_of(report) is ExitCode.DIFFERENCES
    assert all(lab.file(key).read_text() == "mine" for key in keys)


def test_strays_beside_known_damage_are_told(lab: Lab) -> None:
    """Also where all of a folder is damaged and known to be, so that nothing in it is looked at for its row."""
    folder = lab.file(BLOCK).parent
    blocks = {f"{BLOCK.rpartition('/')[0]}/{path.name}": "size" for path in folder.iterdir()}
    for key in blocks:
        lab.file(key).write_bytes(b"cut")
    (folder / ".hidden").write_text("mine")
    found = blocks | {f"{BLOCK.rpartition('/')[0]}/.hidden": "stray"}
    for _ in range(2):
        assert kinds(lab.verify(Depth.FULL)) == found
    assert kinds(lab.verify(Depth.QUICK)) == found


def test_a_check_that_has_nothing_to_look_at_has_failed(lab: Lab) -> None:
    """After the catalog was lost, a night of checks does not look like one on which all is whole."""
    with lab.catalog() as catalog, catalog.begin() as connection:
        connection.exec_driver_sql("DELETE FROM mirrored_block")
        connection.exec_driver_sql("DELETE FROM mirrored_object")
    report = lab.verify(Depth.QUICK)
    assert (report.is_of_nothing, exit_code_of(report)) == (True, ExitCode.FAILED)
    assert word_of(report).text.startswith("Nothing was looked at: as far as")
    assert word_of(report).exit_code == ExitCode.FAILED


def test_a_part_of_the_share_is_checked_and_mended_alone(lab: Lab) -> None:
    """Only what is chosen is looked at: damage elsewhere is neither told nor mended."""
    s1 = RAW.replace("/s0/", "/s1/") + "0/0/0"
    delete(lab.file(BLOCK))
    delete(lab.file(s1))
    some: dict[str, Any] = {"volumes": parse_volumes(["volumes/raw"]), "scales": parse_scales("s1")}
    assert kinds(lab.verify(Depth.QUICK, repair=True, **some)) == {s1: "lost"}
    assert lab.file(s1).is_file()
    assert not lab.file(BLOCK).exists()
    wrongs: list[dict[str, Any]] = [
        {"scales": parse_scales("s7")},
        {"volumes": parse_volumes(["labels/nothing"])},
        {"bucket": "x"},
    ]
    for wrong in wrongs:
        with pytest.raises(UnknownNameError):
            lab.verify(**wrong)


def test_a_file_that_stands_where_a_folder_must_be_goes_to_the_trash(lab: Lab) -> None:
    """A slab whose folder is a file is lost block by block; --repair moves the file away and fetches them: exit 0."""
    slab = lab.file(f"{RAW}1")
    n_blocks = sum(path.is_file() for path in slab.rglob("*"))
    shutil.rmtree(slab)
    slab.write_text("mine")
    (stray,) = lab.verify().damaged
    assert (stray.key, stray.kind, "--repair moves it" in stray.reason) == (f"{RAW}1", "stray", True)
    report = lab.verify(repair=True)
    assert (report.kinds, report.repaired, exit_code_of(report)) == ({"lost": n_blocks}, n_blocks, ExitCode.DONE)
    assert [path.read_text() for path in lab.share.glob(f".oomirror/trash/*/{HOME}/{RAW}1")] == ["mine"]


def test_a_share_that_is_gone_takes_no_row_back(lab: Lab) -> None:
    """Without the mark of the share nothing is looked at; the rows stay, and all is whole when it is mounted again."""
    lab.share.rename(lab.folder / "elsewhere")
    lab.share.mkdir()
    with pytest.raises(UnsafeError) as caught:
        lab.verify()
    assert caught.value.exit_code == ExitCode.UNSAFE
    lab.share.rmdir()
    (lab.folder / "elsewhere").rename(lab.share)
    assert kinds(lab.verify(Depth.QUICK)) == {}


def test_the_published_catalog_cannot_tell(lab: Lab) -> None:
    """A catalog without rows of blocks, or none, is refused, with the way to check without one."""
    published = lab.share / ".oomirror" / "catalog.sqlite"
    for catalog in (f"sqlite:///{published}", f"sqlite:///{lab.folder}/none.db"):
        settings = lab.settings.model_copy(update={"catalog": catalog})
        with pytest.raises(CatalogError) as caught:
            asyncio.run(verify(settings, VerifyRequest(repair=True), force_catalog=True))
        assert "--against" in caught.value.hint
    assert not (lab.folder / "none.db").exists()


def test_a_lock_keeps_a_repair_out_and_no_look(lab: Lab) -> None:
    """While another run works on the dataset it can be checked, not mended; what that run may write is no stray."""
    lab.file(f"{RAW}new").write_text("of the other run")
    with DatasetLock(Share(lab.share), HOME, DATASET, Holder.of_this_process()):
        assert kinds(lab.verify(Depth.QUICK)) == {}
        with pytest.raises(LockedError):
            lab.verify(Depth.QUICK, repair=True)
    assert kinds(lab.verify(Depth.QUICK)) == {f"{RAW}new": "stray"}


def test_what_only_its_length_was_compared_of_is_proven(lab: Lab) -> None:
    """Rows of a sync by size are proven by the MD5 in their ETags; a file that was adopted and is another is found."""
    other = lab.folder / "other"
    other.mkdir()
    shutil.move(lab.folder / "catalog.db", other)
    init(lab.settings, config=lab.folder / "oomirror.toml", new_share=True)
    flip_a_bit(lab.file(BLOCK))
    report = lab.sync("volumes/raw", scales="s0-s1", checksum=ChecksumMode.SIZE)
    assert report.verified.size_only.objects == report.adopted.objects > 0
    assert lab.verify(Depth.HEADERS).upgraded.objects == 0
    found = lab.verify()
    assert kinds(found) == {BLOCK: "content"}
    assert found.upgraded.objects == report.adopted.objects - 1
    assert kinds(lab.verify()) == {BLOCK: "content"}
    assert lab.verify(repair=True).repaired == 1
    assert lab.verify().upgraded.objects == 0


def test_a_run_of_verify_is_recorded(lab: Lab) -> None:
    """The catalog keeps one run a bucket, with what it came to; a whole level is no longer so when a block is lost."""
    delete(lab.file(BLOCK))
    (number,) = lab.verify(Depth.QUICK).runs
    with lab.catalog() as catalog, catalog.read() as connection:
        run = queries.find_run(connection, number)
    assert run is not None
    assert (run.kind, run.state, run.exit_code) == (RunKind.VERIFY, RunState.DONE, ExitCode.DIFFERENCES)
    (level,) = [line for line in list_levels(lab.settings, DATASET, "b") if line.prefix == RAW]
    assert level.state == "partial"
