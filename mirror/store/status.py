"""HTTP status and S3 error code to our errors: the one table for all transports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

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

_CODE = re.compile(r"<Code>([^<]+)</Code>")
_REGION = re.compile(r"<Region>([^<]+)</Region>")
_REGION_CODES = frozenset({"", "400", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
"""A HEAD's answer has no body that could name one."""
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_DENIED_CODES = frozenset({"InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
_SLOW_CODES = frozenset({"SlowDown", "RequestLimitExceeded", "ThrottlingException", "TooManyRequests"})


def error_of_status(status: int, headers: Mapping[str, str], body: str, verb: str, thing: str) -> StoreError:
    """Return the error that an answer other than success stands for.

    Parameters
    ----------
    body
        Text of the answer; S3 puts its error code there.
    verb
        What was tried: "list", "read".
    thing
        `s3://` URL.
    """
    match = _CODE.search(body)
    code = match[1] if match else ""
    found = f"HTTP {status} {code}".rstrip()
    if status in (429, 503) or code in _SLOW_CODES:
        seconds = retry_after_seconds(headers.get("retry-after") or headers.get("Retry-After"))
        return SlowDownError(
            f"the server asks to slow down; cannot {verb}", thing, found=found, retry_after_seconds=seconds
        )
    if code in _EXPIRED_CODES:
        return ExpiredCredentialsError(
            f"the AWS credentials have expired; cannot {verb}",
            thing,
            found=found,
            hint="Renew them, as by `aws sso login`, or use a profile that renews them itself; then run it again.",
        )
    if status in (401, 403) or code in _DENIED_CODES:
        return AccessDeniedError(
            f"may not {verb}", thing, found=found, hint="Check anonymous, profile and the bucket's policy."
        )
    if status == 404:
        what = f"cannot {verb}: the bucket does not exist" if code == "NoSuchBucket" else f"cannot {verb}: not there"
        return ObjectNotFoundError(what, thing, found=found)
    if status == 412:
        return ObjectChangedError("the object is no longer the one that was listed", thing, found=found)
    if (region := _other_region(status, headers, body, code)) is not None:
        return WrongRegionError(f"cannot {verb}: the bucket lies in another region", thing, region=region, found=found)
    return _other_error(status, found, verb, thing)


def _other_error(status: int, found: str, verb: str, thing: str) -> StoreError:
    if status == 407:
        return UnreachableError(
            f"the proxy lets nobody through to {verb}",
            thing,
            found=found,
            hint="Give user and password in the proxy's URL: http://USER:PASSWORD@HOST:PORT.",
        )
    if status >= 500 or status < 300 or status == 408 or "RequestTimeout" in found:
        return BrokenTransferError(f"cannot {verb}", thing, found=found)
    return StoreError(f"cannot {verb}", thing, expected="HTTP 200", found=found)


def _other_region(status: int, headers: Mapping[str, str], body: str, code: str) -> str | None:
    """Return the bucket's region if the answer is that it lies in another; empty if the answer does not say which."""
    told = headers.get("x-amz-bucket-region") or headers.get("X-Amz-Bucket-Region")
    match = _REGION.search(body)
    region = told or (match[1] if match else "")
    if status in (301, 302, 307, 308) or (status == 400 and region and code in _REGION_CODES):
        return region
    return None


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Return the wait that a Retry-After header asks for, in seconds; None if there is none.

    >>> retry_after_seconds("3")
    3.0
    >>> retry_after_seconds("soon") is None
    True
    """
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime  # 10 ms of a worker's start, and rarely sent

    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
