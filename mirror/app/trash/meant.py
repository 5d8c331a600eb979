"""Which files of a run's trash are meant, and which bucket of the configuration each belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from mirror.app.trash.runs import spelled
from mirror.config import BucketSettings, Settings
from mirror.errors import UnknownNameError
from mirror.formats.folder import METADATA_NAMES
from mirror.keys import key_refusal
from mirror.report.model import FailedObject
from mirror.store.share import Share
from mirror.store.trash import TrashedRun, is_on_share, pending


def wanted(share: Share, run: TrashedRun, patterns: Sequence[str]) -> list[str]:
    """Return the files that are meant, of the trash and of what a killed run left on the share; documents last.

    Raises
    ------
    UnknownNameError
        Nothing has one of the names.
    """
    there = {path for path, _ in run.files()} | {one.relative for one in pending(run) if is_on_share(share, one)}
    for pattern in patterns:
        if not any(_is_meant(path, pattern) for path in there):
            raise UnknownNameError(
                "the trash of this run has nothing of such a name",
                pattern,
                hint=f"`oomirror trash ls {run.name}` shows what it has.",
            )
    meant = (path for path in there if not patterns or any(_is_meant(path, pattern) for pattern in patterns))
    # No level opens before its blocks are there.
    return sorted(meant, key=lambda path: (path.rpartition("/")[2] in METADATA_NAMES, path))


def _is_meant(path: str, pattern: str) -> bool:
    """Return whether a path, or its key, is what was asked for."""
    return any(
        name == pattern or name.startswith(f"{pattern.rstrip('/')}/") or fnmatchcase(name, pattern)
        for name in (path, key_of(path))
    )


def home_of(settings: Settings, run: TrashedRun, path: str) -> str:
    """Return the name of the bucket that a path belongs to, empty where none has it.

    Where one bucket's prefix lies below that of another: as the run said which datasets were its own.
    """
    if key_refusal(path) is not None:
        return ""
    named = run.note.datasets if run.note else ()
    homes = {
        name: (dataset_of(bucket, path) in named, len(bucket.url.prefix))
        for name, bucket in settings.buckets.items()
        if path.startswith(f"{bucket.url.bucket}/{bucket.url.prefix}")
    }
    return max(homes, key=lambda name: homes[name], default="")


def homeless(paths: Iterable[str]) -> Iterator[FailedObject]:
    """Yield what is to be told of paths that belong to no bucket."""
    for path in map(spelled, paths):
        refusal = key_refusal(path)
        reason = f"{refusal}" if refusal else "no bucket of the configuration has it"
        yield FailedObject(key=key_of(path), path=path, reason=reason)


def key_of(path: str) -> str:
    """Return the key of what lies at a path below the share's root."""
    return path.partition("/")[2]


def dataset_of(bucket: BucketSettings, path: str) -> str:
    """Return the dataset that a path of a bucket belongs to."""
    return path.removeprefix(f"{bucket.url.bucket}/{bucket.url.prefix}").partition("/")[0]
