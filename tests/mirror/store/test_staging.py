"""The share: its marker, the one way a file gets its name, trash and sweep."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.errors import ExitCode, UnsafeError
from mirror.keys import ShareRules
from mirror.store.probe import probe_rules
from mirror.store.share import MARKER, NOT_A_FILE, FileError, Marker, Share
from mirror.store.staging import FilePolicy, Fsync, Staging, remove_room, sweep
from tests.shim import FOR_EVER, Fault, Ways, shim, steps

KEY = "bucket/d/d.n5/attributes.json"
SHM = Path("/dev/shm")


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A share with nothing on it, not even its mark."""
    share = Share(tmp_path / "share")
    share.own.mkdir(parents=True)
    return share


@pytest.fixture(params=list(Fsync))
def staging(share: Share, request: pytest.FixtureRequest) -> Staging:
    """The room of a run, by each way to force bytes to the disk."""
    room = Staging(share, "run", FilePolicy(request.param))
    room.open()
    return room


def tree(root: Path) -> set[str]:
    """Return all files below a folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_marker_comes_back_as_it_was(share: Share) -> None:
    """Rules and UUID are read as they were written; marking again gives another UUID."""
    assert share.marker() is None
    rules = ShareRules(143, 1000, frozenset('<>:"'), True, True, True)
    marker = share.write_marker(rules)
    assert share.marker() == marker
    assert marker.rules == rules
    assert share.write_marker(rules).uuid != marker.uuid
    assert tree(share.own) == {MARKER}


def test_marker_of_a_later_program_is_understood(share: Share) -> None:
    """Rules that this program does not know are passed over."""
    text = Marker.from_json(share.write_marker(ShareRules()).to_json()).to_json()
    later = text.replace('"is_case_blind"', '"is_made_of_cheese": true, "is_case_blind"')
    assert Marker.from_json(later).rules == ShareRules()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"uuid": "x", "rules": {}}'], ids=repr)
def test_damaged_marker(share: Share, text: str) -> None:
    """It is refused as damaged, not taken for none."""
    share.write_marker(ShareRules())
    (share.own / MARKER).write_text(text)
    with pytest.raises(UnsafeError, match="marker is damaged") as told:
        share.marker()
    assert told.value.exit_code is ExitCode.UNSAFE


def test_probe_finds_a_linux_file_system(share: Share) -> None:
    """Names of 255 bytes, all characters, letter case told apart; nothing is left behind."""
    assert probe_rules(share) == ShareRules()
    assert tree(share.root) == set()


def test_folder_tells_sizes(share: Share) -> None:
    """Files by name with their size, all else as no file; None where there is no folder."""
    (share.root / "a" / "sub").mkdir(parents=True)
    (share.root / "a" / "file").write_bytes(b"12345")
    (share.root / "a" / "pointing nowhere").symlink_to("nowhere")
    os.mkfifo(share.root / "a" / "pipe")
    assert share.folder("a") == {"sub": NOT_A_FILE, "file": 5, "pipe": NOT_A_FILE, "pointing nowhere": NOT_A_FILE}
    assert share.folder("b") is None
    assert share.folder("a/file") is None


def test_publish(staging: Staging, share: Share) -> None:
    """The file appears whole under its name, with the object's time, and nothing else does."""
    for body in (b"first", b"second"):
        staging.publish(staging.write(body), KEY, 1_600_000_000)
        assert (share.root / KEY).read_bytes() == body
        assert (share.root / KEY).stat().st_mtime == 1_600_000_000
    staging.sync()
    staging.close()
    assert tree(share.root) == {KEY}


def test_modes(share: Share) -> None:
    """Files and new folders get the modes of the policy, whatever the umask."""
    staging = Staging(share, "run", FilePolicy(file_mode=0o664, dir_mode=0o2775))
    staging.open()
    staging.publish(staging.write(b"x"), KEY, 0)
    assert stat.S_IMODE((share.root / KEY).stat().st_mode) == 0o664
    assert stat.S_IMODE((share.root / "bucket" / "d").stat().st_mode) == 0o2775


