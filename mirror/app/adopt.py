"""`oomirror adopt`: what lies on the share already comes into the catalog; nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.records import RunKind
from mirror.app.datasets import dataset_names, has_dataset, plain_errors
from mirror.app.opened import open_bucket
from mirror.app.reading import readable_share
from mirror.app.scan import EVERYTHING
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.engine.events import EventSink, ignore
from mirror.engine.fetch import ChecksumMode
from mirror.errors import UnknownNameError, known_hint
from mirror.report.model import SyncReport
from mirror.store.share import Share


async def adopt(
    settings: Settings,
    datasets: Sequence[str] = (),
    *,
    bucket: str | None = None,
    check: ChecksumMode = ChecksumMode.AUTO,
    sink: EventSink = ignore,
    force_catalog: bool = False,
) -> tuple[SyncReport, ...]:
    """Compare files on the share with the buckets' objects, and record those that agree; one report a bucket.

    Parameters
    ----------
    datasets
        None given: all that lie on the share.
    bucket
        None: every bucket of the configuration.

    Raises
    ------
    UnknownNameError
        A dataset that no bucket has.
    MirrorError, CatalogError
        As `sync`.

    Files that differ from the bucket are in the report's `failed`, and left where they are.
    """
    # Also where nothing lies on it, and nothing is to be synced then: that is no answer of another share.
    share = readable_share(settings, writes=True)
    async with plain_errors():
        found = {name: await _datasets(settings, name, share, datasets) for name in _bucket_names(settings, bucket)}
    _check_all_found(datasets, found)
    return tuple(
        [
            await sync(
                settings,
                SyncRequest(names, name, EVERYTHING, checksum=check, may_fetch=False),
                sink=sink,
                kind=RunKind.ADOPT,
                force_catalog=force_catalog,
            )
            for name, names in found.items()
            if names
        ]
    )


def _bucket_names(settings: Settings, bucket: str | None) -> tuple[str, ...]:
    if bucket is None:
        return tuple(sorted(settings.buckets))
    settings.bucket(bucket)
    return (bucket,)


async def _datasets(settings: Settings, name: str, share: Share, asked: Sequence[str]) -> tuple[str, ...]:
    """Return those that are asked for, or lie on the share, and that the bucket has."""
    bucket_settings = settings.bucket(name)
    places = (bucket_settings.url.bucket, *bucket_settings.aliases)
    lying = {
        entry for place in places for entry in share.folder(f"{place}/{bucket_settings.url.prefix}".rstrip("/")) or ()
    }
    wanted = set(asked) or lying
    if not wanted:
        return ()
    async with open_bucket(bucket_settings) as bucket:
        if asked:
            return tuple(sorted([one for one in wanted if await has_dataset(bucket, one)]))
        return tuple(sorted(wanted.intersection(await dataset_names(bucket))))


def _check_all_found(asked: Sequence[str], found: dict[str, tuple[str, ...]]) -> None:
    known = {name for names in found.values() for name in names}
    for name in asked:
        if name not in known:
            raise UnknownNameError("no bucket has such a dataset", name, hint=known_hint(name, known) if known else "")
