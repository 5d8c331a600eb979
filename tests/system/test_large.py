"""Objects by parts, by ranges, empty, encrypted, replaced or wrong: how each is proven, and that it is recorded."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.checksum import MIB
from mirror.engine.events import Retried
from mirror.errors import ExitCode
from mirror.objects import Verification
from tests.faults import BUCKET, Ask, Fault, Garble, OddServer, Stored, run_odd_server
from tests.servers import Bucket
from tests.system.invariants import nothing_left_over
from tests.system.oddlab import LEVEL, ODD, QUICK, OddLab, make_oddlab, small_dataset
from tests.system.workbench import CHECKOUT

KEY = f"{ODD}/object"
RANGED = 17 * MIB + 12_345
"""Bytes of an object that is fetched by ranges, the last one short."""


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with the small dataset in its bucket."""
    with run_odd_server() as running:
        for key, body in small_dataset().items():
            running.put(key, body)
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab that mirrors from it."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


def _body(n_bytes: int) -> bytes:
    """Return bytes without a pattern that a wrong offset would leave unseen."""
    return hashlib.shake_128(b"seed").digest(n_bytes)


def _base64(number: int) -> str:
    return base64.b64encode(number.to_bytes(4, "big")).decode()


def _crc32_of_parts(body: bytes, part_bytes: tuple[int, ...]) -> str:
    starts = [sum(part_bytes[:n]) for n in range(len(part_bytes))]
    sums = [zlib.crc32(body[a : a + n]).to_bytes(4, "big") for a, n in zip(starts, part_bytes, strict=True)]
    return f"{_base64(zlib.crc32(b''.join(sums)))}-{len(sums)}"


SMALL = _body(40_000)
BIG = _body(RANGED)
KMS = {"x-amz-server-side-encryption": "aws:kms"}
SSE_C = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
SHA256 = base64.b64encode(hashlib.sha256(SMALL).digest()).decode()
OWN = "0123456789abcdef0123456789abcdef"
"""An ETag with the form of an MD5 that is none."""

MD5, PARTS, SUM, SIZE = (
    Verification.MD5,
    Verification.MULTIPART_ETAG,
    Verification.CHECKSUM,
    Verification.SIZE_ONLY,
)
PROOFS = {
    "empty": (Stored(b""), MD5),
    "empty-in-one-part": (Stored.of_parts(b"", [0]), PARTS),
    "plain": (Stored(SMALL), MD5),
    "parts-of-15000": (Stored.of_parts(SMALL, [15_000, 15_000, 10_000]), PARTS),
    "one-part": (Stored.of_parts(SMALL, [40_000]), PARTS),
    "parts-of-15000-untold": (Stored(SMALL, Stored.of_parts(SMALL, [15_000, 15_000, 10_000]).tag), SIZE),
    "unequal-parts": (Stored.of_parts(SMALL, [5_000, 20_000, 15_000]), SIZE),
    "unequal-parts-crc32": (
        Stored.of_parts(SMALL, [5_000, 20_000, 15_000], checksums={"crc32": _base64(zlib.crc32(SMALL))}),
        SUM,
    ),
    "kms": (Stored(SMALL, OWN, headers=KMS), SIZE),
    "kms-crc32": (Stored(SMALL, OWN, headers=KMS, checksums={"crc32": _base64(zlib.crc32(SMALL))}), SUM),
    "kms-sha256": (Stored(SMALL, OWN, headers=KMS, checksums={"sha256": SHA256}), SUM),
    "kms-parts-crc32": (
        Stored(
            SMALL,
            f"{OWN}-3",
            headers=KMS,
            checksums={"crc32": _crc32_of_parts(SMALL, (15_000, 15_000, 10_000))},
            part_bytes=(15_000, 15_000, 10_000),
        ),
        SUM,
    ),
    "customer-key": (Stored(SMALL, OWN, headers=SSE_C), SIZE),
    "its-own-etag": (Stored(SMALL, "made-by-another-server"), SIZE),
    "ranges-8-MiB": (Stored.of_parts(BIG, [8 * MIB, 8 * MIB, RANGED - 16 * MIB]), PARTS),
    "ranges-odd-parts": (Stored.of_parts(BIG, [5 * MIB + 7] * 3 + [RANGED - 15 * MIB - 21]), PARTS),
    "ranges-kms-crc32": (Stored(BIG, OWN, headers=KMS, checksums={"crc32": _base64(zlib.crc32(BIG))}), SUM),
}


