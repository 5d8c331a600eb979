"""Which datasets of the catalog are meant: names of buckets and datasets, checked against what it knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import queries
from mirror.config import Settings
from mirror.errors import UnknownNameError, known_hint, near_names

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset in a bucket, as the catalog knows it."""

    bucket: str
    """As the configuration names it; its URL where it does not."""
    bucket_id: int
    url: str
    dataset: str
    prefix: str
    """Full key prefix, ending with a slash."""


def bucket_names(connection: Connection, settings: Settings, bucket: str | None = None) -> dict[int, str]:
    """Return the names of the buckets that the catalog knows, by id and sorted by name; only `bucket` where given.

    Raises
    ------
    UnknownNameError
        The configuration names no such bucket.
    """
    of_urls = {str(one.url): name for name, one in sorted(settings.buckets.items())}
    wanted = None if bucket is None else str(settings.bucket(bucket).url)
    names = {
        bucket_id: of_urls.get(url, url)
        for bucket_id, url in queries.buckets(connection).items()
        if wanted in {None, url}
    }
    return dict(sorted(names.items(), key=lambda item: item[1]))


def find_places(
    connection: Connection, settings: Settings, *, bucket: str | None = None, dataset: str | None = None
) -> tuple[Place, ...]:
    """Return the datasets that the catalog knows, by bucket and name: of one bucket, or of one name, where given.

    Raises
    ------
    UnknownNameError
        The configuration names no such bucket, or the catalog knows no such dataset there.
    """
    places = []
    for bucket_id, name in bucket_names(connection, settings, bucket).items():
        url, root = queries.buckets(connection)[bucket_id], queries.bucket_prefix(connection, bucket_id)
        places += [
            Place(name, bucket_id, url, one, f"{root}{one}/") for one in queries.dataset_names(connection, bucket_id)
        ]
    if dataset is None:
        return tuple(places)
    found = tuple(place for place in places if place.dataset == dataset)
    if not found:
        raise never_seen(dataset, {place.dataset for place in places}, bucket)
    return found


def never_seen(dataset: str, known: Iterable[str], bucket: str | None = None) -> UnknownNameError:
    """Return the error of a dataset that the catalog does not know."""
    names = sorted(known)
    near = near_names(dataset, names, 1)
    there = "" if bucket is None else f" --bucket {bucket}"
    others = f" Did you mean {near[0]}?" if near else f" It knows {', '.join(names)}." if names else ""
    hint = f"`oomirror scan {dataset}{there}` lists it, if a bucket has it.{others}"
    return UnknownNameError("the catalog knows no such dataset", dataset, hint=hint)


def check_word(what: str, word: str | None, known: Iterable[str]) -> None:
    """Do nothing where `word` is None or one of `known`.

    Raises
    ------
    UnknownNameError
        It is not; the nearest of them is named.
    """
    names = set(known)
    if word is not None and word not in names:
        raise UnknownNameError(f"unknown {what}", word, hint=known_hint(word, names) if names else "There is none.")
