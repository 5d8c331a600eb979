"""Who is told what a run came to: a webhook, a command, a health check; side by side, in seconds, never in its way.

Addresses and commands may hold secrets. Nothing here says more of an address than its scheme and host, or of a command
than that there is one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mirror import __version__
from mirror.config import NotifySettings
from mirror.engine.events import EventSink, Note, ignore
from mirror.report.notice import NoticeDocument
from mirror.report.numbers import format_utc

ALL_SECONDS = 10.0
"""For all receivers together: they are told side by side."""
TRY_SECONDS = 4.0
TRIES = 2
PAUSE_SECONDS = 1.0
_Told = str | None
"""Why a receiver could not be told, in words without a secret; None where it was."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a run came to, for those who were not there."""

    command: str
    exit_code: int
    is_change: bool
    """Whether anything came to the share, or changed in the bucket."""
    text: str
    started_at: datetime
    finished_at: datetime
    share: str | None
    report: Mapping[str, Any]
    """As `--json` prints it; cut where it is long."""
    is_watched: bool = False
    """Whether the health check waits for this command's runs, and is told that one ended."""

    @property
    def state(self) -> Literal["failed", "changed", "unchanged"]:
        """How it went, in a word."""
        return "failed" if self.exit_code else "changed" if self.is_change else "unchanged"

    def document(self) -> NoticeDocument:
        """Return what receivers get."""
        return NoticeDocument(
            command=self.command,
            state=self.state,
            exit=self.exit_code,
            text=self.text,
            host=socket.gethostname(),
            version=__version__,
            share=self.share,
            started_at=format_utc(self.started_at),
            finished_at=format_utc(self.finished_at),
            seconds=round((self.finished_at - self.started_at).total_seconds(), 3),
            report=dict(self.report),
        )


async def notify(
    settings: NotifySettings, notice: Notice, sink: EventSink = ignore, *, all_seconds: float = ALL_SECONDS
) -> None:
    """Tell the receivers that want to know. One that cannot be told is a note to the sink, and nothing more.

    Cancelling ends a command that was started.
    """
    document = notice.document().model_dump_json(by_alias=True).encode()
    receivers: dict[str, Callable[[], Awaitable[_Told]]] = {}
    if _is_wanted(settings, notice):
        if (webhook := settings.webhook) is not None:
            url = webhook.get_secret_value()
            receivers[f"the webhook at {shown_address(url)}"] = lambda: _with_tries(lambda: _post(url, document))
        if (command := settings.command) is not None:
            argv = command.get_secret_value()
            receivers["the command of [notify]"] = lambda: _run(argv, document, notice)
    async with asyncio.TaskGroup() as group:
        for name, tell in receivers.items():
            group.create_task(_tell(name, tell, sink, all_seconds))
        if notice.is_watched:
            group.create_task(ping(settings, "fail" if notice.exit_code else "", sink, all_seconds=all_seconds))


async def ping(
    settings: NotifySettings,
    word: Literal["", "start", "fail"],
    sink: EventSink = ignore,
    *,
    all_seconds: float = ALL_SECONDS,
) -> None:
    """Ask the health check's address, with a word at the end of its path; where it cannot be told: as `notify`."""
    if settings.healthcheck is None:
        return
    address = _ping_address(settings.healthcheck.get_secret_value(), word)
    name = f"the health check at {shown_address(address)}"
    await _tell(name, lambda: _with_tries(lambda: _get(address)), sink, all_seconds)


def _is_wanted(settings: NotifySettings, notice: Notice) -> bool:
    match settings.on:
        case "always":
            return True
        case "change":
            return notice.state != "unchanged"
        case "failure":
            return notice.state == "failed"


