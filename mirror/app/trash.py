"""`oomirror trash`: what lies in the share's trash, back to its place, or gone for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path

from catalog import queries
from catalog.records import RunKind
from catalog.session import Catalog
from mirror.app.locks import taken_over
from mirror.app.publish import Publisher
from mirror.app.run import recorded_run
from mirror.app.state import BucketState
from mirror.app.workplace import checked_marker, utc_now, workplace
from mirror.checksum import Proof, proof_of_etag, xxh3_of
from mirror.config import BucketSettings, Settings
from mirror.diff import Kind
from mirror.engine.events import EventSink, Note, ignore
from mirror.engine.fetch import Done, Item, source_of_file
from mirror.errors import ExitCode, UnknownNameError, known_hint
from mirror.formats.folder import METADATA_NAMES
from mirror.lock import DatasetLock, Holder, check_held, live_tokens
from mirror.objects import Tally, Verification, unpack_etag
from mirror.report.model import Amount, FailedObject
from mirror.report.trash import EmptyReport, RestoreReport, TrashedFile, TrashLine
from mirror.store.share import FileError, Share
from mirror.store.staging import Staging
from mirror.store.trash import (
    Journal,
    Trashed,
    TrashedRun,
    journaled,
    move_back,
    move_to_trash,
    pending,
    remove_empty_folders,
    remove_run,
    trashed_runs,
    write_note,
)
from mirror.store.trash import Note as TrashNote

_BATCH_OBJECTS = 500
_LOCK = ".trash"
"""In the place of a bucket's name in the path of a lock: no bucket is called so."""

Confirm = Callable[[Tally, int], bool]
"""Told what would be removed for good, of how many runs; returns whether it shall be."""


def list_trash(settings: Settings) -> tuple[TrashLine, ...]:
    """Return the trash of each run, the oldest first; needs no catalog.

    Raises
    ------
    UnsafeError
        The share is not there, is not marked, or cannot be read.
    """
    return tuple(_line(run) for run in trashed_runs(_share(settings)))


def list_trashed_files(settings: Settings, name: str) -> tuple[TrashedFile, ...]:
    """Return the files in the trash of one run. Raises as `list_trash`, and UnknownNameError without such a run."""
    return tuple(TrashedFile(path=path, bytes=size) for path, size in _run(_share(settings), name).files())


def restore(
    settings: Settings,
    name: str,
    patterns: Sequence[str] = (),
    *,
    overwrite: bool = False,
    sink: EventSink = ignore,
    force_catalog: bool = False,
) -> RestoreReport:
    """Give files of a run's trash their names again, byte for byte, and record them as adopted.

    Parameters
    ----------
    patterns
        Keys, prefixes of keys or globs, with or without the bucket; none: all.
    overwrite
        Whether a file that differs and stands in the place of one goes to the trash itself; else it stays.

    Raises
    ------
    UnknownNameError
        There is no such run.
    LockedError
        Another run works on one of the datasets.
    UnsafeError, CatalogError
        As `sync`.
    """
    with workplace(settings, dry_run=False, force_catalog=force_catalog) as place, ExitStack() as stack:
        run = _run(place.share, name)
        wanted = sorted((path for path, _ in run.files() if _is_meant(path, patterns)), key=_documents_last)
        by_bucket = _by_bucket(settings, wanted)
        holder = Holder.of_this_process()
        datasets = sorted({(one.url.bucket, _dataset(one, path)) for path, one in by_bucket.items()})

        def say(stale: Holder) -> None:
            sink(Note(taken_over(stale)))

        for bucket, dataset in [(_LOCK, run.name), *datasets]:
            stack.enter_context(DatasetLock(place.share, bucket, dataset, holder, on_takeover=say))
        held = partial(check_held, place.share, holder.token)
        staging = Staging(place.share, holder.token, settings.transfer.file_policy(), check_held=held)
        report = RestoreReport(trash=run.name, run=None, restored=Amount(), failed=_homeless(wanted, by_bucket))
        for bucket_settings in {one.url: one for one in by_bucket.values()}.values():
            paths = [path for path in wanted if by_bucket.get(path) is bucket_settings]
            restorer = _Restorer(place.open_catalog, run, staging, bucket_settings, overwrite=overwrite)
            report = restorer.restore(paths, report)
        if not any(run.files()) and not pending(run):
            remove_run(run)
        publisher = Publisher.of(settings, place.open_catalog, place.share, room=holder.token)
        for problem in publisher.publish() if report.run is not None else ():
            sink(Note(problem))
        return report


