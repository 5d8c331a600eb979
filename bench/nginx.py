"""nginx: the bodies as files on tmpfs with their MD5 as ETag, and the LIST answers of another server, kept."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.blocks import BUCKET, BlockArray
from bench.listed import list_modified
from mirror.demo import leash, room
from mirror.errors import MirrorError, UsageError

HOST = "127.0.0.1"
_READY_SECONDS = 30.0
_LUA = ("ndk_http_module.so", "ngx_http_lua_module.so")
_CONFIGURATION = """\
{modules}
daemon off;
# One process, so that it dies with the bench; it answers ten times as fast as any client here asks.
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
    log_format lists $upstream_cache_status;
    access_log off;
    default_type application/octet-stream;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/lists levels=1:2 keys_zone=lists:16m max_size=2g inactive=1d use_temp_path=off;
    # No open_file_cache: one that holds fewer files than there are objects halves the rate, and one that holds
    # them all needs as many descriptors.
    map_hash_max_size 1048576;
    map_hash_bucket_size 256;
    map $uri $md5 {{ include {folder}/etags; }}
    server {{
        listen {host}:{port} backlog=4096{ssl};
        {certificate}
        {delay}
        # nginx would make an ETag of time and length; S3's is the MD5.
        etag off;
        root {folder}/objects;
        location / {{ add_header ETag $md5; }}
        # What is asked of the bucket itself is a LIST. Two exact places: a pattern would be tried for every body.
        location = /{bucket} {{ {lists} }}
        location = /{bucket}/ {{ {lists} }}
    }}
}}
"""
_KEEP = (
    "proxy_cache lists; proxy_cache_key $request_uri; proxy_cache_valid 200 404 1d; proxy_cache_lock on; "
    "proxy_ignore_headers Cache-Control Expires Set-Cookie Vary X-Accel-Expires;"
)


@dataclass(slots=True)
class ListLog:
    """What nginx notes of each LIST: whether it had the answer already."""

    path: Path
    _n_read: int = field(default=0, init=False)

    def n_missed(self) -> int:
        """Return how many LIST answers came from the server behind since the last call."""
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        new = lines[self._n_read :]
        self._n_read = len(lines)
        return sum(line != "HIT" for line in new)


@dataclass(frozen=True, slots=True)
class Front:
    """An nginx that runs."""

    endpoint_url: str
    ca_file: Path | None
    """Whom to trust; None without TLS."""
    lists: ListLog


@contextmanager
def run_nginx(blocks: BlockArray, listing_url: str, *, delay_ms: int, tls: bool, keeps_lists: bool) -> Iterator[Front]:
    """Yield an nginx that has the objects; it ends with this block, and its files go.

    Parameters
    ----------
    listing_url
        The server that is asked for what is not a body.
    delay_ms
        Waited before each answer, LIST or body.
    keeps_lists
        Whether an answer to a LIST is asked for once, or each time.

    Raises
    ------
    UsageError
        nginx, or its Lua where a delay is wanted, is not installed.
    """
    program = find_nginx()
    modules = _lua_modules(program) if delay_ms else ""
    port = room.free_port_block(random.SystemRandom())
    folder = room.make_folder(port)
    try:
        _write_files(folder, blocks)
        _date_files(folder, blocks, listing_url)
        ca_file = _write_certificate(folder) if tls else None
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                modules=modules,
                folder=folder,
                host=HOST,
                port=port,
                bucket=BUCKET,
                lists=f"proxy_pass {listing_url}; access_log {folder}/lists.log lists; {_KEEP if keeps_lists else ''}",
                ssl=" ssl" if tls else "",
                certificate=f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;" * tls,
                delay=f"rewrite_by_lua_block {{ ngx.sleep({delay_ms / 1000}) }}" if delay_ms else "",
            )
        )
        with _running([program, "-p", str(folder), "-c", str(configuration)], port, folder / "error.log"):
            yield Front(f"http{'s' * tls}://{HOST}:{port}", ca_file, ListLog(folder / "lists.log"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_nginx() -> str:
    """Return the program.

    Raises
    ------
    UsageError
        It is not installed.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        hint = "Debian: apt-get install nginx-extras"
        raise UsageError("cannot serve files", "nginx", found="no such program", hint=hint)
    return program


def _lua_modules(program: str) -> str:
    said = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stderr
    match = re.search(r"--modules-path=(\S+)", said)
    paths = [Path(match[1] if match else "/usr/lib/nginx/modules") / name for name in _LUA]
    if not all(path.is_file() for path in paths):
        hint = "Debian: apt-get install nginx-extras"
        raise UsageError("cannot delay answers", str(paths[-1]), found="no such module of nginx", hint=hint)
    return "\n".join(f"load_module {path};" for path in paths)


def _write_files(folder: Path, blocks: BlockArray) -> None:
    for key, body in blocks.objects():
        path = folder / "objects" / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    lines = (f'"/{BUCKET}/{key}" \'"{digest}"\';\n' for key, digest in blocks.digests.items())
    (folder / "etags").write_text("".join(lines))


def _date_files(folder: Path, blocks: BlockArray, listing_url: str) -> None:
    """Give each file the time that LIST says: a tool that keeps either would find a difference the next time."""
    for key, modified in list_modified(listing_url, BUCKET, blocks.prefix):
        os.utime(folder / "objects" / BUCKET / key, (modified, modified))


def _write_certificate(folder: Path) -> Path:
    """Write a certificate for this server and return the file of the authority that signed it."""
    import trustme

    authority = trustme.CA()
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return ca_file


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
        return probe.connect_ex((HOST, port)) == 0
