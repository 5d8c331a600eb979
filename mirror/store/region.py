"""In which region a bucket lies, and what time it is there: asked of the bucket itself, which tells everyone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from mirror.store.connection import Connection
from mirror.store.session import open_session


async def ask_region(connection: Connection) -> str:
    """Return the bucket's region as HEAD tells it, empty if it does not.

    No signature is needed: AWS says it along with a refusal, too.
    """
    return (await _headers_of(connection)).get("x-amz-bucket-region", "")


async def ask_time(connection: Connection) -> datetime | None:
    """Return the time of the bucket's server as it says with each answer, to the second; None if it does not."""
    try:
        return parsedate_to_datetime((await _headers_of(connection)).get("Date", ""))
    except ValueError:
        return None


async def _headers_of(connection: Connection) -> Mapping[str, str]:
    import aiohttp

    try:
        async with (
            open_session(connection, max_connections=1) as session,
            session.head(f"{connection.bucket_endpoint}/", allow_redirects=False) as response,
        ):
            return response.headers
    except (aiohttp.ClientError, TimeoutError, OSError):
        return {}  # Who asks has an error already, which says more than this one, or goes on without.
