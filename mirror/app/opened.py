"""A bucket as the configuration says, and what it tells of itself as notes for the user."""

from __future__ import annotations

from typing import assert_never

from mirror.config import BucketSettings
from mirror.engine.events import EventSink, Note, ignore
from mirror.store.bucket import Bucket, Moved, News, Routed


def open_bucket(settings: BucketSettings, sink: EventSink = ignore) -> Bucket:
    """Return the bucket, to be used as `async with`. Raises UsageError if the configuration cannot be used."""
    return Bucket(settings.connection(), tell=lambda news: sink(note_of(news)))


def note_of(news: News) -> Note:
    """Return a bucket's news as a sentence.

    >>> note_of(Moved("s3://lab", "us-east-1", "eu-west-1")).text
    's3://lab lies in eu-west-1, not in us-east-1, and is read there. Set region = "eu-west-1" to save the way round.'
    """
    match news:
        case Moved(url, configured, found):
            return Note(
                f"{url} lies in {found}, not in {configured}, and is read there. "
                f'Set region = "{found}" to save the way round.'
            )
        case Routed(url, route):
            return Note(f"{url} is {route}.", is_detail=True)
        case _:
            assert_never(news)