def test_what_proves_an_object(server: OddServer, lab: OddLab) -> None:
    """Each object is proven by the strongest that its bucket offers, and report and catalog say by what."""
    server.objects |= {f"{ODD}/{name}": stored for name, (stored, _) in PROOFS.items()}
    outcome = lab.mirror()
    assert outcome.failed == {}
    assert outcome.exit_code is ExitCode.DONE
    proofs = lab.proofs()
    assert {name: proofs[f"{ODD}/{name}"] for name in PROOFS} == {name: proof for name, (_, proof) in PROOFS.items()}
    assert lab.files() == {key: stored.body for key, stored in server.objects.items()}
    verified = outcome.report.verified
    assert {word: getattr(verified, word).objects for word in ("md5", "multipart_etag", "checksum", "size_only")} == {
        proof.word: sum(one is proof for one in proofs.values()) for proof in Verification
    }
    assert verified.md5.bytes == sum(
        len(server.objects[key].body) for key, proof in proofs.items() if proof is Verification.MD5
    )
    nothing_left_over(lab)


DAMAGED = {
    "plain": Stored(SMALL, hashlib.md5(b"other").hexdigest()),
    "sse-s3": Stored(SMALL, OWN, headers={"x-amz-server-side-encryption": "AES256"}),
    "parts": Stored(SMALL, f"{OWN}-3", part_bytes=(15_000, 15_000, 10_000)),
    "kms-crc32": Stored(SMALL, OWN, headers=KMS, checksums={"crc32": _base64(0)}),
}


@pytest.mark.parametrize("stored", DAMAGED.values(), ids=DAMAGED.keys())
def test_bytes_that_are_proven_wrong(server: OddServer, lab: OddLab, stored: Stored) -> None:
    """They are never published: tried again, in the end failed by key, exit 4, and all others are mirrored."""
    server.objects[KEY] = stored
    outcome = lab.mirror(policy=QUICK)
    assert set(outcome.failed) == {KEY}
    assert outcome.exit_code is ExitCode.INCOMPLETE
    assert lab.files() == small_dataset()
    assert KEY not in lab.proofs()
    assert len(server.asked("GET", KEY)) == 6
    nothing_left_over(lab)


def test_wrong_bytes_once(server: OddServer, lab: OddLab) -> None:
    """Bytes that a line or a proxy changed are fetched again, in one piece or by ranges."""
    server.put(KEY, SMALL)
    server.put(f"{KEY}-ranges", BIG)
    server.fault = _once(Garble())
    outcome = lab.mirror(policy=QUICK)
    assert outcome.exit_code is ExitCode.DONE
    assert lab.files() == {key: stored.body for key, stored in server.objects.items()}
    assert any(isinstance(event, Retried) for event in outcome.events)


def test_damaged_block_keeps_its_level_shut(server: OddServer, lab: OddLab) -> None:
    """A level that lacks a block gets no attributes.json; when the block is well again, the next run opens it."""
    block, metadata = f"{LEVEL}0/1/0", f"{LEVEL}attributes.json"
    good = server.objects[block]
    server.objects[block] = Stored(good.body, OWN)
    outcome = lab.mirror(policy=QUICK)
    assert set(outcome.failed) == {block}
    assert set(outcome.skipped) == {metadata}
    assert set(lab.files()) == set(small_dataset()) - {block, metadata}
    server.objects[block] = good
    assert lab.mirror().exit_code is ExitCode.DONE
    assert lab.files() == small_dataset()


@pytest.mark.parametrize(("before", "after"), [(SMALL, SMALL[:100]), (SMALL, b""), (BIG, BIG[::-1]), (BIG, SMALL)])
def test_object_replaced_after_it_was_listed(server: OddServer, lab: OddLab, before: bytes, after: bytes) -> None:
    """It is fetched as it is now, recorded so, and the next run has nothing to do."""
    server.put(KEY, before)

    def replace(ask: Ask) -> None:
        if ask.key == KEY:
            server.put(KEY, after)

    server.on_ask = replace
    outcome = lab.mirror()
    assert outcome.exit_code is ExitCode.DONE
    assert (lab.mirrored / KEY).read_bytes() == after
    again = lab.mirror()
    assert (again.report.transferred.objects, again.report.up_to_date.objects) == (0, len(server.objects))


def test_object_replaced_between_its_ranges(server: OddServer, lab: OddLab) -> None:
    """No file is made of two objects: all ranges are fetched anew, from the object as it is now."""
    server.put(KEY, BIG)

    def replace(ask: Ask) -> None:
        if ask.key == KEY and ask.range and ask.number == 3:
            server.put(KEY, BIG[::-1])

    server.on_ask = replace
    outcome = lab.mirror()
    assert outcome.exit_code is ExitCode.DONE
    assert (lab.mirrored / KEY).read_bytes() == BIG[::-1]
    assert lab.proofs()[KEY] is MD5
    assert len(server.asked("HEAD", KEY)) == 2