@pytest.mark.parametrize("in_the_way", ["a folder", "a file above"])
def test_a_name_that_cannot_be_given(staging: Staging, share: Share, in_the_way: str) -> None:
    """One file fails, others do not, and the unfinished one is gone."""
    place = share.root / KEY
    (place if in_the_way == "a folder" else place.parents[2]).mkdir(parents=True)
    if in_the_way == "a file above":
        place.parents[1].write_text("not a folder")
    with pytest.raises(FileError, match=r"attributes\.json"):
        staging.publish(staging.write(b"x"), KEY, 0)
    assert list(staging.folder.iterdir()) == []
    staging.publish(staging.write(b"x"), "bucket/other", 0)


@pytest.mark.parametrize("step", ["write", "publish", "to_trash", "sync"])
def test_a_share_that_went_away(staging: Staging, share: Share, step: str) -> None:
    """Every step tells it as the end of the run, and none makes the share anew."""
    unfinished = staging.write(b"x")
    away = share.root.rename(share.root.with_name("away"))
    steps = {
        "write": lambda: staging.write(b"x"),
        "publish": lambda: staging.publish(unfinished, KEY, 0),
        "to_trash": lambda: staging.to_trash(KEY),
        "sync": staging.sync,
    }
    with pytest.raises(UnsafeError):
        steps[step]()
    staging.close()
    assert not (share.root / "bucket").exists()
    assert tree(away) == {".oomirror/tmp/run/0"}


def test_trash_keeps_what_was_there(staging: Staging, share: Share) -> None:
    """Under its own name, in the run's folder; what is not there cannot be moved."""
    (share.root / "bucket").mkdir()
    (share.root / "bucket" / "key").write_bytes(b"old")
    staging.to_trash("bucket/key")
    assert (share.own / "trash" / "run" / "bucket" / "key").read_bytes() == b"old"
    with pytest.raises(FileError):
        staging.to_trash("bucket/key")


def test_sweep_removes_what_killed_runs_left(staging: Staging, share: Share) -> None:
    """Rooms and neighbours of dead runs go, those of living runs and files of others stay."""
    folder = share.root / "bucket" / "d"
    folder.mkdir(parents=True)
    for name in (".0123abcd.oo", ".hidden.oo", "attributes.json"):
        (folder / name).write_bytes(b"x")
    staging.write(b"unfinished")
    (staging.folder / "folders").write_text(f"{folder}\n")
    living = Staging(share, "living", FilePolicy())
    living.open()
    kept = living.write(b"going on")
    assert sweep(share, lambda: {"living"}) == 1
    assert tree(share.root) == {
        "bucket/d/.hidden.oo",
        "bucket/d/attributes.json",
        os.path.relpath(kept, share.root),
    }
    assert sweep(share, lambda: {"living"}) == 0


def test_sweep_leaves_the_room_of_a_run_that_begins_at_this_moment(staging: Staging, share: Share) -> None:
    """Who holds a lock is asked after the rooms are known: a run has its lock before it has its room."""
    held: set[str] = set()

    def begin() -> None:
        held.add("new")
        Staging(share, "new", FilePolicy()).open()

    with steps(share.root, "^listdir .*/tmp$", begin):
        assert sweep(share, lambda: set(held)) == 1
    assert [room.name for room in (share.own / "tmp").iterdir()] == ["new"]


@pytest.fixture
def other_file_system(share: Share, staging: Staging) -> Iterator[Path]:
    """A bucket's folder that lies on another file system than the share."""
    if not SHM.is_dir() or SHM.stat().st_dev == share.root.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        (share.root / "bucket").symlink_to(folder)
        yield Path(folder)


