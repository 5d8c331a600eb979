"""`sync --delete`: what vanished from the bucket goes to the trash, and nothing else, whatever the bucket says."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.session import open_catalog
from mirror.app import deleting
from mirror.app.state import BucketState
from mirror.app.sync import SyncRequest, sync
from mirror.app.trash import empty
from mirror.app.verify import VerifyRequest, verify
from mirror.cli.main import main
from mirror.crops.spec import parse_crops
from mirror.diff import Kind
from mirror.engine.events import Note
from mirror.engine.fetch import Item
from mirror.errors import ExitCode, MirrorError, UnsafeError, UsageError
from mirror.quantities import Limit
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.store.share import Share
from mirror.store.trash import JOURNAL, NOTE, Journal, Trashed, move_to_trash, pending, trashed_runs
from tests.faults import BUCKET, Ask, ListCut, ListShort, OddServer, no_fault, run_odd_server
from tests.faults import Fault as Answer
from tests.shim import Fault, shim
from tests.system.invariants import catalog_rows, files_below, nothing_left_over
from tests.system.oddlab import ODD, QUICK, OddLab, make_case_blind, make_oddlab, volumes_dataset

CONTAINER = f"{ODD}/{ODD}.n5/"
FINE = f"{CONTAINER}volumes/raw/s0/"
COARSE = f"{CONTAINER}volumes/raw/s1/"
SEG = f"{CONTAINER}labels/seg/s0/"
GRIDS = {"volumes/raw/s0": (5, 4, 4), "volumes/raw/s1": (2, 2, 2), "labels/seg/s0": (2, 2, 2)}
OBJECTS = volumes_dataset(GRIDS) | {f"{CONTAINER}volumes/raw/attributes.json": b"{}"}
ALL = Limit(percent=100)


@pytest.fixture(scope="module")
def running() -> Iterator[OddServer]:
    """A server that obeys."""
    with run_odd_server() as server:
        yield server


@pytest.fixture
def server(running: OddServer) -> OddServer:
    """The server with the dataset in its bucket."""
    fill(running)
    return running


@pytest.fixture(scope="module")
def mirrored(running: OddServer, tmp_path_factory: pytest.TempPathFactory, blank_catalog: bytes) -> OddLab:
    """A lab that has mirrored all of it, to be copied."""
    fill(running)
    lab = make_oddlab(tmp_path_factory.mktemp("mirrored") / "lab", running.endpoint_url, BUCKET, blank_catalog)
    assert lab.mirror().exit_code is ExitCode.DONE
    return lab


@pytest.fixture
def lab(mirrored: OddLab, server: OddServer, tmp_path: Path) -> OddLab:
    """A lab of a test's own that has mirrored all of it."""
    shutil.copytree(mirrored.folder, tmp_path / "lab")
    return replace(mirrored, folder=tmp_path / "lab")


def fill(server: OddServer) -> None:
    """Give a server the dataset and nothing else, and let it obey."""
    server.objects = {}
    server.fault = no_fault
    server.forget()
    server.page_keys = 50
    for key, body in OBJECTS.items():
        server.put(key, body)


def trash_of(lab: OddLab) -> dict[str, bytes]:
    """Return what lies in the trash of all runs, by key."""
    found: dict[str, bytes] = {}
    for run in (lab.share / ".oomirror" / "trash").glob("*"):
        files = files_below(run)
        assert {JOURNAL, NOTE} <= set(files)
        found |= {name.removeprefix(f"{BUCKET}/"): path.read_bytes() for name, path in files.items() if "/" in name}
    return found


def keys_of(lab: OddLab) -> set[str]:
    """Return the keys of which the catalog says that they are on the share."""
    return {name.removeprefix(f"{BUCKET}/") for name in catalog_rows(lab.catalog)}


def remove(server: OddServer, *keys: str) -> set[str]:
    """Take objects out of the bucket, and all below keys that end with a slash; return which."""
    gone = {key for key in server.objects if key in keys or key.startswith(tuple(k for k in keys if k.endswith("/")))}
    for key in gone:
        del server.objects[key]
    return gone


def nothing_is_deleted(lab: OddLab) -> None:
    """Check that all is on the share as it was mirrored, and recorded."""
    assert lab.files() == OBJECTS
    assert keys_of(lab) == set(OBJECTS)
    assert trash_of(lab) == {}
    nothing_left_over(lab)