@dataclass(slots=True)
class _Restorer:
    """Moves files of one bucket back."""

    catalog: Catalog
    run: TrashedRun
    staging: Staging
    bucket: BucketSettings
    overwrite: bool = field(kw_only=True)
    _restored: Tally = field(default_factory=Tally)
    _set_aside: Tally = field(default_factory=Tally)
    _failed: list[FailedObject] = field(default_factory=list)

    def restore(self, paths: Sequence[str], report: RestoreReport) -> RestoreReport:
        """Return the report with what became of these files."""
        url, datasets = self.bucket.url, sorted({_dataset(self.bucket, path) for path in paths})
        with self.catalog.begin() as connection:
            bucket_id = queries.bucket_id(connection, str(url))
        state = BucketState.of(self.catalog, str(url), url.prefix, aliases=self.bucket.aliases)
        etags = {one.relative: one.etag for one in journaled(self.run)}
        selection = {"restored": self.run.name}
        recording = recorded_run(self.catalog, bucket_id, RunKind.ADOPT, datasets, selection)
        with recording as recorded, self.staging:
            iterator = iter(paths)
            while batch := list(islice(iterator, _BATCH_OBJECTS)):
                done = [one for path in batch if (one := self._move(state, path, etags.get(path, ""))) is not None]
                self.staging.sync()
                state.commit(recorded.id, done)
                self._restored += Tally(len(done), sum(one.size for one in done))
            state.count_sums(datasets)
            recorded.exit_code = ExitCode.INCOMPLETE if self._failed else ExitCode.DONE
        write_note(self.staging.trash, TrashNote(utc_now().isoformat(), url.bucket, tuple(datasets), recorded.id))
        remove_empty_folders(self.run.folder, [(self.run.folder / path).parent for path in paths])
        return report.model_copy(
            update={
                "run": recorded.id,
                "restored": Amount.of(_tally(report.restored) + self._restored),
                "set_aside": Amount.of(_tally(report.set_aside) + self._set_aside),
                "failed": (*report.failed, *self._failed),
            }
        )

    def _move(self, state: BucketState, path: str, packed_etag: str) -> Done | None:
        key = path.partition("/")[2]
        try:
            done = self._done(state, path, unpack_etag(bytes.fromhex(packed_etag)))
            self._make_way(state, done)
            self.staging.check()  # It is no room out of which this file gets its name.
            move_back(self.staging.share, self.run, path)
        except FileError as error:
            self._failed.append(FailedObject(key=key, path=path, reason=str(error)))
            return None
        return done

    def _done(self, state: BucketState, path: str, etag: str) -> Done:
        """Return what is to be recorded of a file in the trash, as its bytes are now."""
        file, key = self.run.folder / path, path.partition("/")[2]
        source = source_of_file(str(file))
        try:
            status = file.stat()
            digest = xxh3_of(source)
            proof, verification = proof_of_etag(source, status.st_size, etag)
        except OSError as error:
            raise FileError("cannot read the file in the trash", path, found=error.strerror or str(error)) from error
        if proof is not Proof.AGREES:
            # Kept as something that the bucket has not: the next sync compares it again.
            etag, verification = ("" if proof is Proof.DIFFERS else etag), Verification.SIZE_ONLY
        place = state.place_of(key)
        array_id, block = place if place is not None else (None, None)
        item = Item(Kind.ADOPT, key, path, status.st_size, etag, int(status.st_mtime), array_id, block)
        return Done(item, status.st_size, etag, digest, verification, is_adopted=True, replaced=False)

    def _make_way(self, state: BucketState, done: Done) -> None:
        """See that nothing else stands in the place. Raises FileError where something does and may not be moved."""
        place = self.staging.share.root / done.item.relative
        if not place.is_symlink() and not place.exists():
            return
        if place.is_file() and not place.is_symlink() and _has_bytes(place, done):
            return
        if not self.overwrite or place.is_dir():
            raise FileError(
                "another file has its place" if place.is_file() else "a folder has its place",
                done.item.relative,
                hint="" if place.is_dir() else "With --overwrite that one goes to the trash.",
            )
        size = place.lstat().st_size
        self.staging.check()
        state.forget([done.item])
        journal = Journal(self.staging.trash)
        journal.begin([Trashed(done.item.relative, size, "")])
        move_to_trash(self.staging.share, self.staging.trash, done.item.relative)
        journal.end()
        self._set_aside = self._set_aside.plus(size)


