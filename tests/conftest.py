"""Fixtures for all tests: real S3 servers, started once a session, and buckets of a test's own."""

from __future__ import annotations

import functools
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from catalog.config import sqlite_url
from catalog.session import open_catalog
from mirror.demo.buckets import BUCKET_NAMES, sample_objects, upload_samples
from mirror.demo.server import SeaweedServer
from mirror.demo.specimen import Scale
from tests.mongo import shared_mongo
from tests.postgres import PostgresServer, run_postgres
from tests.servers import Bucket, MotoServer, bucket_of, run_moto

_numbers = itertools.count(1)

# Less than half of Hypothesis's own number where a test names none: the suite is to stay under ten minutes. No
# deadline: how long an example takes says more of what else a machine does.
settings.register_profile("suite", settings(), max_examples=40, deadline=None)
settings.load_profile("suite")

# A hang-up that is ignored stays ignored, by design; tests of SIGHUP must not depend on what started them (`nohup`).
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
# The same for what a shell starts in the background, which it lets ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _parse_what_s3_is_once() -> Iterator[None]:
    """Keep what botocore reads of its own files: each client parses a megabyte anew, and a run opens several."""
    from botocore.loaders import JSONFileLoader

    load = JSONFileLoader.load_file
    parsed = functools.cache(functools.partial(load, JSONFileLoader()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, file_path: parsed(file_path))
        yield


@pytest.fixture(scope="session")
def blank_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog at head without rows, to be copied: running the migrations takes half a second."""
    file = tmp_path_factory.mktemp("blank") / "catalog.db"
    open_catalog(sqlite_url(file)).close()
    return file


@pytest.fixture(scope="session")
def s3() -> Iterator[SeaweedServer]:
    """One SeaweedFS for the whole session."""
    with SeaweedServer() as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[MotoServer]:
    """One moto server for the whole session, for keys that SeaweedFS does not take."""
    with run_moto() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole session: each test makes a database of its own."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """Give the address of one server of MongoDB's protocol for the whole session: each test makes its own databases."""
    with shared_mongo() as uri:
        yield uri


@pytest.fixture(scope="session")
def sample_buckets(s3: SeaweedServer) -> dict[str, Bucket]:
    """The two sample buckets in small, by letter, under their real names; read only, they are shared."""
    upload_samples(s3, sample_objects(scale=Scale.TINY))
    return {letter: Bucket(name, s3.endpoint_url, s3.client) for letter, name in BUCKET_NAMES.items()}


@pytest.fixture
def make_bucket(s3: SeaweedServer) -> Callable[[], Bucket]:
    """Make an empty bucket of SeaweedFS; call it as often as buckets are needed."""
    return lambda: bucket_of(s3, f"test-{next(_numbers)}")


@pytest.fixture
def bucket(make_bucket: Callable[[], Bucket]) -> Bucket:
    """An empty bucket of SeaweedFS."""
    return make_bucket()


@pytest.fixture
def odd_bucket(moto_server: MotoServer) -> Bucket:
    """An empty bucket of moto, which takes any key."""
    return bucket_of(moto_server, f"test-{next(_numbers)}")


@pytest.fixture
def samples() -> Path:
    """The folder of documents that are not ours to ship; skips the test without it."""
    folder = os.environ.get("OOMIRROR_TEST_SAMPLES")
    if not folder:
        pytest.skip("OOMIRROR_TEST_SAMPLES is not set")
    return Path(folder)
