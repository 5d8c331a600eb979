"""Certificates: what is in them, and any copy of a share beside one, without a catalog."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash

from mirror.app.verify import VerifyRequest, exit_code_of
from mirror.app.verify import certify as certifying
from mirror.app.verify.against import verify_against
from mirror.config import Settings
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode, MirrorError, UnknownNameError, UnsafeError, UsageError
from mirror.keys import ShareRules
from mirror.quantities import Budget
from mirror.report.verification import VerifyReport
from mirror.store.share import Share
from tests.mirror.app.verify.conftest import BLOCK, DATASET, HOME, OTHER_BLOCK, RAW, Lab, kinds

ELSEWHERE = Settings()
"""The configuration of a machine that has none."""


@pytest.fixture(scope="module")
def certificate(mirrored: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the mirror."""
    file = tmp_path_factory.mktemp("certificate") / "hela.jsonl"
    certifying.certify(mirrored.settings, DATASET, file)
    return file


def against(file: Path, share: Path, depth: Depth = Depth.FULL) -> VerifyReport:
    """Check a share beside a certificate on a machine without catalog and configuration."""
    return asyncio.run(verify_against(ELSEWHERE, VerifyRequest(depth=depth), file, share=share))


def test_a_certificate_has_every_file_in_the_order_of_keys(mirrored: Lab, certificate: Path) -> None:
    """Header, digest and lines can be checked with sha256sum and by hand: each line is what its file is."""
    head, *lines = certificate.read_bytes().splitlines(keepends=True)
    header = json.loads(head)
    assert header["body_sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert (header["dataset"], header["url"]) == (DATASET, f"s3://{HOME}/heinrich-2021a")
    objects = [json.loads(line) for line in lines]
    keys = [one["key"] for one in objects]
    home = mirrored.share / HOME
    assert keys == sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert (header["objects"], header["bytes"]) == (len(keys), sum(one["size"] for one in objects))
    for one in objects:
        body = (home / one["key"]).read_bytes()
        assert (one["size"], one["xxh3"]) == (len(body), xxhash.xxh3_128_hexdigest(body))
        assert (one["etag"], one["verified_by"]) == (hashlib.md5(body).hexdigest(), "md5")


def test_a_packed_certificate_is_the_same(mirrored: Lab, certificate: Path, tmp_path: Path) -> None:
    """A name that ends in .gz packs it; it is read as the other is, and no file is left half written."""
    packed = tmp_path / "hela.jsonl.gz"
    report = certifying.certify(mirrored.settings, DATASET, packed, bucket="b")
    assert certifying.exit_code_of(report) is ExitCode.DONE
    lines = gzip.decompress(packed.read_bytes()).splitlines()
    assert lines[1:] == certificate.read_bytes().splitlines()[1:]
    assert list(tmp_path.iterdir()) == [packed]
    assert exit_code_of(against(packed, mirrored.share)) is ExitCode.DONE


def test_damage_in_a_copy_is_found_without_a_catalog(lab: Lab, certificate: Path, tmp_path: Path) -> None:
    """Of a bare copy of the files each difference is told by its kind; nothing is written."""
    copy = tmp_path / "copy"
    shutil.copytree(lab.share / HOME, copy / HOME)
    assert kinds(against(certificate, copy)) == {}
    block, other = copy / HOME / BLOCK, copy / HOME / OTHER_BLOCK
    block.write_bytes(bytes(block.stat().st_size))
    other.unlink()
    (copy / HOME / RAW / "attributes.json").write_bytes(b"{}")
    (copy / HOME / RAW / "notes.txt").write_text("mine")
    report = against(certificate, copy)
    expected = {BLOCK: "content", OTHER_BLOCK: "lost", f"{RAW}attributes.json": "size", f"{RAW}notes.txt": "stray"}
    assert kinds(report) == expected
    assert exit_code_of(report) is ExitCode.DIFFERENCES
    assert kinds(against(certificate, copy, Depth.QUICK)).keys() == expected.keys() - {BLOCK}


def test_what_is_damaged_is_not_certified(lab: Lab, tmp_path: Path) -> None:
    """What is known to be lost is left out and said, with exit code 3, until a sync has fetched it."""
    lab.file(BLOCK).unlink()
    lab.verify(Depth.QUICK)
    report = certifying.certify(lab.settings, DATASET, tmp_path / "hela.jsonl")
    assert (report.damaged, certifying.exit_code_of(report)) == (1, ExitCode.DIFFERENCES)
    assert BLOCK not in (tmp_path / "hela.jsonl").read_text()
    lab.sync("volumes/raw", scales="s0-s1")
    report = certifying.certify(lab.settings, DATASET, tmp_path / "hela.jsonl")
    assert (report.damaged, certifying.exit_code_of(report)) == (0, ExitCode.DONE)


def test_a_certificate_takes_the_place_of_files_only(mirrored: Lab, tmp_path: Path) -> None:
    """A folder, a pipe, a path without a name or with one that cannot be: each is refused and stays."""
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe", Path("/"), Path(), tmp_path / ("a" * 300)):
        with pytest.raises(MirrorError, match="cannot write the certificate"):
            certifying.certify(mirrored.settings, DATASET, file)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def changed_size(text: bytes) -> bytes:
    """Claim another length of an object."""
    return text.replace(b'"size":', b'"size":1', 1)


def changed_header(text: bytes) -> bytes:
    """Claim another dataset."""
    return text.replace(DATASET.encode(), b"jrc_hela-3", 1)


def cut_lines(text: bytes) -> bytes:
    """Leave the last line out."""
    return b"".join(text.splitlines(keepends=True)[:-1])


def cut_in_a_line(text: bytes) -> bytes:
    """Break off in the middle of a line."""
    return text[:-20]


def led_elsewhere(text: bytes) -> bytes:
    """Lead out of the share, with digests that fit."""
    head, *lines = text.splitlines(keepends=True)
    header = json.loads(head)
    lines[0] = lines[0].replace(header["prefix"].encode(), header["prefix"].encode() + b"../../", 1)
    header["body_sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
    del header["sha256"]
    spelled = json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    header["sha256"] = hashlib.sha256(spelled).hexdigest()
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + b"".join(lines)


def bad_gzip(text: bytes) -> bytes:
    """Be packed, and damaged."""
    packed = bytearray(gzip.compress(text))
    packed[20:60] = b"\xff" * 40
    return bytes(packed)


def deep(_: bytes) -> bytes:
    """Be JSON that is nested deeper than anybody means."""
    return b"[" * 100_000


def other_file(_: bytes) -> bytes:
    """Be something else."""
    return b'{"schema": 1}\n'


@pytest.mark.parametrize(
    "change",
    [changed_size, changed_header, cut_lines, cut_in_a_line, led_elsewhere, bad_gzip, deep, other_file],
    ids=lambda f: f.__name__,
)
def test_a_certificate_that_was_changed_is_refused(
    mirrored: Lab, certificate: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """Before any file is looked at, one that is not as it was written is refused."""
    file = tmp_path / "changed.jsonl"
    file.write_bytes(change(certificate.read_bytes()))
    with pytest.raises(MirrorError, match="cannot use the certificate") as caught:
        against(file, mirrored.share)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def cut_before_the_end(text: bytes) -> bytes:
    """Lose a field of the header, as who edits it does."""
    return text.replace(b'"objects":', b'"objetcs":', 1)


def test_what_is_wrong_with_a_line_is_one_line(mirrored: Lab, certificate: Path, tmp_path: Path) -> None:
    """The first fault, in words with what was found, as of other documents."""
    file = tmp_path / "changed.jsonl"
    for change, said in ((cut_in_a_line, "Invalid JSON"), (cut_before_the_end, "objects: Field required")):
        file.write_bytes(change(certificate.read_bytes()))
        with pytest.raises(MirrorError) as caught:
            against(file, mirrored.share)
        assert caught.value.found.startswith(said)
        assert "\n" not in caught.value.found
        assert len(caught.value.found) < 200


def test_ctrl_c_leaves_nothing_of_a_certificate(mirrored: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before stays as it is."""

    def interrupted(file: Path, *_: object, **__: object) -> None:
        """Be stopped in the middle."""
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    file = tmp_path / "hela.jsonl"
    file.write_bytes(b"before")
    monkeypatch.setattr("mirror.app.verify.certify.write_certificate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        certifying.certify(mirrored.settings, DATASET, file)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"hela.jsonl": b"before"}


def test_what_a_certificate_cannot_tell_is_refused(mirrored: Lab, certificate: Path, tmp_path: Path) -> None:
    """A repair, a budget, a choice, a copy that is not there, a dataset of which nothing is on the share."""
    for wrong in ({"repair": True}, {"budget": Budget(seconds=1)}, {"datasets": (DATASET,)}):
        with pytest.raises(UsageError):
            asyncio.run(verify_against(ELSEWHERE, VerifyRequest(**wrong), certificate, share=mirrored.share))
    with pytest.raises(UnsafeError):
        against(certificate, tmp_path)
    with pytest.raises(UnknownNameError):
        certifying.certify(mirrored.settings, "jrc_nothing", tmp_path / "none")


@pytest.mark.parametrize("said", ["not marked", "another share"])
def test_the_configured_share_is_the_one_that_the_catalog_knows(lab: Lab, certificate: Path, said: str) -> None:
    """Another one is refused before it is read: what it lacks is not lost. Any copy is checked by its name."""
    share = Share(lab.share)
    if said == "not marked":
        (share.own / "marker.json").unlink()
    else:
        share.write_marker(ShareRules())
    with pytest.raises(UnsafeError, match=said):
        asyncio.run(verify_against(lab.settings, VerifyRequest(), certificate))
    assert exit_code_of(against(certificate, lab.share)) is ExitCode.DONE