CASES: dict[str, tuple[str, ...]] = {
    "blocks-and-a-slab": (f"{FINE}0/0/0", f"{FINE}4/3/3", f"{FINE}3/"),
    "level": (COARSE,),
    "volume-and-a-document": (f"{CONTAINER}labels/", f"{CONTAINER}volumes/raw/attributes.json"),
    "document-of-a-level": (f"{COARSE}attributes.json",),
}


@pytest.mark.parametrize("keys", CASES.values(), ids=CASES.keys())
def test_what_vanished_goes_to_the_trash(server: OddServer, lab: OddLab, keys: tuple[str, ...]) -> None:
    """Its files lie in the trash byte for byte, its rows are gone, its empty folders too; a dry run says the same."""
    gone = remove(server, *keys)
    shown = lab.mirror(delete=True, max_delete=ALL, dry_run=True).report
    nothing_is_deleted(lab)
    done = lab.mirror(delete=True, max_delete=ALL)
    assert done.exit_code is ExitCode.DONE
    assert done.report.deleted == shown.deleted
    assert (done.report.deleted.objects, done.report.deleted.bytes) == (len(gone), sum(len(OBJECTS[k]) for k in gone))
    assert trash_of(lab) == {key: OBJECTS[key] for key in gone}
    assert lab.files() == {key: body for key, body in OBJECTS.items() if key not in gone}
    assert keys_of(lab) == set(OBJECTS) - gone
    assert [path for path in lab.mirrored.rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    nothing_left_over(lab)
    again = lab.mirror(delete=True, max_delete=ALL).report
    assert (again.deleted.objects, again.planned.objects) == (0, 0)


def test_what_is_lost_here_and_gone_there_is_forgotten(server: OddServer, lab: OddLab) -> None:
    """Nothing can mend it: checks tell it each night, until a sync that deletes; what the bucket has is told on."""
    lost, kept = f"{FINE}0/0/0", f"{FINE}0/0/1"
    for key in (lost, kept):
        (lab.mirrored / key).unlink()
    check = VerifyRequest((ODD,), "b").at_depth(quick=True, full=False, repair=False)
    assert {one.key for one in asyncio.run(verify(lab.settings(), check)).lost} == {lost, kept}
    remove(server, lost)
    only_coarse = SelectionSpec(scales=parse_scales("s1"))
    lab.mirror(delete=True, max_delete=ALL, spec=only_coarse)
    assert {one.key for one in asyncio.run(verify(lab.settings(), check)).lost} == {lost, kept}
    outcome = lab.mirror(delete=True, max_delete=ALL)
    assert outcome.report.deleted.objects == 0
    said = [event.text for event in outcome.events if isinstance(event, Note)]
    assert "1 object that is damaged or lost here and gone in the bucket, too, is forgotten." in said
    assert asyncio.run(verify(lab.settings(), check)).lost == ()
    assert lab.files() == {key: body for key, body in OBJECTS.items() if key != lost}


def test_nothing_is_deleted_without_being_asked(server: OddServer, lab: OddLab) -> None:
    """A run without --delete leaves on the share what vanished."""
    remove(server, COARSE)
    assert lab.mirror().report.deleted.objects == 0
    nothing_is_deleted(lab)


def test_only_inside_the_selection(server: OddServer, lab: OddLab) -> None:
    """Levels and volumes that are not chosen, loose files and files that were never mirrored stay."""
    vanished = remove(
        server, f"{FINE}0/0/0", f"{COARSE}0/0/0", f"{SEG}0/0/0", f"{ODD}/README.md", f"{ODD}/notes/a b.txt"
    )
    stray = lab.mirrored / FINE / "9" / "9" / "9"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"ours")
    spec = SelectionSpec(scales=parse_scales("s0"), volumes=parse_volumes(["volumes/raw"]))
    assert lab.mirror(delete=True, spec=spec).report.deleted.objects == 1
    assert set(trash_of(lab)) == {f"{FINE}0/0/0"}
    assert keys_of(lab) == set(OBJECTS) - {f"{FINE}0/0/0"}
    assert stray.exists()
    assert vanished - {f"{FINE}0/0/0"} <= set(lab.files())