async def _tell(name: str, tell: Callable[[], Awaitable[_Told]], sink: EventSink, all_seconds: float) -> None:
    try:
        async with asyncio.timeout(all_seconds):
            problem = await tell()
    except TimeoutError:
        problem = f"no end in {all_seconds:g} s"
    except Exception as error:  # noqa: BLE001  its words may hold the address; the run itself was well
        problem = type(error).__name__
    if problem is not None:
        sink(Note(f"Could not tell {name}: {problem}."))


async def _with_tries(once: Callable[[], Awaitable[_Answer]]) -> _Told:
    answer = await once()
    for _ in range(TRIES - 1):
        if not answer.is_worth_another:
            break
        await asyncio.sleep(PAUSE_SECONDS)
        answer = await once()
    return answer.problem


@dataclass(frozen=True, slots=True)
class _Answer:
    problem: _Told
    is_worth_another: bool = False


async def _post(url: str, document: bytes) -> _Answer:
    return await _ask("POST", url, data=document, headers={"Content-Type": "application/json"})


async def _get(url: str) -> _Answer:
    return await _ask("GET", url)


async def _ask(
    method: str, url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> _Answer:
    import aiohttp

    own = {"User-Agent": f"oomirror/{__version__}", **(headers or {})}
    timeout = aiohttp.ClientTimeout(total=TRY_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(trust_env=True, timeout=timeout) as session,
            # Elsewhere nobody was meant to get what the address and the document hold.
            session.request(method, url, data=data, headers=own, allow_redirects=False) as answer,
        ):
            return _judged(answer.status)
    except TimeoutError:
        return _Answer(f"no answer in {TRY_SECONDS:g} s", is_worth_another=True)
    except aiohttp.ClientConnectorCertificateError:
        return _Answer("its certificate is not trusted")
    except aiohttp.ClientConnectorError as error:
        reason = (
            os.strerror(error.os_error.errno) if error.os_error.errno and error.os_error.errno > 0 else "no such host"
        )
        return _Answer(f"cannot connect: {reason}", is_worth_another=True)
    except (aiohttp.ClientError, ValueError) as error:
        return _Answer(type(error).__name__, is_worth_another=isinstance(error, aiohttp.ServerConnectionError))


def _judged(status: int) -> _Answer:
    if status < 300:
        return _Answer(None)
    if status < 400:
        return _Answer(f"it answered {status}, a redirect, which is not followed: give the address where it leads")
    return _Answer(f"it answered {status}", is_worth_another=status >= 500 or status == 429)


async def _run(argv: tuple[str, ...], document: bytes, notice: Notice) -> _Told:
    variables = {
        **os.environ,
        "OOMIRROR_NOTICE_COMMAND": notice.command,
        "OOMIRROR_NOTICE_STATE": notice.state,
        "OOMIRROR_NOTICE_EXIT": str(notice.exit_code),
        "OOMIRROR_NOTICE_TEXT": notice.text,
    }
    # What it prints may repeat its words, secrets among them.
    silent = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, env=variables, stdin=asyncio.subprocess.PIPE, stdout=silent, stderr=silent, start_new_session=True
        )
    except OSError as error:
        return f"it cannot be started: {os.strerror(error.errno or 0)}"
    try:
        await process.communicate(document)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    return f"it ended with exit code {process.returncode}" if process.returncode else None


def shown_address(url: str) -> str:
    """Return what of an address may be shown: no name or password, no path, no query.

    >>> shown_address("https://user:pass@hooks.example.org:8443/services/T0/secret?token=1")
    'https://hooks.example.org:8443'
    """
    scheme, _, rest = url.partition("://")
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    return f"{scheme}://{authority.rpartition('@')[2]}"


def _ping_address(url: str, word: str) -> str:
    """Return the address to ask, with a word at the end of its path.

    >>> _ping_address("https://hc.example.org/uuid?a=b", "fail")
    'https://hc.example.org/uuid/fail?a=b'
    """
    if not word:
        return url
    path, mark, query = url.partition("?")
    return f"{path.rstrip('/')}/{word}{mark}{query}"
