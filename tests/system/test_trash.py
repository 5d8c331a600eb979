"""`oomirror trash`: what was deleted is shown, comes back byte for byte, or goes for good."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator

from mirror.app.state import BucketState
from mirror.app.trash import restore
from mirror.app.trash.meant import home_of
from mirror.cli.main import main
from mirror.errors import ExitCode
from mirror.lock import DatasetLock, Holder
from mirror.quantities import Limit
from mirror.store.share import Share
from mirror.store.staging import Staging
from mirror.store.trash import NOTE, trashed_runs
from tests.faults import BUCKET, OddServer, run_odd_server
from tests.shim import FOR_EVER, Fault, shim
from tests.system.invariants import catalog_rows, nothing_left_over, row_of
from tests.system.oddlab import LEVEL, ODD, OddLab, make_oddlab, volumes_dataset

COARSE = f"{ODD}/{ODD}.n5/volumes/raw/s1/"
OBJECTS = volumes_dataset({"volumes/raw/s0": (2, 2, 2), "volumes/raw/s1": (2, 1, 1)})
GONE = sorted(key for key in OBJECTS if key.startswith((f"{LEVEL}0/0/", COARSE)))
GONE_PATH = f"{BUCKET}/{GONE[0]}"
ALL = Limit(percent=100)
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
Run: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    """A server that obeys."""
    with run_odd_server() as running:
        yield running


@pytest.fixture(scope="module")
def deleted(server: OddServer, tmp_path_factory: pytest.TempPathFactory, blank_catalog: bytes) -> OddLab:
    """A lab from which a level and some blocks of another were deleted, to be copied."""
    lab = make_oddlab(tmp_path_factory.mktemp("deleted") / "lab", server.endpoint_url, BUCKET, blank_catalog)
    server.objects = {}
    for key, body in OBJECTS.items():
        server.put(key, body)
    lab.mirror()
    for key in GONE:
        del server.objects[key]
    assert lab.mirror(delete=True, max_delete=ALL).report.deleted.objects == len(GONE)
    return lab


@pytest.fixture
def lab(deleted: OddLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OddLab:
    """A lab of a test's own, and an environment that leads to it."""
    shutil.copytree(deleted.folder, tmp_path / "lab")
    lab = replace(deleted, folder=tmp_path / "lab")
    for name, value in lab.variables.items():
        if name.startswith("OOMIRROR_"):
            monkeypatch.setenv(name, value)
    return lab


