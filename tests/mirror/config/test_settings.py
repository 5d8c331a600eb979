"""What the settings mean once they are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mirror.config import BucketSettings, Settings, TransferSettings, load_settings
from mirror.errors import ConfigError, UnknownNameError, UsageError
from mirror.keys import S3Url
from mirror.store.connection import Transport
from mirror.store.staging import FilePolicy, Fsync


def test_settings_made_directly_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is read by `load_settings` only."""
    monkeypatch.setenv("OOMIRROR_DEFAULT_BUCKET", "a")
    assert Settings().default_bucket == "b"
    assert sorted(Settings().buckets) == ["a", "b"]


def test_an_unknown_bucket_names_the_near_ones() -> None:
    """A bucket that is not configured is a usage error with the ones that are."""
    with pytest.raises(UnknownNameError, match=r"unknown bucket: bb\. Did you mean b\?"):
        Settings().bucket("bb")


def test_a_share_that_is_needed_and_not_configured_is_an_error() -> None:
    """The error says how to configure one."""
    with pytest.raises(ConfigError, match="oomirror init --share DIR"):
        Settings().share_root()
    assert Settings(share=Path("/mnt/lab")).share_root() == Path("/mnt/lab")


def test_a_home_in_the_share_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in the share is the user's home."""
    monkeypatch.setenv("HOME", "/home/lab")
    assert Settings(share=Path("~/mirror")).share == Path("/home/lab/mirror")


def test_the_catalogs_password_is_not_shown() -> None:
    """The text form of the settings leaves the catalog's URL out."""
    assert "s3cret" not in repr(Settings(catalog="postgresql://lab:s3cret@db/oomirror"))


def test_the_login_of_the_papers_databases_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the text form of the settings nor their JSON holds it; the command that connects can ask for it."""
    monkeypatch.setenv("OOMIRROR_MONGO__URI", "mongodb://lab:s3cret@db")
    settings = load_settings()
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.mongo.uri.get_secret_value() == "mongodb://lab:s3cret@db"
    assert not Settings().mongo.uri


def test_a_connection_says_what_the_bucket_says(tmp_path: Path) -> None:
    """Empty texts become None; everything else goes over as it is."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    bucket = BucketSettings(
        url=S3Url.parse("s3://lab-bucket/x"), anonymous=False, profile="lab", requester_pays=True, ca_bundle=bundle
    )
    connection = bucket.connection()
    assert (connection.url, connection.anonymous, connection.profile) == (bucket.url, False, "lab")
    assert (connection.endpoint_url, connection.ca_bundle, connection.requester_pays) == (None, str(bundle), True)


def test_a_transport_by_flag_beats_that_of_each_bucket() -> None:
    """Without the flag each bucket keeps its own."""
    bucket = BucketSettings(url=S3Url.parse("s3://lab-bucket"), transport=Transport.CAREFUL)
    settings = Settings(buckets={"lab": bucket})
    assert settings.with_transport(None).bucket("lab").connection().transport is Transport.CAREFUL
    fast = settings.with_transport(Transport.FAST)
    assert {one.transport for one in fast.buckets.values()} == {Transport.FAST}
    assert fast.bucket("lab").url == bucket.url


def test_a_missing_ca_bundle_is_said_before_the_first_request(tmp_path: Path) -> None:
    """The sentence names the file."""
    bucket = BucketSettings(url=S3Url.parse("s3://lab-bucket"), ca_bundle=tmp_path / "ca.pem")
    with pytest.raises(UsageError, match=r"cannot read the ca_bundle: .*ca\.pem"):
        bucket.connection()


def test_a_file_policy_has_modes_and_group_as_numbers() -> None:
    """Octal text and names of groups are understood, empty text leaves it to umask and folder."""
    transfer = TransferSettings.model_validate({"file_mode": "0664", "dir_mode": "2775", "group": str(os.getgid())})
    assert transfer.file_policy() == FilePolicy(Fsync.BATCH, 0o664, 0o2775, os.getgid())
    assert TransferSettings(group="root").file_policy().group_id == 0
    assert TransferSettings().file_policy() == FilePolicy()


def test_an_unknown_group_is_a_usage_error() -> None:
    """The sentence names the group."""
    with pytest.raises(UsageError, match="cannot give files to the group: no-such-lab"):
        TransferSettings(group="no-such-lab").file_policy()
