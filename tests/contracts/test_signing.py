"""What every transport that signs keeps: keys from profiles, wrong and expired ones, renewal, the requester's purse."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirror.demo.server import ACCESS_KEY, SECRET_KEY
from mirror.errors import AccessDeniedError, ExitCode, ExpiredCredentialsError, UsageError, WrongRegionError
from mirror.store.base import Lister
from mirror.store.connection import Connection
from mirror.store.s3 import open_careful_store
from tests.contracts.conftest import KEYS
from tests.contracts.gate import Gate, Passage, Reply, run_gate
from tests.contracts.transports import SIGNERS, OpenReader, Reader, open_lister_by, open_reader_by
from tests.servers import Bucket


@pytest.fixture(params=SIGNERS)
async def open_reader(request: pytest.FixtureRequest) -> AsyncIterator[OpenReader]:
    """Open one of the readers that sign on a connection."""
    async with AsyncExitStack() as stack:

        async def opened(connection: Connection) -> Reader:
            """Open a reader."""
            return await open_reader_by(request.param, connection, stack)

        yield opened


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def gate(filled: Bucket) -> Iterator[Gate]:
    """A doorman in front of the server."""
    with run_gate(filled.endpoint_url) as running:
        yield running


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AwsFiles:
    """The two files of AWS's command line, a test's own."""
    files = AwsFiles(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(files.config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files.credentials))
    return files


class AwsFiles:
    """`~/.aws` of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.credentials = folder / "config", folder / "credentials"

    def keys(self, profile: str, access: str, secret: str, token: str = "") -> None:
        """Write a profile with keys of its own."""
        line = f"aws_session_token = {token}\n" if token else ""
        with self.credentials.open("a") as file:
            file.write(f"[{profile}]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n{line}")

    def program(self, profile: str, text: str) -> None:
        """Write a profile whose keys are what a program prints."""
        script = self.folder / f"{profile}.py"
        script.write_text(text)
        with self.config.open("a") as file:
            file.write(f"[profile {profile}]\ncredential_process = {sys.executable} {script}\n")


def signed(bucket: Bucket, gate: Gate, profile: str | None = "lab", **knobs: object) -> Connection:
    """Return the way to a bucket through the doorman, signed."""
    return replace(bucket.connection(), endpoint_url=gate.url, anonymous=False, profile=profile, **knobs)  # type: ignore[arg-type]


async def a_lister(connection: Connection, stack: AsyncExitStack) -> Lister:
    """Return what lists signed buckets."""
    return await open_lister_by("aioboto3", connection, stack)


async def test_keys_of_a_profile(
    filled: Bucket, gate: Gate, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """Listing, whole objects of any spelling and ranges are signed with the profile's keys, and come."""
    aws.keys("lab", ACCESS_KEY, SECRET_KEY)
    connection = signed(filled, gate)
    page = await (await a_lister(connection, stack)).list_page("")
    assert sorted(one.key for one in page.objects) == sorted(KEYS)
    reader = await open_reader(connection)
    for one in page.objects:
        assert bytes((await reader.get(one.key)).data) == one.key.encode()
    part = await reader.get_range("d/sub/x", 2, 5, {one.key: one.etag for one in page.objects}["d/sub/x"])
    assert bytes(part.data) == b"sub"
    assert {passage.headers["authorization"].split("/")[0] for passage in gate.passages} == {
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}"
    }