def test_another_file_system_below_the_share(staging: Staging, share: Share, other_file_system: Path) -> None:
    """Files get their names there too, the first of a folder like the others; nothing unfinished stays."""
    for name in ("0/0", "0/1", "1/0"):
        staging.publish(staging.write(name.encode()), f"bucket/{name}", 0)
    staging.to_trash("bucket/1/0")
    assert tree(other_file_system) == {"0/0", "0/1"}
    assert (staging.trash / "bucket/1/0").read_bytes() == b"1/0"


def test_a_name_that_cannot_be_given_on_another_file_system(
    staging: Staging, share: Share, other_file_system: Path
) -> None:
    """What was copied there is removed again, and a file of others that looks like ours is left alone."""
    (other_file_system / "taken").mkdir()
    (other_file_system / ".my_notes.oo").write_text("mine")
    with pytest.raises(FileError):
        staging.publish(staging.write(b"x"), "bucket/taken", 0)
    sweep(share, set)
    assert tree(other_file_system) == {".my_notes.oo"}


def test_a_room_that_is_removed_while_a_file_is_copied_beside_its_place(
    staging: Staging, share: Share, other_file_system: Path
) -> None:
    """The copy gets no name, whether it was made just before the neighbours were swept, or just after."""
    with steps(share.root, r"open .*\.oo$", lambda: remove_room(share, "run")), pytest.raises(UnsafeError):
        staging.publish(staging.write(b"x"), "bucket/key", 0)
    assert tree(other_file_system) == set()
    staging.open()
    (staging.folder / "folders").write_text(f"{share.root}/bucket\n")
    neighbour = other_file_system / ".0123abcd.oo"
    with steps(share.root, "rename .*/tmp/", lambda: neighbour.write_bytes(b"just made")):
        remove_room(share, "run")
    assert tree(other_file_system) == set()


