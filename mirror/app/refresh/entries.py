"""The entries of `[[mirrors]]`: which are meant, and which of them comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mirror.app.refresh.history import NEVER, History
from mirror.app.request import SyncRequest
from mirror.config import MirrorSettings, Settings
from mirror.engine.fetch import ChecksumMode
from mirror.errors import ConfigError, UnknownNameError, known_hint


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, by its place in the configuration."""

    number: int
    """From 1."""
    bucket: str
    """As the configuration names it."""
    bucket_url: str
    mirror: MirrorSettings

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return self.mirror.dataset

    @property
    def name(self) -> str:
        """`BUCKET/DATASET`; two entries may share it, and then they share a lock."""
        return f"{self.bucket}/{self.dataset}"

    @property
    def lock(self) -> tuple[str, str]:
        """Entries with the same one cannot be at work at once."""
        return self.bucket_url, self.dataset

    def request(self, *, dry_run: bool, max_duration_seconds: float | None) -> SyncRequest:
        """Return what the entry asks of a sync."""
        one = self.mirror
        return SyncRequest(
            datasets=(one.dataset,),
            bucket=self.bucket,
            spec=one.spec(),
            exclude=one.excluded(),
            bucket_files=one.bucket_files,
            checksum=ChecksumMode(one.checksum) if one.checksum else None,
            verify_share=one.verify_share,
            dry_run=dry_run,
            max_duration_seconds=max_duration_seconds,
        )


def entries_of(settings: Settings, names: Iterable[str] = ()) -> tuple[Entry, ...]:
    """Return the entries of these names, `BUCKET/DATASET` or the dataset's alone, in the order of the configuration.

    Parameters
    ----------
    names
        None are all.

    Raises
    ------
    ConfigError
        The configuration has none.
    UnknownNameError
        No entry has one of the names.
    """
    entries = tuple(_entry(settings, number, one) for number, one in enumerate(settings.mirrors, 1))
    if not entries:
        hint = "Write one into the configuration; `oomirror refresh` shows one to begin with."
        raise ConfigError(
            "there is nothing to refresh", "[[mirrors]]", expected="an entry or more", found="none", hint=hint
        )
    wanted = set(names)
    known = {name for entry in entries for name in (entry.name, entry.dataset)}
    for name in sorted(wanted - known):
        raise UnknownNameError("no entry of [[mirrors]]", name, hint=known_hint(name, {one.name for one in entries}))
    return tuple(entry for entry in entries if not wanted or wanted & {entry.name, entry.dataset})


def _entry(settings: Settings, number: int, mirror: MirrorSettings) -> Entry:
    name = mirror.bucket or settings.default_bucket
    return Entry(number, name, str(settings.bucket(name).url), mirror)


def in_turn(entries: Sequence[Entry], history_of: Callable[[Entry], History]) -> tuple[Entry, ...]:
    """Return the entries as they are to be begun: who was longest not finished comes first, of those who was not begun.

    So a night that ends too early for all goes on, in the next one, with those that had no turn.
    """

    def turn(entry: Entry) -> tuple[object, ...]:
        """Return what the order goes by."""
        history = history_of(entry)
        return history.finished_at or NEVER, history.begun_at or NEVER, entry.number

    return tuple(sorted(entries, key=turn))