async def test_keys_of_the_environment(
    filled: Bucket, gate: Gate, monkeypatch: pytest.MonkeyPatch, open_reader: OpenReader
) -> None:
    """Without a profile AWS's own chain is asked, its variables first; the token goes along."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    reader = await open_reader(signed(filled, gate, None))
    assert bytes((await reader.get("e/y")).data) == b"e/y"
    assert all(ACCESS_KEY in passage.headers["authorization"] for passage in gate.passages)


async def test_a_profile_beats_the_environment(
    filled: Bucket, gate: Gate, aws: AwsFiles, monkeypatch: pytest.MonkeyPatch, open_reader: OpenReader
) -> None:
    """Keys, regions, endpoints and authorities of the user's shell change nothing where the configuration says more."""
    aws.keys("lab", ACCESS_KEY, SECRET_KEY)
    aws.config.write_text("[profile lab]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:9\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "wrong",
        "AWS_SESSION_TOKEN": "wrong",
        "AWS_PROFILE": "nobody-has-this",
        "AWS_REGION": "eu-nowhere-1",
        "AWS_DEFAULT_REGION": "eu-nowhere-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_S3_EXPRESS": "true",
        "AWS_CA_BUNDLE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    reader = await open_reader(signed(filled, gate))
    assert bytes((await reader.get("e/y")).data) == b"e/y"
    assert {passage.signed_region for passage in gate.passages} == {"us-east-1"}
    assert not any("x-amz-security-token" in passage.headers for passage in gate.passages)


async def test_a_wrong_secret(bucket: Bucket, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack) -> None:
    """A server that checks signatures refuses, though everyone may read without one: said so, with S3's own code."""
    bucket.put("e/y", b"e/y")
    aws.keys("lab", ACCESS_KEY, "wrong")
    connection = replace(bucket.connection(), anonymous=False, profile="lab")
    with pytest.raises(AccessDeniedError, match=f"may not read: s3://{bucket.name}/e/y; found HTTP 403 Sig.*profile"):
        await (await open_reader(connection)).get("e/y")
    with pytest.raises(AccessDeniedError, match=f"may not list: s3://{bucket.name}.*profile"):
        await (await a_lister(connection, stack)).list_page("")


EXPIRED = Reply(400, "ExpiredToken", more="<Message>The provided token has expired.</Message>")


async def test_expired_credentials(
    filled: Bucket, gate: Gate, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """Keys that were good and are too old now: named, with what to do; not tried again and again by itself."""
    aws.keys("lab", ACCESS_KEY, SECRET_KEY, token="old")
    gate.rule = lambda _: EXPIRED
    connection = signed(filled, gate)
    with pytest.raises(ExpiredCredentialsError, match=r"have expired; cannot read: s3://.*/e/y.*Renew them"):
        await (await open_reader(connection)).get("e/y")
    with pytest.raises(ExpiredCredentialsError, match=r"have expired; cannot list: s3://.*aws sso login"):
        await (await a_lister(connection, stack)).list_page("")
    assert [passage.headers["x-amz-security-token"] for passage in gate.passages] == ["old", "old"]


_PRINTS = """
import json, pathlib
with open({log!r}, "a") as log:
    log.write("asked ")
print(pathlib.Path({answer!r}).read_text())
"""


async def test_a_profiles_program_renews_them(
    filled: Bucket, gate: Gate, aws: AwsFiles, open_reader: OpenReader
) -> None:
    """Credentials that expire in the middle of a run are asked for anew before they do, and the new ones are used."""
    answer, log = aws.folder / "answer", aws.folder / "log"
    aws.program("lab", _PRINTS.format(answer=str(answer), log=str(log)))

    def hand_out(token: str, lifetime: timedelta) -> None:
        """Let the program give this token from now on."""
        expiration = (datetime.now(UTC) + lifetime).isoformat()
        keys = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "SessionToken": token}
        answer.write_text(json.dumps({"Version": 1, "Expiration": expiration, **keys}))

    good = {"first"}
    gate.rule = lambda passage: None if passage.headers["x-amz-security-token"] in good else EXPIRED
    # What goes upstream is asked for without a signature: that server knows nothing of these tokens.
    gate.drops = ("authorization", "x-amz-security-token", "x-amz-date", "x-amz-content-sha256")
    hand_out("first", timedelta(seconds=3))
    reader = await open_reader(signed(filled, gate))
    assert bytes((await reader.get("e/y")).data) == b"e/y"
    hand_out("second", timedelta(hours=1))
    await asyncio.sleep(0.3)  # obstore asks at most ten times a second.
    good.add("second")
    assert bytes((await reader.get("e/y")).data) == b"e/y"
    good.remove("first")
    for _ in range(5):
        assert bytes((await reader.get("e/y")).data) == b"e/y"
    assert log.read_text().count("asked") <= 4


PROGRAMS = {
    "fails": "import sys; sys.exit('the token is gone')",
    "no-json": "print('please log in')",
    "no-keys": "print('{\"Version\": 1}')",
    "expired": 'print(\'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", '
    '"Expiration": "2020-01-01T00:00:00Z"}\')',
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
async def test_a_profiles_program_that_gives_nothing(
    bucket: Bucket, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack, text: str
) -> None:
    """Whatever it does instead of printing keys is one sentence about the profile, and exit code 2."""
    bucket.put("e/y", b"e/y")
    aws.program("lab", text)
    connection = replace(bucket.connection(), anonymous=False, profile="lab")
    with pytest.raises(
        UsageError, match=r"cannot use the AWS profile lab: s3://.*aws configure list --profile lab"
    ) as told:
        await (await open_reader(connection)).get("e/y")
    assert told.value.exit_code is ExitCode.USAGE
    with pytest.raises(UsageError, match="cannot use the AWS profile lab"):
        await (await a_lister(connection, stack)).list_page("")


async def test_a_profile_that_is_not_there(
    bucket: Bucket, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """It is named, and nothing is asked of the bucket."""
    connection = replace(bucket.connection(), anonymous=False, profile="lob")
    with pytest.raises(UsageError, match=r"cannot use the AWS profile lob: s3://.*could not be found"):
        await (await open_reader(connection)).get("e/y")
    with pytest.raises(UsageError, match="cannot use the AWS profile lob"):
        await (await a_lister(connection, stack)).list_page("")


async def test_no_credentials_anywhere(
    bucket: Bucket, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """The sentence says what would help."""
    connection = replace(bucket.connection(), anonymous=False)
    with pytest.raises(UsageError, match=r"no AWS credentials: s3://.*anonymous = true"):
        await (await open_reader(connection)).get("e/y")
    with pytest.raises(UsageError, match="no AWS credentials"):
        await (await a_lister(connection, stack)).list_page("")


async def test_requester_pays(
    filled: Bucket, gate: Gate, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """Every LIST, GET and HEAD says who pays; a bucket that asks for it lets no other through."""
    aws.keys("lab", ACCESS_KEY, SECRET_KEY)

    def doorman(passage: Passage) -> Reply | None:
        """Refuse who does not pay."""
        return None if passage.headers.get("x-amz-request-payer") == "requester" else Reply(403, "AccessDenied")

    gate.rule = doorman
    connection = signed(filled, gate, requester_pays=True)
    page = await (await a_lister(connection, stack)).list_page("e/")
    reader = await open_reader(connection)
    await reader.get("e/y")
    await reader.get_range("e/y", 0, 2, page.objects[0].etag)
    store = await stack.enter_async_context(open_careful_store(connection))
    assert (await store.head("e/y")).size == 3
    assert {passage.kind for passage in gate.passages} == {"list", "get", "head"}
    other = await open_reader(replace(connection, requester_pays=False))
    with pytest.raises(AccessDeniedError):
        await other.get("e/y")


async def test_signed_for_another_region(
    filled: Bucket, gate: Gate, aws: AwsFiles, open_reader: OpenReader, stack: AsyncExitStack
) -> None:
    """A transport says where the bucket lies, as far as it is told, and goes nowhere by itself."""
    aws.keys("lab", ACCESS_KEY, SECRET_KEY)
    gate.rule = lambda _: Reply(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-1</Region>")
    connection = signed(filled, gate)
    with pytest.raises(WrongRegionError, match="another region") as told:
        await (await open_reader(connection)).get("e/y")
    assert told.value.region == "eu-west-1"
    with pytest.raises(WrongRegionError):
        await (await a_lister(connection, stack)).list_page("")
    assert len(gate.passages) == 2
