"""The two sample buckets, object by object: the layouts of the real ones, in small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Protocol

from mirror.demo import bucket_a, bucket_b
from mirror.demo.specimen import DATASETS, Scale, grow
from mirror.objects import Tally

BUCKET_NAMES: dict[Literal["a", "b"], str] = {"a": bucket_a.BUCKET, "b": bucket_b.BUCKET}
"""What the two buckets are called on S3."""
B_PREFIX = bucket_b.PREFIX
"""Under which bucket B's datasets lie; those of A lie at its root."""


class SampleObject(NamedTuple):
    """One object of a sample bucket."""

    bucket: Literal["a", "b"]
    key: str
    """Full, with the bucket's prefix."""
    body: bytes


class Uploader(Protocol):
    """What the buckets are written to."""

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket, unless it is there."""

    def put_many(self, objects: Iterable[tuple[str, str, bytes]]) -> Tally:
        """Write (bucket, key, body) in parallel."""


def sample_objects(datasets: Iterable[str] = DATASETS, *, scale: Scale = Scale.DEMO) -> Iterator[SampleObject]:
    """Yield every object of both buckets, as it is made; the same bytes on each run.

    Raises
    ------
    UnknownNameError
        There is no sample of such a name.
    """
    yield from (SampleObject("b", key, body) for key, body in bucket_b.bucket_objects())
    for dataset in datasets:
        specimen = grow(dataset, scale)
        yield from (SampleObject("a", key, body) for key, body in bucket_a.objects(specimen))
        yield from (SampleObject("b", key, body) for key, body in bucket_b.objects(specimen))


def upload_samples(server: Uploader, objects: Iterable[SampleObject]) -> Tally:
    """Write the samples to a server under the buckets' real names; return what was written."""
    for name in BUCKET_NAMES.values():
        server.create_bucket(name)
    return server.put_many((BUCKET_NAMES[sample.bucket], sample.key, sample.body) for sample in objects)
