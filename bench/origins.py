"""Servers on loopback that have the objects: SeaweedFS alone, or nginx with the bodies as files in front of it."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.blocks import BUCKET, BlockArray
from mirror.demo import leash, room
from mirror.demo.server import SeaweedServer
from mirror.errors import MirrorError, UsageError

_READY_SECONDS = 10.0
_NGINX = """\
daemon off;
# One process, so that it dies with the bench; it answers four times as fast as any client here asks.
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/octet-stream;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    open_file_cache max=200000 inactive=1h;
    map_hash_max_size 1048576;
    map_hash_bucket_size 256;
    map $uri $md5 {{ include {folder}/etags; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        # nginx would make an ETag of time and length; S3's is the MD5.
        etag off;
        root {folder}/objects;
        location / {{ add_header ETag $md5; }}
        # What is asked of the bucket itself is a LIST.
        location = /{bucket} {{ proxy_pass {listing}; }}
        location = /{bucket}/ {{ proxy_pass {listing}; }}
    }}
}}
"""


@contextmanager
def seaweed(blocks: BlockArray) -> Iterator[str]:
    """Yield the URL of a SeaweedFS that has the objects."""
    with SeaweedServer() as server:
        server.create_bucket(BUCKET)
        server.put_many((BUCKET, key, body) for key, body in blocks.objects())
        yield server.endpoint_url


@contextmanager
def nginx(blocks: BlockArray) -> Iterator[str]:
    """Yield the URL of an nginx that has the bodies as files on tmpfs, with their MD5 as ETag; SeaweedFS lists.

    Raises
    ------
    UsageError
        nginx is not installed.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        raise UsageError("cannot serve files", "nginx", found="no such program", hint="Debian: apt-get install nginx")
    with seaweed(blocks) as listing:
        port = room.free_port_block(random.SystemRandom())
        folder = room.make_folder(port)
        try:
            _write_files(folder, blocks)
            text = _NGINX.format(folder=folder, port=port, bucket=BUCKET, listing=listing)
            (folder / "nginx.conf").write_text(text)
            with _running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder / "error.log"):
                yield f"http://127.0.0.1:{port}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


ORIGINS = {"seaweedfs": seaweed, "nginx": nginx}


def _write_files(folder: Path, blocks: BlockArray) -> None:
    for key, body in blocks.objects():
        path = folder / "objects" / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    lines = (f'"/{BUCKET}/{key}" \'"{digest}"\';\n' for key, digest in blocks.digests.items())
    (folder / "etags").write_text("".join(lines))


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command]
    process = subprocess.Popen(leashed, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                words = log.read_text().strip() if log.is_file() else ""
                raise MirrorError("the server does not start", command[0], found=words)
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