@pytest.mark.parametrize("has_links", [True, False], ids=["hard-links", "no-hard-links"])
def test_old_file_is_kept_where_the_policy_says_so(
    share: Share, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in the trash under its own name; with hard links it keeps its place until the new one has it."""

    def refuse(*_: object) -> None:
        """Refuse as a file system does that knows none."""
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    room = Staging(share, "run", FilePolicy(keeps_replaced=True))
    room.open()
    assert not room.keep_old(KEY)
    room.publish(room.write(b"old"), KEY, 0)
    assert room.keep_old(KEY)
    assert (share.root / KEY).exists() == has_links
    room.publish(room.write(b"new"), KEY, 0)
    assert (room.trash / KEY).read_bytes() == b"old"
    assert (share.root / KEY).read_bytes() == b"new"
    assert not Staging(share, "run", FilePolicy()).keep_old(KEY)


ENDS = ("EIO", "ESTALE", "ENOSPC", "EDQUOT", "EROFS", "ENOTCONN", "EHOSTDOWN", "ENODEV", "ENXIO", "ETIMEDOUT")
"""Nothing else would fit, nothing else be there."""
NAMED = ("EACCES", "EPERM", "EBUSY", "ETXTBSY", "ENAMETOOLONG", "EINVAL", "EILSEQ", "ENOTDIR", "EISDIR", "ELOOP")
"""Of one name, or of one file."""
UNKNOWN = ("EPERM", "EINVAL", "ENOTSUP", "ENOSYS")
"""Of what a file system does not know."""


def number_of(name: str) -> int:
    """Return the number of an error by its name."""
    return int(getattr(errno, name))


def patient(share: Share, naps: list[float], fsync: Fsync = Fsync.OFF) -> Staging:
    """Return an open room whose naps take no time."""
    room = Staging(share, "run", FilePolicy(fsync), sleep=naps.append)
    room.open()
    return room


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("call", ["open", "write", "close", "rename", "mkdir"])
def test_errors_that_end_the_run(share: Share, call: str, name: str) -> None:
    """At whatever step they are told; no file has a name then, and nothing is waited for."""
    naps: list[float] = []
    room = patient(share, naps)
    with shim(share.root, Fault(call, number_of(name), n_times=FOR_EVER)), pytest.raises(UnsafeError):
        room.publish(room.write(b"x"), KEY, 0)
    assert naps == []
    assert not (share.root / KEY).exists()


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("call", ["rename", "mkdir"])
def test_errors_of_one_name(share: Share, call: str, name: str) -> None:
    """The object is named, what was written for it is removed, nothing is waited for, and others get their names."""
    naps: list[float] = []
    room = patient(share, naps)
    with shim(share.root, Fault(call, number_of(name), "bucket", n_times=FOR_EVER)), pytest.raises(FileError):
        room.publish(room.write(b"x"), KEY, 0)
    assert list(room.folder.iterdir()) == []
    assert naps == []
    room.publish(room.write(b"x"), KEY, 0)


@pytest.mark.parametrize("name", ["EACCES", "EPERM", "EBUSY", "ETXTBSY"])
@pytest.mark.parametrize("step", ["publish", "to_trash"])
def test_files_that_others_have_open_are_waited_for(share: Share, step: str, name: str) -> None:
    """A moment each; and for all of a run there is an end of waiting."""
    naps: list[float] = []
    room = patient(share, naps)
    (share.root / "bucket").mkdir()
    for number in range(60):
        (share.root / "bucket" / str(number)).write_bytes(b"old")

    def act(number: int) -> None:
        if step == "publish":
            room.publish(room.write(b"new"), f"bucket/{number}", 0)
        else:
            (room.trash / "bucket").mkdir(parents=True, exist_ok=True)
            (room.trash / "bucket" / str(number)).write_bytes(b"older")
            room.to_trash(f"bucket/{number}")

    with shim(share.root, Fault("rename", number_of(name), n_times=3)):
        act(0)
    assert [round(nap, 2) for nap in naps] == [0.05, 0.1, 0.2]
    with shim(share.root, Fault("rename", number_of(name), n_times=FOR_EVER)):
        for number in range(1, 60):
            with pytest.raises(FileError):
                act(number)
    assert sum(naps) <= 31
    assert (share.root / "bucket" / "59").read_bytes() == b"old"


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("call", ["utime", "fsync", "syncfs"])
@pytest.mark.parametrize("fsync", list(Fsync))
def test_what_a_file_system_does_not_know_is_done_without(share: Share, fsync: Fsync, call: str, name: str) -> None:
    """Neither times nor forcing to the disk; the file has its name."""
    room = patient(share, [], fsync)
    with shim(share.root, Fault(call, number_of(name), n_times=FOR_EVER)):
        room.publish(room.write(b"x"), KEY, 0)
        room.sync()
    assert (share.root / KEY).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["EIO", "ESTALE", "ENOSPC"])
@pytest.mark.parametrize(("call", "fsync"), [("fsync", Fsync.EACH), ("syncfs", Fsync.BATCH)])
def test_bytes_that_the_disk_did_not_take_end_the_run(share: Share, call: str, fsync: Fsync, name: str) -> None:
    """No row is committed of what may not be there."""
    room = patient(share, [], fsync)
    with shim(share.root, Fault(call, number_of(name))), pytest.raises(UnsafeError):
        publish_and_sync(room)


def publish_and_sync(room: Staging) -> None:
    """Take all steps of a file."""
    room.publish(room.write(b"x"), KEY, 0)
    room.sync()


LATE = {
    "rename, once": Fault("rename", errno.ENOENT, "bucket"),
    "rename, told late": Fault("stat", errno.ENOENT, "/tmp/run/", n_times=2),
    "interrupted": Fault("rename", errno.EINTR, n_times=3),
    "room, told late": Fault("stat", errno.ENOENT, "/tmp/run$", n_times=3),
}


@pytest.mark.parametrize("fault", LATE.values(), ids=LATE.keys())
def test_what_fails_for_a_moment_is_tried_again(share: Share, fault: Fault) -> None:
    """A server that is late with what it tells ends nothing."""
    room = patient(share, [])
    with shim(share.root, fault):
        publish_and_sync(room)
    assert (share.root / KEY).read_bytes() == b"x"


def test_a_rename_whose_answer_was_lost(share: Share) -> None:
    """The file has its name; as nobody can be sure that it is ours, its object is named, and the run goes on."""
    room = patient(share, [])
    (share.root / KEY).parent.mkdir(parents=True)
    with shim(share.root, Fault("rename", errno.ENOENT, "bucket", is_done=True)), pytest.raises(FileError):
        room.publish(room.write(b"x"), KEY, 0)
    assert (share.root / KEY).read_bytes() == b"x"
    room.sync()


def test_a_room_that_was_removed(share: Share) -> None:
    """Nothing of it gets a name after that, and removing it again is nothing."""
    room = patient(share, [])
    unfinished = room.write(b"x")
    remove_room(share, "run")
    remove_room(share, "run")
    for act in (lambda: room.publish(unfinished, KEY, 0), lambda: room.write(b"x"), room.sync):
        with pytest.raises(UnsafeError):
            act()
    assert tree(share.root) == set()


def test_a_room_that_is_removed_while_bytes_are_forced_to_the_disk(share: Share) -> None:
    """That may take minutes: the rows that come next are not committed."""
    room = patient(share, [], Fsync.BATCH)
    with steps(share.root, "^syncfs ", lambda: remove_room(share, "run")) as calls, pytest.raises(UnsafeError):
        room.sync()
    assert any(call.startswith("syncfs ") for call in calls)


def test_a_room_that_was_closed_takes_no_more(share: Share) -> None:
    """Whatever could not be removed: a thread that nobody waited for gives no file its name after that."""
    room = patient(share, [])
    unfinished = room.write(b"x")
    with shim(share.root, Fault("rmdir", errno.ENOTEMPTY, "/tmp/", n_times=FOR_EVER)):
        room.close()
    for act in (lambda: room.publish(unfinished, KEY, 0), lambda: room.write(b"x"), room.sync):
        with pytest.raises(UnsafeError):
            act()
    assert not (share.root / KEY).exists()


def test_a_share_that_went_away_is_not_made_anew(share: Share) -> None:
    """No room is made on the disk below the mount point, where all files would then go."""
    share.own.rmdir()
    with pytest.raises(UnsafeError, match="mounted"):
        Staging(share, "run", FilePolicy()).open()
    assert list(share.root.iterdir()) == []


@pytest.mark.parametrize("call", ["statvfs", "scandir", "mkdir"])
def test_a_share_that_cannot_be_asked(share: Share, call: str) -> None:
    """It is told as the end of the run, by each that asks."""
    (share.root / "folder").mkdir(parents=True)
    room = Staging(share, "run", FilePolicy())
    acts = {"statvfs": share.free, "scandir": lambda: share.folder("folder"), "mkdir": room.open}
    with shim(share.root, Fault(call, errno.EIO)), pytest.raises(UnsafeError):
        acts[call]()


def test_a_share_that_counts_nothing(share: Share) -> None:
    """Neither bytes nor inodes: what it says is no number of what is free."""
    with shim(share.root, ways=Ways(counts_inodes=False, counts_bytes=False)):
        assert share.free() == (None, None)
    free_bytes, free_inodes = share.free()
    assert free_bytes
    assert free_inodes != 0


def test_probe_of_a_share_that_goes_away_over_a_name(share: Share) -> None:
    """That name is refused, and no other; a share that stays away is told as such, and no rule is made of it."""
    naps: list[float] = []
    name = Fault("open", errno.EIO, "/a:b$", n_times=FOR_EVER)
    with shim(share.root, name, Fault("open", errno.EIO, "/again$", n_times=2)):
        assert probe_rules(share, sleep=naps.append) == ShareRules(forbidden_characters=frozenset(":"))
    assert len(naps) == 2
    after = Fault("open", errno.ENOTCONN, "/(again|a>b|case)$", n_times=FOR_EVER)
    with shim(share.root, after), pytest.raises(UnsafeError, match="what names"):
        probe_rules(share, sleep=naps.append)
