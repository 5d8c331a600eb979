"""What a user means by a volume: looked up in the catalog, and on the share for what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog import queries
from catalog.errors import CatalogMissingError
from catalog.session import Catalog, open_catalog
from mirror.app.reading import catalog_for_reading
from mirror.app.recalled import recall_dataset
from mirror.config import Settings
from mirror.errors import UnknownNameError, known_hint
from mirror.formats.layout import Dataset
from mirror.keys import S3Url
from mirror.view.choice import Chosen, choose, parse_volume
from mirror.view.share_walk import dataset_names, walk_dataset


@dataclass(frozen=True, slots=True)
class Found:
    """An array of a bucket, as the catalog or the share knows it."""

    bucket: str
    """As the configuration names it."""
    url: S3Url
    roots: tuple[Path, ...]
    """Folders of the share where the bucket's objects may lie: its own, then those of its older names."""
    chosen: Chosen
    is_default_bucket: bool

    @property
    def sync_command(self) -> str:
        """The command that mirrors the array."""
        return self.chosen.sync_command(None if self.is_default_bucket else self.bucket)


def find_volume(settings: Settings, path: str, level: str | None, bucket: str | None = None) -> Found:
    """Return the array that `<dataset>/<volume>` and the name of a level mean.

    Raises
    ------
    UnknownNameError
        Neither catalog nor share know such a dataset, volume or level in that bucket.
    CatalogError
        The catalog cannot be read.
    """
    name = bucket or settings.default_bucket
    dataset, volume = parse_volume(path)
    unknown: UnknownNameError | None = None
    for known in _datasets(settings, name, dataset):
        try:
            chosen = choose(known, volume, level)
        except UnknownNameError as error:
            unknown = unknown or error
        else:
            one = settings.bucket(name)
            is_default = name == settings.default_bucket
            return Found(name, one.url, bucket_roots(settings, name), chosen, is_default)
    if bucket is None and (elsewhere := _elsewhere(settings, dataset, volume, level)):
        hint = f'Bucket {elsewhere} has it: --bucket {elsewhere}, in Python bucket="{elsewhere}".'
        raise UnknownNameError(f"bucket {name} has no such volume", path, hint=hint)
    raise unknown or _unknown_dataset(settings, name, dataset)


def is_known(settings: Settings, dataset: str, bucket: str | None) -> bool:
    """Return whether the catalog of this machine, which may be written, knows the dataset's volumes in a bucket."""
    try:
        with open_catalog(settings.catalog, create=False, read_only=True) as catalog:
            return _recall(catalog, str(settings.bucket(bucket).url), dataset) is not None
    except CatalogMissingError:
        return False


def bucket_roots(settings: Settings, name: str) -> tuple[Path, ...]:
    """Return the folders of the share where a bucket's objects may lie. Raises ConfigError without a share."""
    one, share = settings.bucket(name), settings.share_root()
    return tuple(share / folder for folder in (one.url.bucket, *one.aliases))


def _datasets(settings: Settings, name: str, dataset: str) -> Iterator[Dataset]:
    """Yield the dataset as the catalog knows it, and then as it lies on the share."""
    url = settings.bucket(name).url
    try:
        with catalog_for_reading(settings) as catalog:
            recalled = _recall(catalog, str(url), dataset)
    except CatalogMissingError:
        recalled = None
    if recalled is not None:
        yield recalled
    for root in bucket_roots(settings, name):
        walked = walk_dataset(root, dataset, f"{url.prefix}{dataset}/")
        if walked is not None:
            yield walked


def _recall(catalog: Catalog, url: str, dataset: str) -> Dataset | None:
    with catalog.read() as connection:
        bucket_id = queries.find_bucket(connection, url)
        record = None if bucket_id is None else queries.find_dataset(connection, bucket_id, dataset)
        return None if record is None else recall_dataset(connection, record)


def _elsewhere(settings: Settings, dataset: str, volume: str, level: str | None) -> str | None:
    """Return another bucket that has the volume."""
    for name in sorted(settings.buckets):
        for known in _datasets(settings, name, dataset) if name != settings.default_bucket else ():
            try:
                choose(known, volume, level)
            except UnknownNameError:
                continue
            return name
    return None


def _unknown_dataset(settings: Settings, name: str, dataset: str) -> UnknownNameError:
    url = settings.bucket(name).url
    names = {one for root in bucket_roots(settings, name) for one in dataset_names(root, url.prefix)}
    try:
        with catalog_for_reading(settings) as catalog, catalog.read() as connection:
            bucket_id = queries.find_bucket(connection, str(url))
            names |= set(() if bucket_id is None else queries.dataset_names(connection, bucket_id))
    except CatalogMissingError:
        pass
    there = "" if name == settings.default_bucket else f" --bucket {name}"
    hint = known_hint(dataset, names) if names else ""
    scan = f"`oomirror scan --metadata-only {dataset}{there}` looks for it in the bucket."
    return UnknownNameError(
        f"neither catalog nor share know such a dataset of bucket {name}", dataset, hint=f"{hint} {scan}".strip()
    )
