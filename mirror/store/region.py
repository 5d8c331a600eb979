"""In which region a bucket lies: asked of the bucket itself, which tells everyone."""

from __future__ import annotations

from mirror.store.connection import Connection
from mirror.store.session import open_session


async def ask_region(connection: Connection) -> str:
    """Return the bucket's region as HEAD tells it, empty if it does not.

    No signature is needed: AWS says it along with a refusal, too.
    """
    import aiohttp

    try:
        async with (
            open_session(connection, max_connections=1) as session,
            session.head(f"{connection.bucket_endpoint}/", allow_redirects=False) as response,
        ):
            return response.headers.get("x-amz-bucket-region", "")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""  # Who asks has an error already, which says more than this one.
