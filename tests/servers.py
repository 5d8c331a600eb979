"""Real S3 servers for tests, as values that know how to fill a bucket and how it is reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mirror.demo.server import SeaweedServer
from mirror.keys import S3Url
from mirror.store.connection import Connection


@dataclass(frozen=True)
class Bucket:
    """One bucket of a server that runs: everyone may read it, `client` may write."""

    name: str
    endpoint_url: str
    client: Any

    def put(self, key: str, body: bytes = b"") -> None:
        """Write one object in one part."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def put_parts(self, key: str, body: bytes, *, part_bytes: int) -> None:
        """Write one object in parts, so that its ETag is not its MD5; S3 takes parts of 5 MiB and more."""
        upload = self.client.create_multipart_upload(Bucket=self.name, Key=key)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(body), part_bytes), 1):
            answer = self.client.upload_part(
                Bucket=self.name, Key=key, UploadId=upload, PartNumber=number, Body=body[start : start + part_bytes]
            )
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.client.complete_multipart_upload(
            Bucket=self.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )

    def delete(self, key: str) -> None:
        """Remove one object."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def connection(self, prefix: str = "", **knobs: Any) -> Connection:
        """Return how the mirror reaches it; `knobs` are fields of `Connection`."""
        return Connection(S3Url.parse(f"s3://{self.name}/{prefix}"), endpoint_url=self.endpoint_url, **knobs)


@dataclass(frozen=True)
class MotoServer:
    """moto's server: takes odd keys that SeaweedFS turns into folders."""

    endpoint_url: str
    client: Any


@contextmanager
def run_moto() -> Iterator[MotoServer]:
    """Run moto's server in a thread, on a free port."""
    import boto3
    from botocore.config import Config
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )
        yield MotoServer(url, client)
    finally:
        server.stop()


def bucket_of(server: SeaweedServer | MotoServer, name: str) -> Bucket:
    """Make a bucket on a server that runs."""
    server.client.create_bucket(Bucket=name)
    return Bucket(name, server.endpoint_url, server.client)
