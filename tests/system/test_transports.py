"""Whole runs by each transport: they mirror and record the same, and may change places in the life of a mirror."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mirror.app.sync import SyncRequest, exit_code_of, sync
from mirror.checksum import MIB
from mirror.config import Settings
from mirror.demo.server import ACCESS_KEY, SECRET_KEY
from mirror.engine.events import Event, Note
from mirror.errors import ExitCode
from mirror.objects import Verification
from mirror.report.model import SyncReport
from mirror.store.connection import Transport
from tests.contracts.gate import Gate, Reply, run_gate
from tests.faults import BUCKET, run_odd_server
from tests.servers import Bucket
from tests.system.choices import ALL_A, COARSE_A, SMALL_B
from tests.system.invariants import (
    catalog_equals_share,
    files_below,
    nothing_left_over,
    share_equals_bucket,
)
from tests.system.oddlab import ODD, make_oddlab, small_dataset
from tests.system.workbench import Workbench

Sources = dict[str, Mapping[str, bytes]]
MakeLab = Callable[[str], Workbench]

WAYS = ("ring", "obstore", "aioboto3", "signed")
"""The fast path, the fast path behind a proxy, the careful one, and the fast path with keys from a profile."""


class Events(list[Event]):
    """A sink that keeps what it is told."""

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.append(event)

    def notes(self) -> list[Note]:
        """Return the sentences for the user."""
        return [event for event in self if isinstance(event, Note)]


class Travels:
    """Runs a lab's syncs by one way or another."""

    def __init__(self, lab: Workbench, proxy: Gate, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.lab = lab
        self._proxy = proxy
        self._monkeypatch = monkeypatch
        self._keys = folder / "credentials"
        self._keys.write_text(f"[lab]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n")

    def sync(self, way: str, request: SyncRequest) -> tuple[SyncReport, list[Note]]:
        """Run one sync by a way; return its report, and what was said."""
        events = Events()
        with self._monkeypatch.context() as patch:
            patch.delenv("http_proxy", raising=False)
            if way == "obstore":
                patch.setenv("http_proxy", self._proxy.url)
            patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(self._keys))
            report = asyncio.run(sync(self._settings(way), request, sink=events))
        assert exit_code_of(report) is ExitCode.DONE
        return report, events.notes()

    def _settings(self, way: str) -> Settings:
        settings = self.lab.settings()
        if way == "signed":
            changes = {"anonymous": False, "profile": "lab"}
            buckets = {name: one.model_copy(update=changes) for name, one in settings.buckets.items()}
            return settings.model_copy(update={"buckets": buckets})
        return settings.with_transport(Transport.CAREFUL if way == "aioboto3" else None)


@pytest.fixture
def travel(
    make_lab: MakeLab, sample_buckets: dict[str, Bucket], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Travels]:
    """A lab at the server itself, and a proxy to it."""
    monkeypatch.setenv("no_proxy", "")
    with run_gate() as proxy:
        yield Travels(make_lab(sample_buckets["a"].endpoint_url), proxy, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "third"), [("ring", "aioboto3", "obstore"), ("aioboto3", "signed", "ring")]
)
def test_transports_change_places_in_mid_life(
    travel: Travels, sources: Sources, first: str, second: str, third: str
) -> None:
    """A part mirrored by one way, the rest by another: a third finds nothing to do, and all is as by one way alone."""
    part, whole = COARSE_A, ALL_A
    one, _ = travel.sync(first, part.request())
    two, _ = travel.sync(second, whole.request())
    assert one.transferred.objects > 0
    assert two.transferred.objects > 0
    three, _ = travel.sync(third, whole.request(verify_share=True))
    assert (three.planned.objects, three.adopted.objects, three.transferred.objects) == (0, 0, 0)
    assert three.up_to_date.objects > 0
    share_equals_bucket(travel.lab.share, whole.bucket_name, sources["a"], whole.keys(sources["a"]))
    catalog_equals_share(travel.lab)
    nothing_left_over(travel.lab)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_mirrors_and_records_the_same(
    travel: Travels, sources: Sources, sample_buckets: dict[str, Bucket], way: str
) -> None:
    """Bytes, times and rows are the bucket's, whoever fetched them; how they came is said to who wants to know."""
    report, notes = travel.sync(way, SMALL_B.request())
    keys = SMALL_B.keys(sources["b"])
    share_equals_bucket(travel.lab.share, SMALL_B.bucket_name, sources["b"], keys)
    catalog_equals_share(travel.lab)
    nothing_left_over(travel.lab)
    assert report.verified.md5 == report.transferred
    times = {key: path.stat().st_mtime for key, path in files_below(travel.lab.share / SMALL_B.bucket_name).items()}
    assert times == {key: time for key, time in _times(sample_buckets["b"]).items() if key in times}
    client = {"ring": "our ring", "signed": "obstore"}.get(way, way)
    (note,) = [note for note in notes if note.is_detail]
    assert f"objects by {client}" in note.text


def _times(bucket: Bucket) -> dict[str, float]:
    """Return when each object was written, as the bucket says."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return {entry["Key"]: entry["LastModified"].timestamp() for page in pages for entry in page["Contents"]}


@pytest.mark.parametrize("transport", list(Transport))
def test_a_large_object_by_ranges(tmp_path: Path, blank_catalog: bytes, transport: Transport) -> None:
    """It is fetched in ranges by each transport, put together rightly, and proven by its MD5."""
    body = hashlib.shake_128(b"large").digest(17 * MIB + 12_345)
    with run_odd_server() as server:
        for key, small in small_dataset().items():
            server.put(key, small)
        server.put(f"{ODD}/large", body)
        lab = make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)
        done = lab.mirror(settings=lab.settings().with_transport(transport))
        ranges = [ask.range for ask in server.asks if ask.key == f"{ODD}/large" and ask.range]
    assert done.exit_code is ExitCode.DONE
    assert lab.files()[f"{ODD}/large"] == body
    assert lab.proofs()[f"{ODD}/large"] is Verification.MD5
    assert len(ranges) == len(set(ranges)) == 5


def test_a_bucket_in_another_region_is_mirrored(
    make_lab: MakeLab,
    sample_buckets: dict[str, Bucket],
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A server that takes signatures for one region only: the run finds it, goes on there, and says it once."""
    keys = tmp_path / "credentials"
    keys.write_text(f"[default]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    elsewhere = Reply(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-1</Region>")
    with run_gate(sample_buckets["b"].endpoint_url) as server:
        server.rule = lambda passage: None if passage.signed_region == "eu-west-1" else elsewhere
        lab = make_lab(server.url)
        settings = lab.settings(buckets={"b": {"endpoint_url": server.url, "anonymous": False}})
        events = Events()
        report = asyncio.run(sync(settings, SMALL_B.request(), sink=events))
        refused = [passage for passage in server.passages if passage.signed_region != "eu-west-1"]
    assert exit_code_of(report) is ExitCode.DONE
    share_equals_bucket(lab.share, SMALL_B.bucket_name, sources["b"], SMALL_B.keys(sources["b"]))
    assert len(refused) == 1
    (note,) = [note.text for note in events.notes() if not note.is_detail]
    assert 'Set region = "eu-west-1"' in note