def _everything(ask: Ask) -> bool:
    return not ask.key


def _of_fine(ask: Ask) -> bool:
    return not ask.key and ask.prefix.startswith(FINE) and "delimiter" not in ask.query


def _of_coarse(ask: Ask) -> bool:
    return not ask.key and ask.prefix == COARSE


def _folders(ask: Ask) -> bool:
    return not ask.key and ask.prefix in {f"{CONTAINER}volumes/", f"{CONTAINER}volumes/raw/"}


LIES: dict[str, tuple[Answer, Callable[[Ask], bool]]] = {
    "empty-everywhere": (ListShort(), _everything),
    "empty-array": (ListShort(), _of_fine),
    "half-array": (ListShort(5), _of_fine),
    "empty-level": (ListShort(), _of_coarse),
    "levels-not-told": (ListShort(1), _folders),
    "broken-off": (ListCut(), _of_fine),
}


@pytest.mark.parametrize(("fault", "befalls"), LIES.values(), ids=LIES.keys())
def test_empty_or_half_listing_deletes_nothing(
    server: OddServer, lab: OddLab, fault: Answer, befalls: Callable[[Ask], bool]
) -> None:
    """Even where --max-delete would allow it: what the listing lacks and the bucket has is asked for by name."""
    server.fault = lambda ask: fault if befalls(ask) else None
    with suppress(MirrorError):  # A folder that is not told is listed by itself, and then nothing is amiss.
        assert lab.mirror(delete=True, max_delete=ALL, policy=QUICK).report.deleted.objects == 0
    nothing_is_deleted(lab)


def test_another_bucket_deletes_nothing(server: OddServer, lab: OddLab) -> None:
    """A server that has the dataset's folder and nothing of what is mirrored of it is refused with 5."""
    remove(server, f"{ODD}/")
    server.put(f"{ODD}/README.md", b"another cell")
    server.put(f"{CONTAINER}attributes.json", b"{}")
    with pytest.raises(UnsafeError, match="listing has none"):
        lab.mirror(delete=True, max_delete=ALL)
    nothing_is_deleted(lab)


def test_vanished_dataset_deletes_nothing(server: OddServer, lab: OddLab) -> None:
    """A dataset that is not there is no dataset to compare with: exit 2."""
    remove(server, f"{ODD}/")
    server.put("jrc_other/README.md", b"")
    with pytest.raises(MirrorError) as told:
        lab.mirror(delete=True, max_delete=ALL)
    assert told.value.exit_code is ExitCode.USAGE
    nothing_is_deleted(lab)


@pytest.mark.parametrize(
    ("n_gone", "limit", "is_allowed"),
    [(9, None, True), (10, None, False), (11, Limit(objects=11), True), (11, Limit(objects=10), False)],
    ids=["below-a-tenth", "above-a-tenth", "as-many-as-allowed", "one-more"],
)
def test_guard(server: OddServer, lab: OddLab, n_gone: int, limit: Limit | None, is_allowed: bool) -> None:
    """More than a tenth of the mirrored objects is refused with 5 before anything is written, unless allowed."""
    remove(server, *sorted(key for key in OBJECTS if key.startswith(f"{FINE}0/"))[:n_gone])
    if is_allowed:
        assert lab.mirror(delete=True, max_delete=limit).report.deleted.objects == n_gone
        return
    for dry_run in (True, False):
        with pytest.raises(UnsafeError, match="more would go"):
            lab.mirror(delete=True, max_delete=limit, dry_run=dry_run)
    nothing_is_deleted(lab)