@pytest.fixture
def run(lab: OddLab, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with --json, check its exit code and its document, and return that."""

    def run(schema: str, *words: str, code: int = 0) -> Any:
        assert main([*words, "--json"]) == code
        document = json.loads(capsys.readouterr().out)
        Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(document)
        return document

    return run


def trashed(lab: OddLab) -> Path:
    """Return the one folder in the trash."""
    (folder,) = (lab.share / ".oomirror" / "trash").iterdir()
    return folder


def each_file_has_its_row(lab: OddLab) -> None:
    """Check that the catalog has each file with its size and its hashes, and nothing else."""
    assert catalog_rows(lab.catalog) == {f"{BUCKET}/{key}": row_of(body) for key, body in lab.files().items()}


def test_ls(lab: OddLab, run: Run) -> None:
    """Runs with their datasets, counts and age; files of one run; all of it without a catalog."""
    lab.catalog.unlink()
    (line,) = run("trash-ls", "trash", "ls")
    assert (line["run"], line["bucket"], line["datasets"]) == (trashed(lab).name, BUCKET, [ODD])
    assert line["trashed"] == {"objects": len(GONE), "bytes": sum(len(OBJECTS[key]) for key in GONE)}
    files = run("trash-ls-run", "trash", "ls", trashed(lab).name)
    assert {one["path"]: one["bytes"] for one in files} == {f"{BUCKET}/{key}": len(OBJECTS[key]) for key in GONE}
    assert not lab.catalog.exists()


def test_words_of_ls(lab: OddLab, capsys: pytest.CaptureFixture[str]) -> None:
    """A table for people; of a trash without anything it says so."""
    assert main(["trash", "ls"]) == 0
    assert trashed(lab).name in capsys.readouterr().out
    assert main(["trash", "empty", "--yes"]) == 0
    assert "Removed for good: 5 objects" in capsys.readouterr().out
    assert main(["trash", "ls"]) == 0
    assert capsys.readouterr().out == "It is empty.\n"


def test_restore(lab: OddLab, run: Run) -> None:
    """All of it is back byte for byte, recorded with its hashes, and its trash is gone."""
    report = run("trash-restore", "trash", "restore", trashed(lab).name)
    assert report["restored"]["objects"] == len(GONE)
    assert lab.files() == OBJECTS
    each_file_has_its_row(lab)
    nothing_left_over(lab)
    assert run("trash-ls", "trash", "ls") == []
    assert lab.mirror(delete=True, max_delete=ALL).report.deleted.objects == len(GONE)


CHOICES = {
    "key": ([f"{LEVEL}0/0/0"], {f"{LEVEL}0/0/0"}),
    "prefix": ([f"{LEVEL}0/0/"], {f"{LEVEL}0/0/0", f"{LEVEL}0/0/1"}),
    "glob": (["*/attributes.json"], {f"{COARSE}attributes.json"}),
    "path": ([f"{BUCKET}/{COARSE}0"], {f"{COARSE}0/0/0"}),
}


@pytest.mark.parametrize(("patterns", "keys"), CHOICES.values(), ids=CHOICES.keys())
def test_restore_some(lab: OddLab, run: Run, patterns: list[str], keys: set[str]) -> None:
    """Keys, prefixes and globs choose; the rest stays in the trash."""
    name = trashed(lab).name
    assert run("trash-restore", "trash", "restore", name, *patterns)["restored"]["objects"] == len(keys)
    assert set(lab.files()) == (set(OBJECTS) - set(GONE)) | keys
    each_file_has_its_row(lab)
    left = run("trash-ls-run", "trash", "ls", name)
    assert {one["path"].removeprefix(f"{BUCKET}/") for one in left} == set(GONE) - keys


def test_another_file_in_the_place(lab: OddLab, run: Run) -> None:
    """It is never overwritten but by --overwrite, and then goes to the trash itself; an equal one is no hindrance."""
    other, equal = GONE[0], GONE[1]
    for key, body in ((other, b"other"), (equal, OBJECTS[equal])):
        (lab.mirrored / key).parent.mkdir(parents=True, exist_ok=True)
        (lab.mirrored / key).write_bytes(body)
    name = trashed(lab).name
    report = run("trash-restore", "trash", "restore", name, code=ExitCode.INCOMPLETE)
    assert [one["key"] for one in report["failed"]] == [other]
    assert (lab.mirrored / other).read_bytes() == b"other"
    assert report["restored"]["objects"] == len(GONE) - 1
    report = run("trash-restore", "trash", "restore", name, "--overwrite")
    assert (report["restored"]["objects"], report["set_aside"]["objects"]) == (1, 1)
    assert lab.files() == OBJECTS
    each_file_has_its_row(lab)
    assert (trashed(lab) / BUCKET / other).read_bytes() == b"other"


def test_file_that_was_spoiled_in_the_trash(lab: OddLab, run: Run) -> None:
    """It comes back as it is, recorded as something that the bucket has not: nothing claims its old ETag."""
    key = GONE[0]
    (trashed(lab) / BUCKET / key).write_bytes(b"spoiled")
    run("trash-restore", "trash", "restore", trashed(lab).name, key)
    row = catalog_rows(lab.catalog)[f"{BUCKET}/{key}"]
    assert (row.size, row.xxh3) == (7, row_of(b"spoiled").xxh3)
    assert row.etag != row_of(OBJECTS[key]).etag


def test_restore_is_under_the_lock(lab: OddLab, run: Run) -> None:
    """While a run works on the dataset nothing is restored: exit 6."""
    with DatasetLock(Share(lab.share), BUCKET, ODD, Holder.of_this_process(), beat_seconds=0.1):
        run("error", "trash", "restore", trashed(lab).name, code=ExitCode.LOCKED)
    assert not set(lab.files()) & set(GONE)


def test_empty(lab: OddLab, run: Run) -> None:
    """Young trash stays where only old is meant; without a terminal --yes is needed; all else on the share stays."""
    assert run("trash-empty", "trash", "empty", "--older-than", "1h", "--yes")["runs"] == []
    run("error", "trash", "empty", code=ExitCode.USAGE)
    name, before = trashed(lab).name, lab.files()
    assert run("trash-empty", "trash", "empty", name, "--yes")["runs"] == [name]
    assert list((lab.share / ".oomirror" / "trash").iterdir()) == []
    assert lab.files() == before
    run("error", "trash", "empty", name, "--yes", code=ExitCode.USAGE)


def test_trash_of_a_run_that_goes_on(lab: OddLab, run: Run) -> None:
    """It is not emptied, and that is said."""
    holder = replace(Holder.of_this_process(), token=trashed(lab).name, pid=os.getpid())
    with DatasetLock(Share(lab.share), BUCKET, ODD, holder):
        assert run("trash-empty", "trash", "empty", "--yes")["in_use"] == [trashed(lab).name]
    assert (trashed(lab) / BUCKET / GONE[0]).exists()


def test_unknown_run(lab: OddLab, run: Run) -> None:
    """Exit 2, with what is known; a name that the run's trash does not have restores nothing of the others either."""
    run("error", "trash", "restore", trashed(lab).name, GONE[0], "jrc_other", code=ExitCode.USAGE)
    assert not set(lab.files()) & set(GONE)
    for words in (("ls", "nothing"), ("restore", "nothing"), ("empty", "nothing", "--yes")):
        assert "trash" in run("error", "trash", *words, code=ExitCode.USAGE)["error"]["what"]


def killed(monkeypatch: pytest.MonkeyPatch, of: type, name: str) -> Any:
    """Let a process end where it calls this."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(of, name, end)


@pytest.mark.parametrize(("of", "name"), [(BucketState, "commit"), (Staging, "take_back")], ids=["rows", "files"])
def test_killed_while_restoring(lab: OddLab, run: Run, monkeypatch: pytest.MonkeyPatch, of: type, name: str) -> None:
    """The same command does the rest: no file stays without its row, and the trash is gone at the end."""
    trash = trashed(lab).name
    with monkeypatch.context() as patch:
        killed(patch, of, name)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(restore(lab.settings(), trash))
    run("trash-restore", "trash", "restore", trash)
    assert lab.files() == OBJECTS
    each_file_has_its_row(lab)
    assert run("trash-ls", "trash", "ls") == []
    nothing_left_over(lab)


def test_killed_while_restoring_and_then_deleted(lab: OddLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came back without its row goes with the next --delete, like all that the bucket has no more."""
    with monkeypatch.context() as patch:
        killed(patch, BucketState, "commit")
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(restore(lab.settings(), trashed(lab).name))
    assert lab.mirror(delete=True, max_delete=ALL).report.deleted.objects == len(GONE)
    assert set(lab.files()) == set(OBJECTS) - set(GONE)
    each_file_has_its_row(lab)


def test_killed_while_overwriting(lab: OddLab, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was forgotten and not set aside yet goes with the next --delete; it is no file that nobody knows."""
    key = GONE[0]
    (lab.mirrored / key).parent.mkdir(parents=True)
    (lab.mirrored / key).write_bytes(b"other")
    with monkeypatch.context() as patch:
        killed(patch, BucketState, "forget")
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(restore(lab.settings(), trashed(lab).name, [key], overwrite=True))
    assert lab.mirror(delete=True, max_delete=ALL).report.deleted.objects == 1
    each_file_has_its_row(lab)


def test_folders_are_made_as_configured(lab: OddLab) -> None:
    """A restored level can be read by whom the configuration lets in."""
    asyncio.run(restore(lab.settings(transfer={"dir_mode": "2775"}), trashed(lab).name))
    assert (lab.mirrored / COARSE).stat().st_mode & 0o7777 == 0o2775


def test_bucket_inside_another(lab: OddLab) -> None:
    """Where two buckets of the configuration have it, it belongs to the one of which the run said the datasets."""
    wide = {"url": f"s3://{BUCKET}"}
    settings = lab.settings(buckets={"a": wide, "b": {"url": f"s3://{BUCKET}/{ODD}"}, "c": wide})
    note = trashed(lab) / NOTE
    (trash,) = trashed_runs(Share(lab.share))
    assert home_of(settings, trash, f"{BUCKET}/{GONE[0]}") == "a"
    note.write_text(note.read_text().replace(f'"{ODD}"', f'"{ODD}.n5"'))
    (trash,) = trashed_runs(Share(lab.share))
    assert home_of(settings, trash, f"{BUCKET}/{GONE[0]}") == "b"
    assert home_of(settings, trash, "another/key") == ""


def test_names_and_things_of_others_in_the_trash(lab: OddLab, run: Run) -> None:
    """A name that is no UTF-8 and a thing that is no file are shown, and fail by themselves."""
    odd = trashed(lab) / BUCKET / ODD / os.fsdecode(b"odd\xff")
    odd.write_bytes(b"")
    os.mkfifo(odd.with_name("pipe"))
    name = trashed(lab).name
    paths = {one["path"] for one in run("trash-ls-run", "trash", "ls", name)}
    assert {f"{BUCKET}/{ODD}/odd\\xff", f"{BUCKET}/{ODD}/pipe"} <= paths
    report = run("trash-restore", "trash", "restore", name, code=ExitCode.INCOMPLETE)
    assert {one["key"] for one in report["failed"]} == {f"{ODD}/odd\\xff", f"{ODD}/pipe"}
    assert lab.files() == OBJECTS


def test_place_that_cannot_be_looked_at(lab: OddLab, run: Run) -> None:
    """It is that file's failure; a share that went away ends it with 5."""
    hidden = Fault("lstat", errno.EACCES, of=f"^/{GONE_PATH}$", n_times=FOR_EVER)
    with shim(lab.share, hidden):
        report = run("trash-restore", "trash", "restore", trashed(lab).name, code=ExitCode.INCOMPLETE)
    assert [one["path"] for one in report["failed"]] == [GONE_PATH]
    with shim(lab.share, replace(hidden, number=errno.ESTALE)):
        run("error", "trash", "restore", trashed(lab).name, code=ExitCode.UNSAFE)


def test_trash_without_a_catalog(lab: OddLab, run: Run) -> None:
    """A lost catalog is begun anew with what is restored; the rest is adopted by the next sync."""
    lab.catalog.unlink()
    assert run("trash-restore", "trash", "restore", trashed(lab).name)["restored"]["objects"] == len(GONE)
    lab.mirror()
    each_file_has_its_row(lab)


def test_empty_leaves_what_is_being_restored(lab: OddLab, run: Run) -> None:
    """It is told of as in use; the trash of other runs goes."""
    name = trashed(lab).name
    shutil.copytree(trashed(lab), trashed(lab).with_name("f" * 16))
    with DatasetLock(Share(lab.share), ".trash", "f" * 16, Holder.of_this_process(), beat_seconds=0.1):
        report = run("trash-empty", "trash", "empty", "--yes")
    assert (report["runs"], report["in_use"]) == ([name], ["f" * 16])
    assert (trashed(lab) / GONE_PATH).exists()


@pytest.mark.parametrize("wrong", ["note", "share"])
def test_empty_where_a_clock_is_wrong(lab: OddLab, run: Run, wrong: str) -> None:
    """Trash is old only if its note and the share's clock say so, each by itself."""
    folder, day = trashed(lab), 86_400
    note = json.loads((folder / NOTE).read_text())
    ago = datetime.now(UTC) - timedelta(days=365)
    if wrong == "note":
        (folder / NOTE).write_text(json.dumps(note | {"started_at": ago.isoformat()}))
    else:
        os.utime(folder, (time.time() - 365 * day,) * 2)
    assert run("trash-empty", "trash", "empty", "--older-than", "30d", "--yes")["runs"] == []
    if wrong == "share":
        # Without a note its clock is the only one.
        (folder / NOTE).unlink()
        os.utime(folder, (time.time() - 365 * day,) * 2)
        assert run("trash-empty", "trash", "empty", "--older-than", "30d", "--yes")["runs"] == [folder.name]


def test_share_that_is_not_marked(lab: OddLab, run: Run) -> None:
    """Exit 5, whatever is asked."""
    (lab.share / ".oomirror" / "marker.json").unlink()
    for words in (("ls",), ("restore", trashed(lab).name), ("empty", "--yes")):
        run("error", "trash", *words, code=ExitCode.UNSAFE)
    assert (trashed(lab) / BUCKET / GONE[0]).exists()


def test_share_of_another_catalog(lab: OddLab, run: Run) -> None:
    """Exit 5, whatever is asked: what lies there was others' to keep."""
    share = Share(lab.share)
    marker = share.marker()
    assert marker is not None
    share.write_marker(marker.rules)
    name = trashed(lab).name
    for words in (("ls",), ("ls", name), ("restore", name), ("empty", "--yes"), ("empty", name, "--yes")):
        told = run("error", "trash", *words, code=ExitCode.UNSAFE)["error"]
        assert told["expected"] == f"marker {marker.uuid}"
    assert (trashed(lab) / BUCKET / GONE[0]).exists()


def test_trash_is_read_and_emptied_without_a_catalog(lab: OddLab, run: Run) -> None:
    """The published one knows the share; where there is none either, the mark is what can be asked for."""
    lab.catalog.unlink()
    assert run("trash-ls", "trash", "ls")[0]["trashed"]["objects"] == len(GONE)
    (lab.share / ".oomirror" / "catalog.sqlite").unlink()
    assert run("trash-empty", "trash", "empty", "--yes")["removed"]["objects"] == len(GONE)


def test_trash_of_the_share_of_another_published_catalog(lab: OddLab, run: Run) -> None:
    """A machine without a catalog of its own believes the published one, also in this."""
    lab.catalog.unlink()
    share = Share(lab.share)
    share.write_marker(share.marker().rules)  # type: ignore[union-attr]
    run("error", "trash", "empty", "--yes", code=ExitCode.UNSAFE)
    assert (trashed(lab) / BUCKET / GONE[0]).exists()
