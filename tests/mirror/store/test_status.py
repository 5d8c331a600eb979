"""What an HTTP status and S3's own code stand for, in one table for all transports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mirror.errors import (
    AccessDeniedError,
    BrokenTransferError,
    ExpiredCredentialsError,
    ObjectChangedError,
    ObjectNotFoundError,
    SlowDownError,
    StoreError,
    UnreachableError,
    WrongRegionError,
)
from mirror.store.status import error_of_status, retry_after_seconds

STATUSES: dict[str, tuple[int, dict[str, str], str, type[StoreError], str]] = {
    "slow down": (503, {}, "SlowDown", SlowDownError, "slow down"),
    "unavailable": (503, {}, "", SlowDownError, "503"),
    "too many": (429, {}, "", SlowDownError, "429"),
    "throttled by its code": (400, {}, "RequestLimitExceeded", SlowDownError, "RequestLimitExceeded"),
    "not signed": (401, {}, "", AccessDeniedError, "profile"),
    "denied": (403, {}, "AccessDenied", AccessDeniedError, "AccessDenied"),
    "no key": (404, {}, "NoSuchKey", ObjectNotFoundError, "not there"),
    "no bucket": (404, {}, "NoSuchBucket", ObjectNotFoundError, "bucket does not exist"),
    "changed": (412, {}, "PreconditionFailed", ObjectChangedError, "no longer"),
    "another region": (301, {"x-amz-bucket-region": "eu-west-1"}, "", WrongRegionError, 'region = "eu-west-1"'),
    "signed for another region": (
        400,
        {"x-amz-bucket-region": "eu-west-1"},
        "AuthorizationHeaderMalformed",
        WrongRegionError,
        'region = "eu-west-1"',
    ),
    "elsewhere, nobody says where": (307, {}, "TemporaryRedirect", WrongRegionError, "Set region, or endpoint_url"),
    "a bad request that tells its region": (400, {"x-amz-bucket-region": "x"}, "InvalidArgument", StoreError, "400"),
    "expired": (400, {}, "ExpiredToken", ExpiredCredentialsError, "aws sso login"),
    "a token that is none": (400, {}, "InvalidToken", AccessDeniedError, "profile"),
    "a proxy with a password": (407, {}, "", UnreachableError, "USER:PASSWORD"),
    "internal": (500, {}, "InternalError", BrokenTransferError, "500"),
    "gateway": (502, {}, "", BrokenTransferError, "502"),
    "anything else": (418, {}, "", StoreError, "418"),
}


@pytest.mark.parametrize(("status", "headers", "code", "kind", "words"), STATUSES.values(), ids=STATUSES.keys())
def test_error(status: int, headers: dict[str, str], code: str, kind: type[StoreError], words: str) -> None:
    """The error names the URL, what was tried, and what to do where that is known."""
    body = f"<Error><Code>{code}</Code></Error>" if code else "no XML"
    error = error_of_status(status, headers, body, "read", "s3://bucket/key")
    assert type(error) is kind
    assert error.thing == "s3://bucket/key"
    assert words in str(error)


def test_the_region_is_read_from_the_answers_text_too() -> None:
    """Servers other than AWS tell it there alone."""
    body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    error = error_of_status(400, {}, body, "read", "s3://bucket/key")
    assert isinstance(error, WrongRegionError)
    assert error.region == "eu-west-1"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 120 ", 120.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("-5", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds or a date; what is neither is no wish."""
    assert retry_after_seconds(value, datetime(2015, 10, 21, 7, 28, tzinfo=UTC)) == seconds


def test_slow_down_carries_the_wait() -> None:
    """The header's case does not matter."""
    for name in ("retry-after", "Retry-After"):
        error = error_of_status(503, {name: "4"}, "", "list", "s3://bucket/")
        assert isinstance(error, SlowDownError)
        assert error.retry_after_seconds == 4