def test_dry_run_that_is_refused_shows_its_plan(
    server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """First what would go, then why it does not, with its exit code; in JSON the one document is the error."""
    remove(server, *sorted(key for key in OBJECTS if key.startswith(f"{FINE}0/")))
    for name, value in lab.variables.items():
        if name.startswith("OOMIRROR_"):
            monkeypatch.setenv(name, value)
    words = ("sync", ODD, "--delete", "-n")
    assert main(words) == ExitCode.UNSAFE
    said = capsys.readouterr()
    assert "delete" in said.out
    assert f"{FINE}0/0/1" in said.out
    assert "more would go than is allowed" in said.err
    assert main((*words, "--json")) == ExitCode.UNSAFE
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["exit"] == ExitCode.UNSAFE
    nothing_is_deleted(lab)


def test_dry_run_without_room_shows_its_plan(
    server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the way to one that fits."""
    server.put(f"{FINE}4/3/3", b"another")
    for name, value in lab.variables.items():
        if name.startswith("OOMIRROR_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(Share, "free", lambda _: (1, None))
    assert main(("sync", ODD, "-n")) == ExitCode.UNSAFE
    said = capsys.readouterr()
    assert "To fetch: 1 object" in said.out
    assert "room" in said.err


def test_listing_of_before_is_refused(lab: OddLab) -> None:
    """--delete with --max-age is a contradiction: exit 2; so it is with --crops, which lists parts of arrays."""
    with pytest.raises(UsageError, match="listing of now"):
        lab.mirror(delete=True, max_age_seconds=60.0)
    with pytest.raises(UsageError, match="whole arrays"):
        lab.mirror(delete=True, crops=parse_crops("all"))


SPOILED: dict[str, Callable[[Path], object]] = {
    "share-absent": lambda share: share.rename(share.with_name("away")),
    "marker-absent": lambda share: (share / ".oomirror" / "marker.json").unlink(),
    "marker-of-another": lambda share: (share / ".oomirror" / "marker.json").write_text(
        (share / ".oomirror" / "marker.json").read_text().replace(_uuid(share), "00000000-0000-4000-8000-000000000000")
    ),
}


def _uuid(share: Path) -> str:
    return str(json.loads((share / ".oomirror" / "marker.json").read_text())["uuid"])


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_share_that_is_not_ours(server: OddServer, lab: OddLab, spoil: Callable[[Path], object]) -> None:
    """It is refused with 5 before anything is written or asked of the bucket's blocks."""
    remove(server, f"{FINE}0/0/0")
    spoil(lab.share)
    before = {path: path.stat().st_mtime_ns for path in lab.folder.rglob("share/**/*")}
    with pytest.raises(UnsafeError) as told:
        lab.mirror(delete=True)
    assert told.value.exit_code is ExitCode.UNSAFE
    assert {path: path.stat().st_mtime_ns for path in lab.folder.rglob("share/**/*")} == before
    assert keys_of(lab) == set(OBJECTS)


@pytest.mark.parametrize("n_moved", [0, 1, 2], ids=["none-moved", "one-moved", "all-moved"])
def test_killed_between_rows_and_files(server: OddServer, lab: OddLab, n_moved: int) -> None:
    """Files that a killed run made the catalog forget go with the next --delete; nothing else does."""
    gone = sorted(remove(server, f"{FINE}0/0/0", f"{FINE}0/0/1"))
    room = lab.share / ".oomirror" / "trash" / "0123456789abcdef"
    Journal(room).begin([Trashed(f"{BUCKET}/{key}", len(OBJECTS[key]), "") for key in gone])
    with open_catalog(lab.catalog_url) as catalog:
        state = BucketState.of(catalog, f"s3://{BUCKET}", "")
        state.forget(Item(Kind.LOST, key, f"{BUCKET}/{key}", 0, "", 0, None, None) for key in gone)
    for key in gone[:n_moved]:
        (room / BUCKET / key).parent.mkdir(parents=True, exist_ok=True)
        (lab.mirrored / key).rename(room / BUCKET / key)
    assert lab.mirror(delete=True).report.deleted.objects == 2 - n_moved
    assert set(lab.files()) == keys_of(lab) == set(OBJECTS) - set(gone)
    if n_moved:
        (room / NOTE).write_text("{}")
    assert trash_of(lab) == {key: OBJECTS[key] for key in gone}
    assert room.is_dir() is bool(n_moved)  # Of a journal alone nothing is left to be done.
    assert [pending(run) for run in trashed_runs(Share(lab.share))] == [[]] * len(trashed_runs(Share(lab.share)))


def test_killed_before_its_empty_folders(server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next --delete removes them."""
    remove(server, f"{FINE}4/")

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deleting, "remove_empty_folders", end)
        with pytest.raises(KeyboardInterrupt):
            lab.mirror(delete=True, max_delete=ALL)
    assert (lab.mirrored / FINE / "4").is_dir()
    lab.mirror(delete=True)
    assert not (lab.mirrored / FINE / "4").exists()


def test_emptied_while_something_is_left_of_a_killed_run(server: OddServer, lab: OddLab) -> None:
    """The list of files that nobody else knows of stays until they are gone."""
    key = f"{FINE}0/0/0"
    remove(server, key)
    room = lab.share / ".oomirror" / "trash" / "0123456789abcdef"
    Journal(room).begin([Trashed(f"{BUCKET}/{key}", len(OBJECTS[key]), "")])
    with open_catalog(lab.catalog_url) as catalog:
        state = BucketState.of(catalog, f"s3://{BUCKET}", "")
        state.forget([Item(Kind.LOST, key, f"{BUCKET}/{key}", 0, "", 0, None, None)])
    empty(lab.settings())
    assert lab.mirror(delete=True).report.deleted.objects == 1
    assert set(lab.files()) == keys_of(lab)
    assert not room.exists()


def test_rename_that_fails_once(server: OddServer, lab: OddLab) -> None:
    """A file that a server says is not there, and is, is moved all the same, or else left for a later run."""
    one, two = sorted(remove(server, f"{FINE}0/0/0", f"{FINE}0/0/1"))
    once, always = (Fault("rename", errno.ENOENT, of=f"trash/.*{key}$", n_times=n) for key, n in ((one, 1), (two, 9)))
    with shim(lab.share, once, always):
        outcome = lab.mirror(delete=True)
    assert (outcome.report.deleted.objects, set(outcome.failed)) == (1, {two})
    assert lab.mirror(delete=True).report.deleted.objects == 1
    assert set(lab.files()) == keys_of(lab)


@pytest.mark.parametrize(("of", "name"), [(deleting, "check_one_file_system"), (Journal, "begin")])
def test_share_that_goes_away(
    server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch, of: object, name: str
) -> None:
    """Exit 5; nothing is written on the disk below it, and no row is forgotten."""
    remove(server, f"{FINE}0/0/0")
    real, away = getattr(of, name), lab.share.with_name("away")

    def leave(*arguments: object) -> object:
        lab.share.rename(away)
        lab.share.mkdir()
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(of, name, leave)
        with pytest.raises(UnsafeError) as told:
            lab.mirror(delete=True)
    assert told.value.exit_code is ExitCode.UNSAFE
    assert list(lab.share.iterdir()) == []
    lab.share.rmdir()
    away.rename(lab.share)
    shutil.rmtree(lab.share / ".oomirror" / "locks")  # They say that this process holds them.
    assert keys_of(lab) == set(OBJECTS)
    assert lab.mirror(delete=True).report.deleted.objects == 1


def test_trash_on_another_file_system(server: OddServer, lab: OddLab) -> None:
    """It is refused with 5 before a row is forgotten."""
    remove(server, f"{FINE}0/0/0")
    (lab.share / ".oomirror" / "trash").symlink_to("/proc/self")
    with pytest.raises(UnsafeError, match="another file system"):
        lab.mirror(delete=True)
    assert keys_of(lab) == set(OBJECTS)


def test_journal_that_cannot_be_read(server: OddServer, lab: OddLab) -> None:
    """What a disk made of its lines is passed over; a disk that does not answer ends the run with 5."""
    room = lab.share / ".oomirror" / "trash" / "0123456789abcdef"
    room.mkdir(parents=True)
    (room / JOURNAL).write_bytes(b'["\xff\xfe\n1\n{}\n["a"]\n["a", 1, "no digits"]\n{"end": [["a"]]}\n')
    remove(server, f"{FINE}0/0/0")
    with shim(lab.share, Fault("open", errno.EIO, of=JOURNAL)), pytest.raises(UnsafeError):
        lab.mirror(delete=True)
    assert lab.mirror(delete=True).report.deleted.objects == 1


def test_cancelled_between_two_files(server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is moved after the run has let go of its locks; what is left goes with the next --delete."""
    gone = remove(server, f"{FINE}4/")
    loop = asyncio.new_event_loop()
    with closing(loop):
        work = loop.create_task(sync(lab.settings(), SyncRequest((ODD,), delete=True, max_delete=ALL)))

        def move(*arguments: Any) -> bool:
            heard = threading.Event()
            loop.call_soon_threadsafe(work.cancel)
            loop.call_soon_threadsafe(heard.set)
            assert heard.wait(10)
            return move_to_trash(*arguments)

        monkeypatch.setattr(deleting, "move_to_trash", move)
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(work)
    n_moved = len(OBJECTS) - len(lab.files())
    assert 0 < n_moved < len(gone)
    nothing_left_over(lab)
    monkeypatch.undo()
    assert lab.mirror(delete=True, max_delete=ALL).report.deleted.objects == len(gone) - n_moved
    assert set(lab.files()) == keys_of(lab)


def test_renamed_by_case_alone(server: OddServer, lab: OddLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a share that is blind to case the old name has the file of the new one: it is forgotten, and nothing moved."""
    make_case_blind(lab.share, monkeypatch)
    for old, new in (
        (f"{CONTAINER}volumes/raw/attributes.json", f"{CONTAINER}volumes/raw/Attributes.json"),
        *((key, key.replace("labels/seg/", "labels/Seg/")) for key in OBJECTS if key.startswith(SEG)),
    ):
        server.objects[new] = server.objects.pop(old)
    lab.mirror()
    outcome = lab.mirror(delete=True, max_delete=ALL)
    assert outcome.report.deleted.objects == 0
    assert trash_of(lab) == {}
    assert keys_of(lab) == set(server.objects)


def test_killed_while_deleting(server: OddServer, lab: OddLab) -> None:
    """A process that is killed in the middle leaves no row without its file; the next run does the rest."""
    server.page_keys = 1000
    many = {f"{FINE}extra/{n}": f"extra {n}".encode() for n in range(1500)}
    for key, body in many.items():
        server.put(key, body)
    lab.mirror()
    gone = remove(server, f"{FINE}extra/")
    with lab.start("sync", ODD, "--delete", "--max-delete", "100%") as process:
        deadline = time.monotonic() + 60
        while not list(lab.share.glob(f".oomirror/trash/*/{BUCKET}/{FINE}extra/*")) and time.monotonic() < deadline:
            assert process.poll() is None
        process.kill()
    assert keys_of(lab) <= set(lab.files())
    trashed = {path.name for path in lab.share.glob(f".oomirror/trash/*/{BUCKET}/{FINE}extra/*")}
    assert trashed | {key.rpartition("/")[2] for key in lab.files() if key in gone} == {str(n) for n in range(1500)}
    done = lab.mirror(delete=True, max_delete=ALL)
    assert done.report.deleted.objects == 1500 - len(trashed)
    assert lab.files() == OBJECTS
    assert keys_of(lab) == set(OBJECTS)
    nothing_left_over(lab)


def test_changed_object_keeps_its_old_file(server: OddServer, lab: OddLab) -> None:
    """With keep_replaced the old file lies in the trash, and the new one in its place."""
    key = f"{FINE}0/0/0"
    server.put(key, b"another block")
    outcome = lab.mirror(settings=lab.settings(transfer={"keep_replaced": True}))
    assert outcome.report.replaced.objects == 1
    assert (lab.mirrored / key).read_bytes() == b"another block"
    (run,) = (lab.share / ".oomirror" / "trash").iterdir()
    assert (run / BUCKET / key).read_bytes() == OBJECTS[key]
    assert json.loads((run / NOTE).read_text())["datasets"] == [ODD]


def test_file_that_cannot_be_moved(server: OddServer, lab: OddLab) -> None:
    """It is named as failed, exit 4; the rest goes, and a later run tries it again."""
    gone = sorted(remove(server, f"{FINE}0/0/0", f"{FINE}0/0/1"))
    place = lab.mirrored / gone[0]
    place.unlink()
    place.mkdir()
    outcome = lab.mirror(delete=True)
    assert (outcome.exit_code, set(outcome.failed)) == (ExitCode.INCOMPLETE, {gone[0]})
    assert set(trash_of(lab)) == {gone[1]}
    place.rmdir()
    place.write_bytes(OBJECTS[gone[0]])
    assert lab.mirror(delete=True).report.deleted.objects == 1
    assert set(trash_of(lab)) == set(gone)
