"""Holding the lock of a dataset: taken, kept alive by a counter that moves, and let go.

A holder is stale when its counter was not seen to move for `STALE_SECONDS` of our own clock; one of this machine also
when its process is gone. Before its lock is taken over it is shut out (`mirror.lock.fence`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from mirror.errors import LockedError, UnsafeError
from mirror.lock.fence import IN_USE, free, set_aside
from mirror.lock.folder import LOOK_AGAIN_SECONDS, LockFolder
from mirror.lock.holder import Holder
from mirror.store.share import MARKER, Share, unsafe_of

STALE_SECONDS = 60.0
BEAT_SECONDS = 5.0


class DatasetLock:
    """Holds `<bucket>/<dataset>` on a share, as a context manager; its counter moves in a thread of its own.

    Parameters
    ----------
    on_takeover
        Called with each stale holder whose lock was taken over.
    """

    def __init__(
        self,
        share: Share,
        bucket: str,
        dataset: str,
        holder: Holder,
        *,
        on_takeover: Callable[[Holder], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        stale_seconds: float = STALE_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._share = share
        self._folder = LockFolder(share, bucket, dataset, sleep=sleep)
        self._holder = holder
        self._on_takeover = on_takeover
        self._sleep = sleep
        self._stale_seconds = stale_seconds
        self._beat_seconds = beat_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="oomirror-lock", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._folder.make_room()
            stale = self._take()
            self._folder.sweep()
        except OSError as error:
            self._folder.let_go(self._holder)
            raise unsafe_of(error, "cannot write the lock", self._folder.path) from error
        for holder in stale:
            self._on_takeover(holder)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._folder.let_go(self._holder)

    # Taking

    def _take(self) -> tuple[Holder, ...]:
        """Take the lock; return whom it was taken from.

        Raises
        ------
        LockedError
            The holder lives.
        UnsafeError
            Nobody holds it, and it cannot be taken.
        """
        stale: dict[str, Holder] = {}
        n_looks, waited = 0, 0.0
        while not self._folder.try_take(self._holder):
            files = self._folder.read()
            if self._holder.token in files:
                break  # We have it, and were told so late.
            if files:
                n_looks, waited = 0, 0.0
                stale |= self._take_from_stale(files)
                continue
            if waited >= STALE_SECONDS:
                raise UnsafeError(
                    "cannot take the lock, though nobody holds it",
                    str(self._folder.path),
                    found="a folder that cannot be replaced or removed",
                    hint="Has somebody opened it? If no oomirror is at work, remove it by hand.",
                )
            self._folder.remove_empty()
            n_looks += 1
            seconds = min(1.0, n_looks * LOOK_AGAIN_SECONDS)
            self._sleep(seconds)
            waited += seconds
        return tuple(stale.values())

    def _take_from_stale(self, files: Mapping[str, bytes]) -> dict[str, Holder]:
        """Return the holders whose lock is free now, by the names of their files; none if it went away meanwhile.

        Raises
        ------
        LockedError, UnsafeError
            One lives, or could still write.
        """
        holders = {name: Holder.of_file(name, text) for name, text in files.items()}
        if not all(holder.is_known_dead for holder in holders.values()) and not self._is_still(files):
            return {}
        try:
            self._folder.take_away(files)
        except OSError as error:
            if error.errno not in IN_USE:
                raise
            raise UnsafeError(
                "cannot take over from a run that stands still, for it could still write",
                str(self._folder.path),
                found=f"{' and '.join(map(str, holders.values()))}: {error.strerror}",
                hint="It has a file open on the share. End that process; if it is gone, wait until the server knows.",
            ) from error
        return holders

    def _is_still(self, first: Mapping[str, bytes]) -> bool:
        """Return True when the counter was not seen to move for the whole time, False when the lock went away.

        Raises
        ------
        LockedError
            The counter moved.
        """
        for _ in range(max(1, round(self._stale_seconds))):
            self._sleep(min(1.0, self._stale_seconds))
            now = self._folder.read()
            if not now:
                return False
            if now != first:
                raise self._locked(now)
        return True

    def _locked(self, files: Mapping[str, bytes]) -> LockedError:
        return LockedError(
            "another run works on this dataset",
            str(self._folder.path),
            found=" and ".join(str(Holder.of_file(*file)) for file in files.items()),
            hint="Wait until it has ended; two runs on different datasets may go side by side.",
        )

    # Holding

    def _beat(self) -> None:
        holder = self._holder
        while not self._stop.wait(self._beat_seconds):
            holder = replace(holder, beat=holder.beat + 1)
            try:
                self._folder.move(holder)
            except FileNotFoundError:
                if self._is_lost():
                    with suppress(OSError):  # Whoever took over may be of a kind that knows no fence.
                        set_aside(self._share, holder.token, time.sleep)
                        free(self._share, holder.token, time.sleep)
                    return
            except OSError:
                continue  # The transfer itself notices a share that is gone, with words for it.

    def _is_lost(self) -> bool:
        """Return whether our file is gone from a share that is there; asked twice, for some servers are late."""
        for _ in range(2):
            try:
                if self._folder.has(self._holder) or not (self._share.own / MARKER).exists():
                    return False
            except OSError:
                return False
            time.sleep(LOOK_AGAIN_SECONDS)
        return True