def empty(
    settings: Settings,
    name: str | None = None,
    *,
    older_than_seconds: float | None = None,
    confirm: Confirm = lambda _tally, _n_runs: True,
) -> EmptyReport:
    """Remove the trash of one run, or of all, for good; that of runs that go on is left.

    Parameters
    ----------
    older_than_seconds
        Only of runs that began before so long.

    Raises
    ------
    UnknownNameError
        There is no such run.
    UnsafeError
        The share is not there, is not marked, or cannot be written.
    """
    share = _share(settings)
    runs = trashed_runs(share) if name is None else (_run(share, name),)
    if older_than_seconds is not None:
        now = datetime.now(UTC)
        runs = tuple(run for run in runs if (now - run.begun_at).total_seconds() > older_than_seconds)
    alive = live_tokens(share)
    unused = {run.name: (run, _sum(run)) for run in runs if run.name not in alive}
    total = sum((tally for _, tally in unused.values()), Tally())
    if not unused or not confirm(total, len(unused)):
        return EmptyReport(runs=(), removed=Amount(), in_use=tuple(run.name for run in runs if run.name in alive))
    holder = Holder.of_this_process()
    for run, _ in unused.values():
        with DatasetLock(share, _LOCK, run.name, holder):
            remove_run(run)
    in_use = tuple(run.name for run in runs if run.name in alive)
    return EmptyReport(runs=tuple(unused), removed=Amount.of(total), in_use=in_use)


def _share(settings: Settings) -> Share:
    share = Share(settings.share_root())
    checked_marker(share)
    return share


def _run(share: Share, name: str) -> TrashedRun:
    runs = {run.name: run for run in trashed_runs(share)}
    if name not in runs:
        raise UnknownNameError("no run has such trash", name, hint=known_hint(name, runs) if runs else "It is empty.")
    return runs[name]


def _line(run: TrashedRun) -> TrashLine:
    note = run.note
    return TrashLine(
        run=run.name,
        begun_at=run.begun_at.isoformat(),
        bucket=note.bucket if note else None,
        datasets=note.datasets if note else None,
        catalog_run=note.run if note else None,
        trashed=Amount.of(_sum(run)),
    )


def _sum(run: TrashedRun) -> Tally:
    n_objects = n_bytes = 0
    for _, size in run.files():
        n_objects += 1
        n_bytes += size
    return Tally(n_objects, n_bytes)


def _is_meant(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a path, or its key, is one of those asked for; all are where nothing was asked."""
    names = (path, path.partition("/")[2])
    return not patterns or any(
        name == pattern or name.startswith(f"{pattern.rstrip('/')}/") or fnmatchcase(name, pattern)
        for pattern in patterns
        for name in names
    )


def _documents_last(path: str) -> tuple[bool, str]:
    """Order paths so that no level opens before its blocks are there."""
    return path.rpartition("/")[2] in METADATA_NAMES, path


def _by_bucket(settings: Settings, paths: Iterable[str]) -> dict[str, BucketSettings]:
    return dict(_placed(settings, paths))


def _placed(settings: Settings, paths: Iterable[str]) -> Iterator[tuple[str, BucketSettings]]:
    for path in paths:
        for bucket in settings.buckets.values():
            if path.startswith(f"{bucket.url.bucket}/{bucket.url.prefix}"):
                yield path, bucket
                break


def _homeless(paths: Iterable[str], by_bucket: dict[str, BucketSettings]) -> tuple[FailedObject, ...]:
    reason = "no bucket of the configuration has it"
    return tuple(
        FailedObject(key=path.partition("/")[2], path=path, reason=reason) for path in paths if path not in by_bucket
    )


def _dataset(bucket: BucketSettings, path: str) -> str:
    return path.removeprefix(f"{bucket.url.bucket}/{bucket.url.prefix}").partition("/")[0]


def _has_bytes(place: Path, done: Done) -> bool:
    try:
        return place.stat().st_size == done.size and xxh3_of(source_of_file(str(place))) == done.xxh3
    except OSError:
        return False


def _tally(amount: Amount) -> Tally:
    return Tally(amount.objects, amount.bytes)
