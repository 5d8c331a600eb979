"""A bucket is asked at once, and its answer is heard when it is wanted, whatever comes in between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mirror.app.contact import Contact
from mirror.config import Settings, load_settings
from mirror.engine.events import ignore
from mirror.errors import UnknownNameError, UnsafeError
from tests.faults import OddServer, run_odd_server


def settings_of(server: OddServer) -> Settings:
    """Return settings over one bucket that the server has."""
    bucket = {"url": "s3://odd-bucket", "endpoint_url": server.endpoint_url}
    return load_settings(None, {"default_bucket": "x", "buckets": {"x": bucket}})


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's configuration out."""
    (tmp_path / "o.toml").write_text("")
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "o.toml"))


def first_ask(server: OddServer, number: int = 1) -> threading.Event:
    """Return what is set when the server was asked so many times."""
    event = threading.Event()
    server.on_ask = lambda _: event.set() if len(server.asks) >= number else None
    return event


async def test_the_bucket_is_asked_before_anyone_waits() -> None:
    """One small request says that bucket and dataset are there, and it is made while others get ready."""
    with run_odd_server() as server:
        server.put("jrc_x/a", b"x")
        asked = first_ask(server)
        async with Contact(settings_of(server), None, ("jrc_x",), ignore) as contact:
            assert await asyncio.to_thread(asked.wait, 10)
            assert (await contact.checked()).url.bucket == "odd-bucket"
        assert len(server.asks) == 1


async def test_a_bad_answer_waits_until_it_is_asked_for() -> None:
    """Nothing is raised in between; then the error is the one that `check_names` has."""
    with run_odd_server() as server:
        server.put("jrc_x/a", b"x")
        asked = first_ask(server, 3)
        async with Contact(settings_of(server), "x", ("jrc_y",), ignore) as contact:
            assert await asyncio.to_thread(asked.wait, 10)
            await asyncio.sleep(0.05)
            with pytest.raises(UnknownNameError, match=r"no such dataset.*jrc_y"):
                await contact.checked()


async def test_an_answer_that_nobody_wants_is_no_error() -> None:
    """A run that ends for another reason ends with that reason, however slow or bad the answer is."""

    async def run_that_fails(server: OddServer) -> None:
        """Lose the share while the bucket is silent."""
        async with Contact(settings_of(server), "x", ("jrc_y",), ignore):
            raise UnsafeError("the share is gone")

    with run_odd_server() as server:
        server.delay_seconds = 5
        with pytest.raises(UnsafeError):
            await run_that_fails(server)


def test_the_first_request_waits_for_no_database() -> None:
    """What is imported before the bucket is asked leaves out the database, the transfer's transports and the models."""
    late = ["sqlalchemy", "alembic", "boto3", "obstore", "lxml", "numpy", "catalog.queries", "mirror.engine.transfer"]
    program = f"import sys; import mirror.app.start; print([name for name in {late!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
