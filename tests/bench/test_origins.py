"""The server that the tools meet: nginx with files, before SeaweedFS."""

from __future__ import annotations

import shutil
import ssl
import time
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from bench.blocks import BUCKET, block_array
from bench.listed import list_modified
from bench.nginx import ListLog
from bench.origins import Depot, Origin, Server, Setting, serve
from mirror.errors import UsageError

BLOCKS = block_array(5, 300)

pytestmark = pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="nginx is not installed")


@pytest.fixture(scope="module")
def depot() -> Iterator[Depot]:
    """A SeaweedFS that all tests here share, since they ask for the same objects."""
    with Depot() as depot:
        yield depot


def _get(origin: Origin, path: str) -> tuple[bytes, dict[str, str]]:
    trust = ssl.create_default_context(cafile=origin.ca_file) if origin.ca_file else None
    with urllib.request.urlopen(f"{origin.endpoint_url}/{path}", context=trust) as answer:
        return answer.read(), dict(answer.headers)


def test_bodies_come_with_md5_and_the_time_that_list_says(depot: Depot) -> None:
    """ETag and Last-Modified are those of S3, not of a file."""
    with serve(Setting(), BLOCKS, depot) as origin:
        listed = dict(list_modified(origin.endpoint_url, BUCKET, BLOCKS.prefix))
        assert list(listed) == sorted(BLOCKS.digests)
        for key, body in BLOCKS.objects():
            found, headers = _get(origin, f"{BUCKET}/{key}")
            assert found == body
            assert headers["ETag"] == f'"{BLOCKS.digests[key]}"'
            assert parsedate_to_datetime(headers["Last-Modified"]).timestamp() == int(listed[key])


def _missed_of(lists: ListLog, n_lists: int) -> int:
    """Wait until so many LISTs are noted, which nginx does after it has answered."""
    deadline = time.monotonic() + 10
    while not lists.path.is_file() or len(lists.path.read_text().splitlines()) < n_lists:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return lists.n_missed()


def test_list_is_asked_of_seaweedfs_once(depot: Depot) -> None:
    """The second answer is the first one, kept; another question is another answer."""
    question = f"{BUCKET}?list-type=2&prefix={BLOCKS.prefix}"
    with serve(Setting(), BLOCKS, depot) as origin:
        assert origin.lists is not None
        first, _ = _get(origin, question)
        assert _missed_of(origin.lists, 1) == 1
        assert _get(origin, question)[0] == first
        assert _missed_of(origin.lists, 2) == 0
        _get(origin, f"{BUCKET}/?list-type=2&prefix=none")
        assert _missed_of(origin.lists, 3) == 1


def test_each_answer_is_delayed(depot: Depot) -> None:
    """LIST and body alike, LIST also when it was kept."""
    with serve(Setting(delay_ms=100), BLOCKS, depot) as origin:
        for path in (f"{BUCKET}/{min(BLOCKS.digests)}", f"{BUCKET}?list-type=2", f"{BUCKET}?list-type=2"):
            started = time.perf_counter()
            _get(origin, path)
            assert time.perf_counter() - started >= 0.1


def test_certificate_is_signed_by_the_authority_that_is_handed_out(depot: Depot) -> None:
    """A client that trusts the file, and nobody else, gets its bytes."""
    with serve(Setting(tls=True), BLOCKS, depot) as origin:
        assert origin.endpoint_url.startswith("https://")
        key, body = next(BLOCKS.objects())
        assert _get(origin, f"{BUCKET}/{key}")[0] == body


def test_seaweedfs_alone_refuses_delay(depot: Depot) -> None:
    """What it cannot do is said before anything starts."""
    with (
        pytest.raises(UsageError, match="Take --origin nginx"),
        serve(Setting(Server.SEAWEEDFS, delay_ms=1), BLOCKS, depot),
    ):
        pass
