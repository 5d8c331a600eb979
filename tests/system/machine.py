"""A lab, its bucket and all that can befall them, as a state machine: whatever came before, a run ends equal.

The bucket is the server's own objects; the share is compared with them, with what they were before, and with what was
done to its files behind the mirror's back. Hypothesis chooses the steps.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mirror.app.adopt import adopt
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.errors import ExitCode, MirrorError, UnknownNameError
from mirror.objects import pack_etag
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from tests.faults import (
    BUCKET,
    Cut,
    Garble,
    ListCut,
    ListRepeat,
    OddServer,
    Refuse,
    Replace,
    Reset,
    Short,
    Stored,
    WrongEtag,
    at_times,
    no_fault,
)
from tests.system.invariants import Row, catalog_rows, files_below, nothing_left_over, row_of
from tests.system.oddlab import ODD, QUICK, OddLab, Outcome, make_oddlab, volumes_dataset

GRIDS = {"volumes/raw/s0": (2, 2, 1), "volumes/raw/s1": (1, 1, 1), "labels/seg/s0": (2, 1, 1)}
OTHER_BUCKET = "other-bucket"
CONTAINER = f"{ODD}/{ODD}.n5/"
LEVELS = tuple(f"{CONTAINER}{path}/" for path in GRIDS)
OBJECTS = volumes_dataset(GRIDS) | {f"{LEVELS[0]}a stray": b"not a block", f"{LEVELS[0]}0/0/7": b"outside the grid"}
KEYS = sorted(OBJECTS)
OTHER_OBJECTS = volumes_dataset({"em/fibsem-uint16/s0": GRIDS["volumes/raw/s0"]})
"""What the other bucket has at first: its own layout, with blocks that are the first ones of ours, byte for byte."""
OTHER_KEYS = {f"{LEVELS[0]}{x}/{y}/0": f"{CONTAINER}em/fibsem-uint16/s0/{x}/{y}/0" for x in range(2) for y in range(2)}
"""Where the other bucket has the block of a key."""
_METADATA = {f"{level}attributes.json": OBJECTS[f"{level}attributes.json"] for level in LEVELS}
_SELECTIONS: Mapping[str, tuple[SelectionSpec, tuple[str, ...]]] = {
    "all": (SelectionSpec(), LEVELS),
    "s0": (SelectionSpec(scales=parse_scales("s0")), (LEVELS[0], LEVELS[2])),
    "s1-": (SelectionSpec(scales=parse_scales("s1-")), LEVELS[1:2]),
    "raw": (SelectionSpec(volumes=parse_volumes(("raw",))), LEVELS[:2]),
    "labels": (SelectionSpec(volumes=parse_volumes(("labels/*",))), LEVELS[2:]),
    "not raw": (SelectionSpec(volumes=parse_volumes(("!volumes/raw",))), LEVELS[2:]),
}
"""What a sync is asked for, and the levels that are whole after it, if the bucket says that they are levels."""
BAD_WEATHER = (
    Refuse(),
    Refuse(500, "InternalError"),
    Refuse(404, "NoSuchKey"),
    Cut(),
    Reset(),
    Short(),
    Garble(),
    WrongEtag(),
    Replace(),
    ListCut(),
    ListRepeat(),
)

_keys = st.sampled_from(KEYS)
_selections = st.sampled_from(["all", "all", *_SELECTIONS])
_numbers = st.integers(0, 5)


@dataclass
class Tolls:
    """What was done, over all machines."""

    steps: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    """How killed runs ended: `killed`, or `done` before the signal came."""
    labs: int = 0
    requests: int = 0
    from_other: int = 0
    """Objects that a repair took from the other bucket."""
    transferred: int = 0


@dataclass
class Scene:
    """What all machines share: the server, a blank catalog, a folder, the figures."""

    server: OddServer
    blank_catalog: bytes
    folder: Path
    tolls: Tolls = field(default_factory=Tolls)
    numbers: Iterator[int] = field(default_factory=count)


def stored_of(key: str, number: int, *, in_parts: bool) -> Stored:
    """Return one of the few contents that a key may have: of the same or of another length, or none at all."""
    if key in _METADATA:
        other = _METADATA[key].replace(b"raw", b"gzip")
        longer = _METADATA[key].replace(b"dimensions", b"Dimensions") + b" "
        return Stored((_METADATA[key], other, _METADATA[key] + b"\n", longer, b"{", b"{}")[number])
    if key.endswith(".json"):
        return Stored((b"{}", b'{"n5": "2.0.0"}', b"{ }", b"{", b"{}\n", b"[]")[number])
    body = b"" if number == 5 else f"{key} {number % 3}".encode() + b"." * (number // 3 * 11)
    return Stored.of_parts(body, _parts(len(body))) if in_parts and body else Stored(body)


def _parts(n_bytes: int) -> list[int]:
    return [20] * (n_bytes // 20) + ([n_bytes % 20] if n_bytes % 20 else [])


def sync_here(lab: OddLab, request: SyncRequest) -> None:
    """Run one sync in a process of its own, which the server is going to kill."""
    asyncio.run(sync(lab.settings(), request, policy=QUICK))


class MirrorMachine(RuleBasedStateMachine):
    """One lab and its bucket."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        scene.tolls.labs += 1
        self.server = scene.server
        self.server.objects = {}
        self.other = {key: Stored(body) for key, body in OTHER_OBJECTS.items()}
        self.server.others = {OTHER_BUCKET: self.other}
        self.server.fault, self.server.on_ask = no_fault, lambda _: None
        self.server.page_keys = 4
        self.lab = make_oddlab(
            scene.folder / f"lab-{next(scene.numbers)}",
            self.server.endpoint_url,
            BUCKET,
            scene.blank_catalog,
            other_name=OTHER_BUCKET,
        )
        self.history: dict[str, set[bytes]] = {}
        """All that a key has ever been in the bucket."""
        self.damaged: dict[str, bytes] = {}
        """Files that we wrote, with what we wrote, until they are mended."""
        self.lost: set[str] = set()
        """Files that we removed, until they are there again."""
        self.is_equal = False
        """Whether nothing happened since a whole sync."""
        self.other_history = {key: {body} for key, body in OTHER_OBJECTS.items()}
        """All that a key has ever been in the other bucket."""
        for key, other in OTHER_KEYS.items():
            self.put_beside(other, stored_of(key, 0, in_parts=False))

    # The bucket

    @initialize(keys=st.sets(_keys))
    def begin(self, keys: set[str]) -> None:
        """Fill the bucket, all but some objects."""
        for key in KEYS:
            if key not in keys:
                self._put(key, stored_of(key, 0, in_parts=False))

    @rule(key=_keys, number=_numbers, in_parts=st.booleans())
    def put(self, key: str, number: int, in_parts: bool) -> None:
        """Store an object, or store it anew."""
        self.count("put" if key not in self.server.objects else "replace")
        self._put(key, stored_of(key, number, in_parts=in_parts))

    @rule(key=_keys)
    def remove(self, key: str) -> None:
        """Delete an object upstream; the mirror keeps its file."""
        self.count("delete upstream")
        self.drop(key)

    def drop(self, key: str) -> None:
        """Delete an object upstream, if it is there."""
        self.server.objects.pop(key, None)
        self.is_equal = False

    def _put(self, key: str, stored: Stored) -> None:
        self.server.objects[key] = stored
        self.history.setdefault(key, set()).update({stored.body, Replace().of(stored).body})
        self.is_equal = False

    @rule(key=st.sampled_from(sorted(OTHER_KEYS)), number=_numbers)
    def put_in_other(self, key: str, number: int) -> None:
        """Store in the other bucket what a block of ours is, was, or will be."""
        self.count("replace in the other bucket")
        self.put_beside(OTHER_KEYS[key], stored_of(key, number, in_parts=False))

    def put_beside(self, key: str, stored: Stored) -> None:
        """Store an object in the other bucket."""
        self.other[key] = stored
        self.other_history[key].update({stored.body, Replace().of(stored).body})

    # The share and the catalog

    @rule(key=_keys, how=st.sampled_from(["cut", "longer", "other bytes", "foreign"]))
    def damage(self, key: str, how: str) -> None:
        """Change a file behind the mirror's back, or lay one of our own where none is."""
        path = self.lab.mirrored / key
        if path.is_file() == (how == "foreign"):
            return
        self.count("damage" if how != "foreign" else "foreign file")
        body = path.read_bytes() if path.is_file() else b"somebody's"
        match how:
            case "cut":
                body = body[: len(body) // 2]
            case "longer":
                body += b"!"
            case "other bytes":
                body = bytes(255 - byte for byte in body)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(body)
        self.lost.discard(key)
        self.damaged[key] = body
        self.is_equal = False

    @rule(key=_keys)
    def lose(self, key: str) -> None:
        """Delete a file behind the mirror's back."""
        self.count("delete a file")
        self.lose_file(key)

    @rule(level=st.sampled_from(LEVELS))
    def lose_level(self, level: str) -> None:
        """Delete a level's folder behind the mirror's back."""
        self.count("delete a folder")
        for key in [key for key in KEYS if key.startswith(level)]:
            self.lose_file(key)
        shutil.rmtree(self.lab.mirrored / level, ignore_errors=True)

    def lose_file(self, key: str) -> None:
        """Delete a file, if it is there."""
        path = self.lab.mirrored / key
        if path.is_file():
            path.unlink()
            self.damaged.pop(key, None)
            self.lost.add(key)
            self.is_equal = False

    @rule(chance=st.integers(0, 3))
    def lose_catalog(self, chance: int) -> None:
        """Begin with a blank catalog, once in a while: all that lies on the share is unknown."""
        if chance:
            return
        self.count("lose the catalog")
        for file in self.lab.catalog.parent.iterdir():
            file.unlink()
        self.lab.catalog.write_bytes(self.scene.blank_catalog)
        init(self.lab.settings(), config=self.lab.folder / "oomirror.toml")
        self.lost.clear()
        self.is_equal = False

    # Runs

    @rule(selection=_selections, verify_share=st.booleans())
    def sync(self, selection: str, verify_share: bool) -> None:
        """Run to the end: what was chosen is on the share, as the bucket has it."""
        self.count("sync")
        self._sync(selection, verify_share=verify_share)

    def sync_all(self) -> None:
        """Bring all to the share, also what was lost there."""
        self._sync("all", verify_share=True)

    def _sync(self, selection: str, *, verify_share: bool) -> None:
        rows = self.rows()
        with self.watched():
            outcome = self._run(selection, verify_share=verify_share)
        if outcome is None:
            return
        report = outcome.report
        assert (outcome.exit_code, report.complete, report.skipped) == (ExitCode.DONE, True, ())
        assert report.transferred.objects + report.adopted.objects >= report.planned.objects
        nothing_left_over(self.lab)
        for key in self._chosen(selection):
            self._is_as_the_bucket_has_it(key, rows.get(key), verify_share=verify_share)
        self.is_equal = selection == "all" and not self.lost and not self.damaged

    @rule(selection=_selections, nth=st.integers(1, 40), milliseconds=st.sampled_from([0, 0, 0, 3, 10, 30]))
    def kill(self, selection: str, nth: int, milliseconds: int) -> None:
        """Kill a run (SIGKILL), some time after its n-th request."""
        context = multiprocessing.get_context("forkserver")
        request = self._request(selection)
        process = context.Process(target=sync_here, args=(self.lab, request))

        def strike() -> None:
            """Kill the process."""
            os.kill(process.pid or 0, signal.SIGKILL)

        clock = threading.Timer(milliseconds / 1000, strike)
        with self.watched():
            self._at_request(nth, strike if not milliseconds else clock.start)
            process.start()
            process.join(60)
            clock.cancel()
        assert process.exitcode in (0, 1, -signal.SIGKILL)
        how = "killed" if process.exitcode == -signal.SIGKILL else "done"
        self.scene.tolls.kills[how] += 1
        self.count("kill")
        process.close()

    @rule(selection=_selections, nth=st.integers(1, 40))
    def stop(self, selection: str, nth: int) -> None:
        """Stop a run, as Ctrl-C does, at its n-th request."""
        self.count("stop")
        settings, request = self.lab.settings(), self._request(selection)

        async def run() -> None:
            """Run until it is cancelled."""
            task, loop = asyncio.ensure_future(sync(settings, request, policy=QUICK)), asyncio.get_running_loop()
            self._at_request(nth, lambda: loop.call_soon_threadsafe(task.cancel))
            await asyncio.wait({task})
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, UnknownNameError)

        with self.watched():
            asyncio.run(run())
        nothing_left_over(self.lab)

    @rule(selection=_selections, milliseconds=st.integers(0, 80))
    def hurry(self, selection: str, milliseconds: int) -> None:
        """Let a run begin nothing new after a while (`--max-duration`)."""
        self.count("max-duration")
        with self.watched():
            self._run(selection, max_duration_seconds=milliseconds / 1000)
        nothing_left_over(self.lab)

    @rule(selection=_selections, seed=st.integers(0, 1 << 16))
    def sync_in_bad_weather(self, selection: str, seed: int) -> None:
        """Run while one answer in four is bad: what is not there is named."""
        self.count("sync in bad weather")
        with self.watched():
            # Not at the very start, where each bad answer costs a wait that no policy of ours shortens.
            self.server.fault = at_times(*BAD_WEATHER, seed=seed, to=lambda _: len(self.server.asks) > 3)
            outcome = self._run(selection)
        nothing_left_over(self.lab)
        if outcome is not None:
            assert outcome.exit_code is (ExitCode.INCOMPLETE if outcome.failed else ExitCode.DONE)
            missing = {*outcome.failed, *outcome.skipped, *self.lost}
            assert set(self._chosen(selection)) - missing - set(self.files()) == set()

    @rule(selection=_selections, verify_share=st.booleans())
    def dry_run(self, selection: str, verify_share: bool) -> None:
        """Look only: nothing changes; after a whole sync there is nothing to do."""
        self.count("dry run")
        before = self._tree(), self.rows()
        outcome = self._run(selection, verify_share=verify_share, dry_run=True)
        assert (self._tree(), self.rows()) == before
        if self.is_equal and outcome is not None:
            assert (outcome.report.planned.objects, outcome.report.adopted.objects) == (0, 0)

    @rule()
    def adopt(self) -> None:
        """Take over what lies there: nothing is fetched, no file changes."""
        self.count("adopt")
        before = self.files()
        with self.watched(), suppress(UnknownNameError):
            asyncio.run(adopt(self.lab.settings(), bucket="b"))
        assert self.files() == before

    # What must hold

    @invariant()
    def nothing_wrong_is_visible(self) -> None:
        """Each file is what the bucket has or had, or what we made of it; each row has such a file."""
        files = self.files()
        wrong = {
            key
            for key, body in files.items()
            if body not in self.history.get(key, ()) and body != self.damaged.get(key)
        }
        assert wrong == set()
        others = files_below(self.lab.share / OTHER_BUCKET)
        assert {key for key, path in others.items() if path.read_bytes() not in self.other_history[key]} == set()
        rows = self.rows()
        assert set(rows) - set(files) - self.lost == set()
        differing = {key for key, row in rows.items() if key in files and not _agrees(row, files[key])}
        assert differing - set(self.damaged) == set()

    def teardown(self) -> None:
        """End equal: after one more run the share has all that the bucket has, byte for byte."""
        try:
            self._end()
        finally:
            shutil.rmtree(self.lab.folder)

    def _end(self) -> None:
        for key in self.damaged:  # `--verify-share` reads no content.
            (self.lab.mirrored / key).unlink(missing_ok=True)
        self.lost |= set(self.damaged)
        self.damaged.clear()
        kept = self.files()
        self.sync_all()
        files, rows = self.files(), self.rows()
        objects = {key: stored.body for key, stored in self.server.objects.items()}
        if not self._has_dataset:
            assert files == kept
            return
        assert files == {key: body for key, body in kept.items() if key not in objects} | objects
        assert {key for key in objects if rows[key].xxh3 is None or not _agrees(rows[key], objects[key])} == set()
        again = self._run("all", verify_share=True, dry_run=True)
        assert again is not None
        assert (again.report.planned.objects, again.report.adopted.objects) == (0, 0)
        assert again.report.up_to_date.objects == len(objects)

    # How it is done

    def _request(self, selection: str, **knobs: Any) -> SyncRequest:
        return SyncRequest((ODD,), spec=_SELECTIONS[selection][0], **knobs)

    def _run(self, selection: str, **knobs: Any) -> Outcome | None:
        """Run one sync; None where the bucket has nothing of that name."""
        try:
            outcome = self.lab.mirror(spec=_SELECTIONS[selection][0], policy=QUICK, **knobs)
        except UnknownNameError:
            return None
        except MirrorError:
            # A folder that could not be listed: said, and nothing done.
            if self.server.fault is no_fault:
                raise
            return None
        self.scene.tolls.transferred += outcome.report.transferred.objects
        return outcome

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Run something that may write; check that a level which it opened is whole, and what was mended."""
        before = self.files()
        self.is_equal = False
        yield
        self.server.fault, self.server.on_ask = no_fault, lambda _: None
        self.scene.tolls.requests += len(self.server.asks)
        self.server.forget()
        after = self.files()
        self.lost -= set(after)
        self.damaged = {key: body for key, body in self.damaged.items() if after.get(key) == body}
        for level in LEVELS:
            metadata = f"{level}attributes.json"
            if b"blockSize" in after.get(metadata, b"") and after[metadata] != before.get(metadata):
                blocks = {key for key in self.server.objects if key.startswith(level)}
                assert blocks - set(after) - self.lost == set()

    def _is_as_the_bucket_has_it(self, key: str, row: Row | None, *, verify_share: bool) -> None:
        """Check one file after a run; a file that a row speaks for is looked at only by `--verify-share`."""
        stored, path = self.server.objects[key], self.lab.mirrored / key
        body = path.read_bytes() if path.is_file() else None
        if body == stored.body:
            return
        assert row is not None
        assert (row.size, row.etag) == (len(stored.body), pack_etag(stored.tag))
        assert key in self.lost or key in self.damaged
        assert not verify_share or (body is not None and len(body) == len(stored.body))

    def _chosen(self, selection: str) -> Iterator[str]:
        """Yield the keys that are on the share after a run: all, or those of the levels that the bucket says there are.

        A level stands in groups that are none of them an array, and its own metadata can be read.
        """
        if selection == "all":
            yield from self.server.objects
            return
        for level in _SELECTIONS[selection][1]:
            if self.is_level(level):
                yield from (key for key in self.server.objects if key.startswith(level))

    def is_level(self, level: str) -> bool:
        """Return whether the bucket says that this is a level."""
        stored = self.server.objects.get(f"{level}attributes.json")
        return stored is not None and b'"dimensions"' in stored.body

    @property
    def _has_dataset(self) -> bool:
        return bool(self.server.objects)

    def _at_request(self, nth: int, act: Callable[[], object]) -> None:
        """Let something happen, once, at the n-th request from now on."""
        self.server.on_ask = lambda _: act() if len(self.server.asks) == nth else None

    def files(self) -> dict[str, bytes]:
        """Return the bodies of the bucket's files on the share, by key."""
        return {key: path.read_bytes() for key, path in files_below(self.lab.mirrored).items()}

    def _tree(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in files_below(self.lab.share).items()}

    def rows(self) -> dict[str, Row]:
        """Return what the catalog says of them."""
        mine, rows = f"{BUCKET}/", catalog_rows(self.lab.catalog)
        return {name.removeprefix(mine): row for name, row in rows.items() if name.startswith(mine)}

    def count(self, step: str) -> None:
        """Count a step."""
        self.scene.tolls.steps[step] += 1


def _agrees(row: Row, body: bytes) -> bool:
    return row.xxh3 is None or (row.size, row.xxh3) == (len(body), row_of(body).xxh3)
