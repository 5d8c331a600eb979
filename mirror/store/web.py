"""One document by HTTP: for what lies beside the buckets, as manifests on a web page do."""

from __future__ import annotations

from mirror.errors import ObjectNotFoundError, StoreError, UnreachableError

_SECONDS = 30.0


async def fetch_document(url: str, *, most_bytes: int) -> bytes:
    """Return what lies at an `http(s)://` address. The environment's proxy is used; nothing is tried twice.

    Raises
    ------
    ObjectNotFoundError
        The server has no such document.
    UnreachableError
        It does not answer.
    StoreError
        It refuses, or the document is larger than `most_bytes`.
    """
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as session, session.get(url) as answer:
            if answer.status in {404, 410}:
                raise ObjectNotFoundError("there is no such document", url, found=f"HTTP {answer.status}")
            if answer.status != 200:
                raise StoreError("cannot read the document", url, expected="HTTP 200", found=f"HTTP {answer.status}")
            body = await answer.content.read(most_bytes + 1)
            while len(body) <= most_bytes and (more := await answer.content.read(most_bytes + 1 - len(body))):
                body += more
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        found = str(error) or type(error).__name__
        raise UnreachableError("cannot read the document", url, found=found, hint="Check the address.") from error
    if len(body) > most_bytes:
        raise StoreError("the document is too large", url, expected=f"at most {most_bytes} B", found="more")
    return body