def test_object_gone_after_it_was_listed(server: OddServer, lab: OddLab) -> None:
    """It fails by name, once, and nothing else does."""
    server.put(KEY, SMALL)

    def remove(ask: Ask) -> None:
        if ask.key == KEY:
            server.objects.pop(KEY, None)

    server.on_ask = remove
    outcome = lab.mirror()
    assert set(outcome.failed) == {KEY}
    assert len(server.asked("GET", KEY)) == 1
    assert lab.files() == small_dataset()


ADOPTED = {
    "parts-of-15000": (Stored.of_parts(SMALL, [15_000, 15_000, 10_000]), PARTS),
    "kms-crc32": (Stored(SMALL, OWN, headers=KMS, checksums={"crc32": _base64(zlib.crc32(SMALL))}), SUM),
    "kms": (Stored(SMALL, OWN, headers=KMS), SIZE),
    "ranges-odd-parts": (Stored.of_parts(BIG, [5 * MIB + 7] * 3 + [RANGED - 15 * MIB - 21]), PARTS),
}


@pytest.mark.parametrize(("stored", "proof"), ADOPTED.values(), ids=ADOPTED.keys())
def test_file_that_its_etag_cannot_prove_is_adopted_by_head(
    server: OddServer, lab: OddLab, stored: Stored, proof: Verification
) -> None:
    """A right file is kept without a GET; a wrong one of the same length is replaced where anything can tell."""
    server.objects = dict.fromkeys((KEY, f"{KEY}-damaged"), stored)
    (lab.mirrored / ODD).mkdir(parents=True)
    (lab.mirrored / KEY).write_bytes(stored.body)
    (lab.mirrored / f"{KEY}-damaged").write_bytes(b"?" + stored.body[1:])
    outcome = lab.mirror()
    assert outcome.exit_code is ExitCode.DONE
    assert server.asked("GET", KEY) == []
    assert lab.proofs() == dict.fromkeys(server.objects, proof)
    n_adopted = 2 if proof is SIZE else 1
    assert (outcome.report.adopted.objects, outcome.report.replaced.objects) == (n_adopted, 2 - n_adopted)


def test_large_object_in_bounded_memory(bucket: Bucket, tmp_path: Path, blank_catalog: bytes) -> None:
    """An object of 300 MB takes less than 150 MB at the peak, the program itself included, and is proven whole."""
    body = _body_of_large(300 * 10**6)
    bucket.put_parts(KEY, body, part_bytes=64 * MIB)
    lab = make_oddlab(tmp_path / "lab", bucket.endpoint_url, bucket.name, blank_catalog)
    answer = subprocess.run(
        [sys.executable, "-c", _MEASURED, ODD],
        env=lab.variables,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = json.loads(answer.stdout)
    assert found["transferred"] == 1
    assert found["peak_bytes"] < 150 * 10**6
    assert lab.proofs() == {KEY: PARTS}
    with (lab.mirrored / KEY).open("rb") as file:
        assert all(file.read(MIB) == body[start : start + MIB] for start in range(0, len(body) + 1, MIB))


_MEASURED = """
import asyncio, json, sys
from mirror.app.sync import SyncRequest, sync
from mirror.config import load_settings
report = asyncio.run(sync(load_settings(), SyncRequest((sys.argv[1],))))
# Not ru_maxrss: a child inherits the peak of the process that forked it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak_bytes = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps({"transferred": report.transferred.objects, "peak_bytes": peak_bytes}))
"""
_TILE = _body(MIB)


def _body_of_large(n_bytes: int) -> bytes:
    """Return bytes of which each MiB begins with its place, so that one at a wrong offset is seen."""
    pieces = (start.to_bytes(8, "big") + _TILE[8:] for start in range(0, n_bytes, MIB))
    return b"".join(pieces)[:n_bytes]


def _once(fault: Fault) -> Callable[[Ask], Fault | None]:
    """Return a fault of the first GET of each object, and of each range."""
    seen: set[tuple[str, str]] = set()

    def first(ask: Ask) -> Fault | None:
        place = (ask.key, ask.range)
        if ask.method != "GET" or not ask.key.startswith(KEY) or place in seen:
            return None
        seen.add(place)
        return fault

    return first
