"""One value that says how a bucket is reached; every transport is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mirror.keys import S3Url

USER_AGENT = "oomirror"


class Transport(StrEnum):
    """By which means a bucket is read, as the user says."""

    AUTO = "auto"
    """The fast path, and aioboto3 for what that cannot serve."""
    FAST = "fast"
    """The fast path, whatever becomes of it."""
    CAREFUL = "careful"
    """aioboto3 for all: slow, and served wherever boto is."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Endpoint, region, credentials and limits of one bucket. Proxies come from the environment, as everywhere."""

    url: S3Url
    region: str = "us-east-1"
    anonymous: bool = True
    profile: str | None = None
    """Name of an AWS profile; None is AWS's default credential chain."""
    requester_pays: bool = False
    addressing_style: str = "auto"
    """`virtual`, `path`, or `auto`: virtual on AWS where the bucket's name has no dot, else path."""
    endpoint_url: str | None = None
    """None is AWS."""
    ca_bundle: str | None = None
    """Path of a PEM file with the authorities to trust beside the system's."""
    transport: Transport = Transport.AUTO
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 30.0
    """Longest silence in the middle of an answer."""

    @property
    def endpoint(self) -> str:
        """Root URL of the service, without a slash at its end."""
        return (self.endpoint_url or f"https://s3.{self.region}.amazonaws.com").rstrip("/")

    @property
    def is_virtual_hosted(self) -> bool:
        """Whether the bucket's name stands in the host rather than in the path."""
        if self.addressing_style == "auto":
            return self.endpoint_url is None and "." not in self.url.bucket
        return self.addressing_style == "virtual"

    @property
    def bucket_endpoint(self) -> str:
        """URL that answers for the bucket, without a slash at its end.

        >>> Connection(S3Url.parse("s3://janelia-cosem-datasets")).bucket_endpoint
        'https://janelia-cosem-datasets.s3.us-east-1.amazonaws.com'
        >>> Connection(S3Url.parse("s3://b"), endpoint_url="http://127.0.0.1:8333/").bucket_endpoint
        Traceback (most recent call last):
        ...
        mirror.errors.UsageError: not the address of a bucket: s3://b; expected s3://BUCKET or s3://BUCKET/PREFIX
        >>> Connection(S3Url.parse("s3://bucket"), endpoint_url="http://127.0.0.1:8333/").bucket_endpoint
        'http://127.0.0.1:8333/bucket'
        """
        if not self.is_virtual_hosted:
            return f"{self.endpoint}/{self.url.bucket}"
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{self.url.bucket}.{host}"
