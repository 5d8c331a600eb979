"""Shares, catalogs and buckets that are not as they should be: one sentence, its exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from catalog.errors import CatalogLockedError
from catalog.session import open_catalog
from mirror.errors import ExitCode
from mirror.store.share import MARKER
from tests.faults import BUCKET, Ask, OddServer, Refuse, run_odd_server
from tests.system.invariants import nothing_left_over
from tests.system.oddlab import LEVEL, ODD, OddLab, change_rules, make_oddlab, small_dataset

ROOM_BYTES = 112 * 10**6
"""Of the small file system: the mirror leaves 100 MB free at the start, so it holds little more than that."""


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with the small dataset in its bucket."""
    with run_odd_server() as running:
        for key, body in small_dataset().items():
            running.put(key, body)
        yield running


@pytest.fixture
def make_odd(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> Callable[[], OddLab]:
    """Make the lab, when the place of its share is ready."""
    return lambda: make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


@pytest.fixture
def lab(make_odd: Callable[[], OddLab]) -> OddLab:
    """A lab with an ordinary share."""
    return make_odd()


@dataclass(frozen=True)
class Said:
    """What a run that ended badly said."""

    exit_code: int
    what: str
    thing: str
    sentence: str


def said_by(lab: OddLab, *words: str, wrapper: tuple[str, ...] = ()) -> Said:
    """Run `oomirror sync` as a process, check that it says one error and no traceback, and return that."""
    done = lab.run("sync", *(words or (ODD,)), "--json", wrapper=wrapper)
    assert "Traceback" not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {"schema", "error"}, document
    error = document["error"]
    assert error["exit"] == done.returncode
    assert error["what"]
    assert "oomirror's fault" not in error["what"]
    assert "unexpected" not in error["what"]
    return Said(done.returncode, error["what"], error["thing"], " ".join(map(str, error.values())))


def only_whole_files(lab: OddLab) -> None:
    """Check that what lies on the share of the bucket is right, and that its level is not open half way."""
    objects = small_dataset()
    files = lab.files() if lab.mirrored.is_dir() else {}
    assert all(objects[key] == body for key, body in files.items())
    blocks = {key for key in objects if key.startswith(LEVEL) and not key.endswith("json")}
    assert f"{LEVEL}attributes.json" not in files or blocks <= set(files)


def goes_on(lab: OddLab) -> None:
    """Check that the same command, run again now, mirrors what is missing and leaves nothing behind."""
    assert lab.mirror().exit_code is ExitCode.DONE
    assert lab.files() == small_dataset()
    nothing_left_over(lab)


def at_first_block(server: OddServer, act: Callable[[], object]) -> None:
    """Let something happen, once, when the first block is asked for."""
    is_done = threading.Event()

    def on_ask(ask: Ask) -> None:
        if ask.method == "GET" and ask.key.startswith(f"{LEVEL}0") and not is_done.is_set():
            is_done.set()
            act()

    server.on_ask = on_ask


@contextmanager
def mounted(place: Path, *words: str) -> Iterator[None]:
    """Mount something on a folder for the time of a test; skip the test where that is not allowed."""
    place.mkdir(parents=True, exist_ok=True)
    answer = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"cannot mount here: {answer.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


@pytest.fixture
def small_share(tmp_path: Path) -> Iterator[Path]:
    """The place of the lab's share, on a file system of little room."""
    place = tmp_path / "lab" / "share"
    with mounted(place, "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "none"):
        yield place


def test_disk_fills_up(small_share: Path, make_odd: Callable[[], OddLab], server: OddServer) -> None:
    """The run ends with 5 and says that the share is full; with room again, the next run does the rest."""
    filler = small_share / ".oomirror" / "filler"
    lab = make_odd()
    at_first_block(server, lambda: fill(filler))
    said = said_by(lab)
    assert said.exit_code == ExitCode.UNSAFE
    assert "full" in said.sentence
    filler.unlink()
    only_whole_files(lab)
    goes_on(lab)


def fill(filler: Path) -> None:
    """Take all the room there is."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(64))


def test_no_room_is_seen_before_the_first_byte(
    small_share: Path, make_odd: Callable[[], OddLab], server: OddServer
) -> None:
    """Where the plan does not fit, nothing is fetched, and the sentence says how much is needed and free."""
    lab = make_odd()
    (small_share / ".oomirror" / "filler").write_bytes(bytes(20 * 10**6))
    said = said_by(lab)
    assert said.exit_code == ExitCode.UNSAFE
    assert "not enough room" in said.what
    assert not lab.mirrored.exists()
    assert server.asked("GET", f"{LEVEL}0/0/0") == []


def test_share_is_read_only(lab: OddLab) -> None:
    """5, and nothing is written; the share can be read, so a dry run works."""
    with mounted(lab.share, "--bind", "-o", "bind", str(lab.share)):
        answer = subprocess.run(["mount", "-o", "remount,ro,bind", str(lab.share)], capture_output=True, check=False)
        if answer.returncode:
            pytest.skip("cannot mount read-only here")
        said = said_by(lab)
        dry = lab.run("sync", ODD, "--dry-run")
    assert said.exit_code == ExitCode.UNSAFE
    assert "read-only" in said.sentence.lower()
    assert dry.returncode == ExitCode.DONE, dry.stderr
    goes_on(lab)


def test_share_is_unmounted_meanwhile(small_share: Path, make_odd: Callable[[], OddLab], server: OddServer) -> None:
    """The run ends with 5, and nothing is made in the empty folder below the mount point."""
    lab = make_odd()
    at_first_block(server, lambda: subprocess.run(["umount", "-l", str(small_share)], check=True))
    said = said_by(lab)
    assert said.exit_code == ExitCode.UNSAFE
    assert "mount" in said.sentence
    assert list(small_share.iterdir()) == []


def test_share_goes_away_meanwhile(lab: OddLab, server: OddServer) -> None:
    """A share that was renamed away ends the run with 5, and is not made anew; back again, the next run goes on."""
    away = lab.share.with_name("away")
    at_first_block(server, lambda: lab.share.rename(away))
    said = said_by(lab)
    assert said.exit_code == ExitCode.UNSAFE
    assert not lab.share.exists()
    away.rename(lab.share)
    only_whole_files(lab)
    goes_on(lab)


def test_no_permission(lab: OddLab) -> None:
    """A user who may not write there gets 5 and is told whom to ask."""
    # Root ignores modes only by this capability; uid 0 without it is an ordinary owner.
    wrapper = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override")
    if os.getuid() != 0 or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip("cannot give up permissions here")
    for folder in (lab.share, *(path for path in lab.share.rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    said = said_by(lab, wrapper=wrapper)
    assert said.exit_code == ExitCode.UNSAFE
    assert "may not write" in said.sentence
    assert not lab.mirrored.exists()


def test_one_folder_without_permission(lab: OddLab) -> None:
    """A folder of another owner fails object by object, by name, and the rest is mirrored: exit 4."""
    wrapper = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override")
    if os.getuid() != 0 or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip("cannot give up permissions here")
    (lab.mirrored / LEVEL / "1" / "0").mkdir(parents=True)
    (lab.mirrored / LEVEL / "1" / "0").chmod(0o555)
    done = lab.run("sync", ODD, "--json", wrapper=wrapper)
    assert done.returncode == ExitCode.INCOMPLETE, done.stderr
    assert {one["key"] for one in json.loads(done.stdout)["failed"]} == {f"{LEVEL}1/0/0", f"{LEVEL}1/0/1"}
    only_whole_files(lab)
    nothing_left_over(lab)


def _remove_share(lab: OddLab) -> None:
    lab.share.rename(lab.share.with_name("elsewhere"))


def _remove_marker(lab: OddLab) -> None:
    (lab.share / ".oomirror" / MARKER).unlink()


def _damage_marker(lab: OddLab) -> None:
    (lab.share / ".oomirror" / MARKER).write_text("{")


def _change_marker(lab: OddLab) -> None:
    path = lab.share / ".oomirror" / MARKER
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"uuid": "00000000-0000-4000-8000-000000000000"}))


def _change_names(lab: OddLab) -> None:
    change_rules(lab.share, is_case_blind=True)


def _damage_catalog(lab: OddLab) -> None:
    lab.catalog.write_bytes(b"no database, " * 1000)


def _tear_catalog(lab: OddLab) -> None:
    pages = bytearray(lab.catalog.read_bytes())
    pages[5000:-1] = os.urandom(len(pages) - 5001)
    lab.catalog.write_bytes(pages)


def _newer_catalog(lab: OddLab) -> None:
    with closing(sqlite3.connect(lab.catalog)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


PLACES: dict[str, tuple[Callable[[OddLab], object], ExitCode, str]] = {
    "share-absent": (_remove_share, ExitCode.UNSAFE, "not there"),
    "share-unmarked": (_remove_marker, ExitCode.UNSAFE, "not marked"),
    "marker-damaged": (_damage_marker, ExitCode.UNSAFE, "damaged"),
    "share-foreign": (_change_marker, ExitCode.UNSAFE, "another share"),
    "share-of-other-names": (_change_names, ExitCode.UNSAFE, "does not take names as when it was marked"),
    "catalog-damaged": (_damage_catalog, ExitCode.FAILED, "catalog"),
    "catalog-torn": (_tear_catalog, ExitCode.FAILED, "catalog"),
    "catalog-newer": (_newer_catalog, ExitCode.FAILED, "newer"),
}


@pytest.mark.parametrize(("spoil", "exit_code", "words"), PLACES.values(), ids=PLACES.keys())
def test_share_or_catalog_is_not_as_it_was(
    lab: OddLab, spoil: Callable[[OddLab], object], exit_code: ExitCode, words: str
) -> None:
    """It is refused before anything is written, in words that name what is wrong."""
    spoil(lab)
    said = said_by(lab)
    assert (said.exit_code, words in said.sentence) == (exit_code, True), said
    assert not lab.mirrored.exists()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog is waited for a moment, not for half a minute."""
    assert open_catalog.__kwdefaults__ is not None
    monkeypatch.setitem(open_catalog.__kwdefaults__, "busy_seconds", 0.3)


def test_catalog_is_locked(lab: OddLab, impatient: None) -> None:
    """A catalog that another program holds at the start is said, with 1, before anything is written."""
    with _locked(lab.catalog), pytest.raises(CatalogLockedError) as told:
        lab.mirror()
    assert told.value.exit_code == ExitCode.FAILED
    assert "lock" in str(told.value)
    assert not lab.mirrored.exists()
    goes_on(lab)


def test_catalog_is_locked_meanwhile(lab: OddLab, server: OddServer, impatient: None) -> None:
    """One that is held in the middle of a run ends the run; what was fetched by then is adopted by the next one."""
    locks = ExitStack()
    at_first_block(server, lambda: locks.enter_context(_locked(lab.catalog)))
    with locks, pytest.raises(CatalogLockedError):
        lab.mirror()
    only_whole_files(lab)
    # Not goes_on: the broken run stays open in the catalog while its process, which is this one, lives.
    assert lab.mirror().exit_code is ExitCode.DONE
    assert lab.files() == small_dataset()


@contextmanager
def _locked(catalog: Path) -> Iterator[None]:
    """Hold a catalog as another program may."""
    with closing(sqlite3.connect(catalog, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_catalog_on_the_share(lab: OddLab) -> None:
    """It is refused with 5, also through a link, and nothing of it is made."""
    (lab.folder / "link").symlink_to(lab.share)
    for place in (lab.share / "c.db", lab.folder / "link" / "deep" / "c.db"):
        moved = _with(lab, OOMIRROR_CATALOG=f"sqlite:///{place}")
        said = said_by(moved)
        assert said.exit_code == ExitCode.UNSAFE
        assert "catalog lies on the share" in said.what
        assert not place.parent.joinpath("c.db").exists()


def test_endpoint_is_unreachable(lab: OddLab) -> None:
    """A port where nobody listens is said at once, with 1."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        said = said_by(replace(lab, endpoint_url=url))
    assert said.exit_code == ExitCode.FAILED
    assert "reach" in said.what
    assert url in said.sentence
    assert not lab.mirrored.exists()


class Asked(NamedTuple):
    """What is typed, what the server answers to it, and what must be said."""

    words: tuple[str, ...]
    refusal: Refuse | None
    exit_code: ExitCode
    sentence: str


BUCKETS = {
    "dataset": Asked(("jrc_od",), None, ExitCode.USAGE, ODD),
    "bucket": Asked((ODD, "--bucket", "bb"), None, ExitCode.USAGE, "Did you mean b?"),
    "no-such-bucket": Asked((ODD,), Refuse(404, "NoSuchBucket"), ExitCode.USAGE, "no such bucket"),
    "access-denied": Asked((ODD,), Refuse(403, "AccessDenied"), ExitCode.FAILED, "may not list"),
    "other-error": Asked((ODD,), Refuse(400, "AuthorizationHeaderMalformed"), ExitCode.FAILED, "cannot list"),
}


@pytest.mark.parametrize("asked", BUCKETS.values(), ids=BUCKETS.keys())
def test_bucket_is_not_as_asked(lab: OddLab, server: OddServer, asked: Asked) -> None:
    """What is not there or not allowed is named, with what is near."""
    server.fault = lambda _: asked.refusal
    said = said_by(lab, *asked.words)
    assert (said.exit_code, asked.sentence in said.sentence) == (asked.exit_code, True), said
    assert not lab.mirrored.exists()


def test_dataset_that_lies_in_the_other_bucket(lab: OddLab, server: OddServer) -> None:
    """The bucket is never switched in silence: 2, with the exact command to use."""
    server.objects = {}
    server.put("jrc_other/README.md", b"")
    both = replace(lab, bucket_name=f"{BUCKET}/nothing", other_name=BUCKET)
    server.put("nothing/jrc_one/README.md", b"")
    said = said_by(both, "jrc_other")
    assert said.exit_code == ExitCode.USAGE
    assert "oomirror sync jrc_other --bucket a" in said.sentence


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"dimensions": "many", "blockSize": [2], "dataType": "uint8"}', b"null"],
    ids=repr,
)
def test_malformed_attributes(lab: OddLab, server: OddServer, text: bytes) -> None:
    """Metadata that nobody understands is mirrored as it is, recorded as a finding, and the run goes on."""
    bad = f"{ODD}/{ODD}.n5/volumes/bad/attributes.json"
    server.put(bad, text)
    server.put(bad.replace("attributes.json", "0/0/0"), b"a block, perhaps")
    outcome = lab.mirror()
    assert outcome.exit_code is ExitCode.DONE
    assert lab.files() == {key: stored.body for key, stored in server.objects.items()}
    with closing(sqlite3.connect(lab.catalog)) as connection:
        places = {place for (place,) in connection.execute("SELECT place FROM finding")}
    assert bad in places


def _with(lab: OddLab, **variables: str) -> OddLab:
    """Return the lab with other variables in its environment."""

    class Changed(OddLab):
        @property
        def variables(self) -> dict[str, str]:
            return {**lab.variables, **variables}

    return Changed(lab.folder, lab.endpoint_url, lab.bucket_name, lab.other_name)
