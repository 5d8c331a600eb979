"""`oomirror verify --against FILE`: any copy of a share beside a certificate; needs neither catalog nor mark."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Literal, cast

from mirror.app.reading import readable_share
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.shortlist import Shortlist
from mirror.app.verify.strays import UNREAD
from mirror.app.workplace import checked_marker
from mirror.config import Settings
from mirror.engine.crew import n_cores
from mirror.engine.events import EventSink, ObjectsDone, TransferStarted, ignore
from mirror.engine.scrub import Batch, Damage, Depth, IoErrors, Wanted, looked_at
from mirror.engine.scrub.damage import may_be_stray
from mirror.errors import UnsafeError, UsageError
from mirror.keys import S3Url
from mirror.objects import Tally, etag_md5
from mirror.report.certificate import Certificate, CertifiedObject
from mirror.report.model import Amount
from mirror.report.verification import NAMED, CheckedLevel, DamagedObject, DamageKind, LostObject, VerifyReport
from mirror.store.share import Marker, Share, unsafe_of

_BATCH_FILES = 1_000
NOT_THE_ETAG = "its MD5 is not the ETag in the certificate"


async def verify_against(
    settings: Settings, request: VerifyRequest, file: Path, *, share: Path | None = None, sink: EventSink = ignore
) -> VerifyReport:
    """Look whether a share has what a certificate says, byte for byte; with `--quick` presence and size only.

    Nothing is written anywhere.

    Parameters
    ----------
    share
        Root of any copy; None: the configured share, which must be marked, and the one that a catalog knows.

    Raises
    ------
    UsageError
        The request asks for what a certificate cannot tell.
    UnsafeError
        The share is not there, is another one, or went away.
    CatalogError
        There is a catalog, and it cannot be read.
    MirrorError
        The certificate is damaged, broken off or was changed.
    """
    _check_request(request)
    root = share if share is not None else readable_share(settings).root
    marker = checked_marker(Share(root)) if share is None else None
    certificate = await asyncio.to_thread(Certificate, file)
    depth = Depth.QUICK if request.depth is Depth.QUICK else Depth.FULL
    look = _Look(certificate, root, marker, depth, sink)
    stopped = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(look.run, stopped.is_set, asyncio.get_running_loop()))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([work])
        raise
    return look.report()


def _check_request(request: VerifyRequest) -> None:
    given = {
        "DATASET": request.datasets,
        "--bucket": request.bucket,
        "--volumes or --scales": not request.is_everything,
        "--budget": request.budget.seconds or request.budget.n_bytes or request.budget.share,
        "--repair": request.repair,
    }
    for name, value in given.items():
        if value:
            hint = "A certificate is checked as a whole, and mends nothing."
            raise UsageError("cannot be given with --against", name, hint=hint)


class _Look:
    """One look at a share beside a certificate."""

    def __init__(
        self, certificate: Certificate, root: Path, marker: Marker | None, depth: Depth, sink: EventSink
    ) -> None:
        self._certificate = certificate
        self._root = root
        self._marker = marker
        self._folder = S3Url.parse(certificate.header.url).bucket
        self._depth = depth
        self._sink = sink
        self._started = time.monotonic()
        self._checked = Tally()
        self._damaged = Shortlist[DamagedObject](NAMED)
        self._lost = Shortlist[LostObject](NAMED)
        self._kinds: Counter[DamageKind | Literal["lost"]] = Counter()
        self._bad = {"damaged": Tally(), "lost": Tally()}
        self._io_errors = IoErrors()

    def run(self, is_stopped: Callable[[], bool], loop: asyncio.AbstractEventLoop) -> None:
        """Look at all files, then for strays. Called in a thread."""
        self._check_root()
        header = self._certificate.header
        planned = TransferStarted(Tally(header.objects, header.bytes), "checking")
        loop.call_soon_threadsafe(self._sink, planned)
        for objects, batch, seen in looked_at(self._batches(), n_threads=n_cores(), is_stopped=is_stopped):
            self._io_errors.add(seen.n_tries, seen.n_io_errors)
            self._io_errors.check(str(self._root))
            for odd in seen.odd:
                self._add(objects[odd.position], odd.damage, odd.reason)
            for proven in seen.proven:
                if proven.is_md5_same is False:
                    self._add(objects[proven.position], Damage.CONTENT, NOT_THE_ETAG)
            tally = Tally(len(objects), batch.n_bytes)
            self._checked += tally
            loop.call_soon_threadsafe(self._sink, ObjectsDone(tally))
        if self._kinds:
            self._check_root()
        for key in self._strays():
            what = "it may not be read, and " if key.endswith("/") else ""
            self._add_damaged(key, "stray", f"{what}the certificate does not know it")

    def _check_root(self) -> None:
        if self._marker is not None and Share(self._root).marker() != self._marker:
            raise UnsafeError("the share went away", str(self._root), hint="Mount it, then run the same command again.")
        home = self._root / self._folder
        if not home.is_dir():
            hint = "Is it mounted? --share names the folder above that of the bucket."
            raise UnsafeError("the share is not there", str(home), hint=hint)

    def _batches(self) -> Iterator[tuple[list[CertifiedObject], Batch]]:
        home = self._root / self._folder
        for folder, group in groupby(self._certificate.objects(), key=lambda one: one.key.rpartition("/")[0]):
            while objects := list(islice(group, _BATCH_FILES)):
                start = len(folder) + 1 if folder else 0
                files = [self._wanted(one, one.key[start:]) for one in objects]
                yield objects, Batch(str(home / folder), files, self._depth)

    def _wanted(self, one: CertifiedObject, name: str) -> Wanted:
        digest = None if one.xxh3 is None else bytes.fromhex(one.xxh3)
        md5 = etag_md5(one.etag) if digest is None and self._depth is Depth.FULL else None
        return Wanted(name, one.size, digest, md5)

    def _add(self, one: CertifiedObject, damage: Damage, reason: str) -> None:
        word = "lost" if damage is Damage.LOST else "damaged"
        self._bad[word] = self._bad[word].plus(one.size)
        if damage is Damage.LOST:
            self._kinds["lost"] += 1
            self._lost.add(("", one.key), LostObject(key=one.key, path=f"{self._folder}/{one.key}"))
        else:
            self._add_damaged(one.key, cast("DamageKind", damage.value), reason)

    def _add_damaged(self, key: str, kind: DamageKind, reason: str) -> None:
        self._kinds[kind] += 1
        damaged = DamagedObject(key=key, path=f"{self._folder}/{key}", kind=kind, reason=reason)
        self._damaged.add(("", key), damaged)

    def _strays(self) -> Iterator[str]:
        """Yield the keys of files below the dataset that are not certified: both are in the same order."""
        prefix = self._certificate.header.prefix
        certified = (one.key for one in self._certificate.objects())
        return _only_in_first(files_in_order(self._root / self._folder, prefix), certified)

    def report(self) -> VerifyReport:
        """Return what was found."""
        header = self._certificate.header
        bad = self._bad["damaged"] + self._bad["lost"]
        damaged, lost = tuple(self._damaged), tuple(self._lost)
        level = CheckedLevel(
            bucket=header.url,
            dataset=header.dataset,
            volume="all that is certified",
            level=None,
            checked=Amount.of(self._checked),
            damaged=Amount.of(self._bad["damaged"]),
            lost=Amount.of(self._bad["lost"]),
        )
        return VerifyReport(
            depth="quick" if self._depth is Depth.QUICK else "full",
            complete=True,
            datasets=(header.dataset,),
            checked=Amount.of(self._checked),
            ok=Amount(objects=self._checked.objects - bad.objects, bytes=self._checked.bytes - bad.bytes),
            damaged=damaged,
            damaged_more=self._damaged.n_all - len(damaged),
            lost=lost,
            lost_more=self._lost.n_all - len(lost),
            kinds=dict(sorted(self._kinds.items())),
            left_out=header.damaged,
            levels=(level,),
            seconds=round(time.monotonic() - self._started, 3),
        )


def _only_in_first(first: Iterable[str], second: Iterator[str]) -> Iterator[str]:
    """Yield what only the first of two streams has; both in the order of their UTF-8 bytes."""
    other = next(second, None)
    for key in first:
        while other is not None and os.fsencode(other) < os.fsencode(key):
            other = next(second, None)
        is_known_folder = key.endswith("/") and other is not None and other.startswith(key)
        if key != other and not is_known_folder and may_be_stray(key.rpartition("/")[2]):
            yield key


def files_in_order(home: Path, prefix: str) -> Iterator[str]:
    """Yield the keys of all files below a prefix, in the order of their UTF-8 bytes, as S3 lists them.

    Of a folder that may not be read its own is yielded, with a slash at its end.

    Raises
    ------
    UnsafeError
        The share is gone.
    """
    try:
        with os.scandir(home / prefix) as entries:
            names = [f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in entries]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno not in UNREAD:
            raise unsafe_of(error, "cannot read the folder", home / prefix) from error
        yield prefix
        return
    for name in sorted(names, key=os.fsencode):
        if name.endswith("/"):
            yield from files_in_order(home, prefix + name)
        else:
            yield prefix + name
