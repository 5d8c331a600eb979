"""Fixtures of whole runs: the sample buckets, a proxy in front of them, a lab of each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.proxy import Proxy, run_proxy
from tests.servers import Bucket
from tests.system.workbench import Workbench, bodies, make_workbench


@pytest.fixture(scope="session")
def sources(sample_buckets: dict[str, Bucket]) -> dict[str, Mapping[str, bytes]]:
    """Every object of the sample buckets, by letter and full key, as the server gives it."""
    return {letter: bodies(bucket) for letter, bucket in sample_buckets.items()}


@pytest.fixture
def proxy(sample_buckets: dict[str, Bucket]) -> Iterator[Proxy]:
    """A proxy in front of the server of the sample buckets."""
    with run_proxy(sample_buckets["a"].endpoint_url) as running:
        yield running


@pytest.fixture(scope="session")
def blank_catalog(blank_catalog: Path) -> bytes:
    """The same as bytes."""
    return blank_catalog.read_bytes()


@pytest.fixture
def make_lab(tmp_path: Path, blank_catalog: bytes) -> Callable[[str], Workbench]:
    """Make a lab with an empty share that reaches the buckets at an endpoint; call it as often as labs are needed."""
    made = iter(range(100))
    return lambda endpoint_url: make_workbench(tmp_path / f"lab-{next(made)}", endpoint_url, blank_catalog)


@pytest.fixture
def lab(make_lab: Callable[[str], Workbench], proxy: Proxy) -> Workbench:
    """A lab that reaches the buckets through the proxy."""
    return make_lab(proxy.endpoint_url)
