"""Which datasets there are: names checked against the buckets, and errors told in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mirror.app.opened import open_bucket
from mirror.config import BucketSettings, Settings
from mirror.engine.discovery import has_any, probe
from mirror.engine.events import EventSink
from mirror.engine.pages import Pages, check_page
from mirror.engine.retry import AT_START, Retrier
from mirror.engine.tasks import first_error
from mirror.errors import MirrorError, UnknownNameError, known_hint
from mirror.formats.folder import container_format
from mirror.keys import key_refusal
from mirror.store.base import Lister, ListPage
from mirror.store.bucket import Bucket


async def check_names(
    settings: Settings, name: str, datasets: tuple[str, ...], bucket: Bucket, sink: EventSink
) -> None:
    """Check that the endpoint answers and has the datasets.

    Parameters
    ----------
    name
        Of the bucket, as the configuration names it.

    Raises
    ------
    UnknownNameError
        It lacks one; where another bucket has it, the hint is the command to use.
    StoreError
        It does not answer, or refuses.
    """
    retrier = Retrier(asyncio.sleep, AT_START, sink)
    lister = await bucket.lister()
    for dataset in datasets:
        # A bucket that has the dataset is there: one request the less, and each is a tenth of a second.
        prefix = f"{bucket.url.prefix}{dataset}/"
        if not _is_name(dataset) or not await has_any(retrier, lister, prefix, thing=str(bucket.url)):
            await probe(retrier, lister, bucket.url.prefix, thing=str(bucket.url))
            raise await _unknown_dataset(settings, bucket, name, dataset)


async def has_dataset(bucket: Bucket, dataset: str) -> bool:
    """Return whether the bucket has anything in a folder of that name."""
    if not _is_name(dataset):
        return False
    page = await _first_page(await bucket.lister(), f"{bucket.url.prefix}{dataset}/", max_keys=1)
    return bool(page.objects)


def _is_name(dataset: str) -> bool:
    return "/" not in dataset and key_refusal(dataset) is None


async def dataset_names(bucket: Bucket) -> tuple[str, ...]:
    """Return the names of the folders at the bucket's root, sorted."""
    root = bucket.url.prefix
    pages = Pages(await bucket.lister(), Retrier(asyncio.sleep, AT_START), root, delimiter="/")
    names = {folder.removeprefix(root).rstrip("/") async for page in pages for folder in page.folders}
    return tuple(sorted(names))


async def datasets_in(bucket: Bucket, *, max_lists: int = 32) -> tuple[str, ...]:
    """Return the names of the root's folders that hold volumes, sorted: one small LIST a folder."""
    lister = await bucket.lister()
    slots = asyncio.Semaphore(max_lists)

    async def holds_volumes(name: str) -> bool:
        """Return whether a folder has a container."""
        async with slots:
            page = await _first_page(lister, f"{bucket.url.prefix}{name}/", delimiter="/")
        children = (folder.rstrip("/").rpartition("/")[2] for folder in page.folders)
        return any(container_format(child) is not None for child in children)

    names = await dataset_names(bucket)
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(holds_volumes(name)) for name in names]
    return tuple(name for name, answer in zip(names, answers, strict=True) if answer.result())


async def _first_page(lister: Lister, prefix: str, **knobs: Any) -> ListPage:
    async def page() -> ListPage:
        """Return the page if it is of this prefix."""
        found = await lister.list_page(prefix, **knobs)
        check_page(found, prefix, knobs.get("delimiter", ""))
        return found

    return await Retrier(asyncio.sleep, AT_START).run(prefix, page)


async def _unknown_dataset(settings: Settings, bucket: Bucket, name: str, dataset: str) -> UnknownNameError:
    """Return the error for a dataset that the bucket lacks: where else it lies, or what is near."""
    thing = f"{bucket.url}/{dataset}"
    for other, other_settings in sorted(settings.buckets.items()):
        if other != name and await _other_has(other_settings, dataset):
            hint = f"Bucket {other} has it: oomirror sync {dataset} --bucket {other}"
            return UnknownNameError(f"bucket {name} has no such dataset", thing, hint=hint)
    return UnknownNameError("no such dataset", thing, hint=known_hint(dataset, await dataset_names(bucket)))


async def _other_has(settings: BucketSettings, dataset: str) -> bool:
    try:
        async with open_bucket(settings) as bucket:
            return await has_dataset(bucket, dataset)
    except MirrorError:
        return False  # A bucket that nobody asked for may be out of reach; then it is no help.


@asynccontextmanager
async def plain_errors() -> AsyncIterator[None]:
    """Raise the one error that the user should read, where tasks of the engine ended with several."""
    try:
        yield
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors
