"""`[notify]`: can each receiver be told. Nobody is told anything, and no secret is shown.

Addresses are shown as notices show them: scheme and host. Of a command nothing is shown.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from mirror.app.notices import shown_address
from mirror.config import NotifySettings
from mirror.report.doctor import Diagnosis, note, ok, problem
from mirror.store.proxy import proxy_for
from mirror.store.words import without_passwords

CONNECT_SECONDS = 4.0
_SHELL = ("/bin/sh", "-c")
_PLAIN_WORD = re.compile(r"[\w./+-]+")
_PORTS = {"http": 80, "https": 443}


async def look_at_receivers(settings: NotifySettings) -> Iterable[Diagnosis]:
    """Return what is to be said of each receiver; nothing where there is none."""
    said: list[Diagnosis] = []
    if settings.metrics is not None:
        said += await asyncio.to_thread(lambda path: tuple(metrics(path)), settings.metrics)
    if settings.command is not None:
        said.append(await asyncio.to_thread(command, settings.command.get_secret_value()))
    for name, address in (("webhook", settings.webhook), ("healthcheck", settings.healthcheck)):
        if address is not None:
            said.append(await connects(name, address.get_secret_value()))
    return said


def metrics(file: Path) -> Iterator[Diagnosis]:
    """Yield whether the file for Prometheus can be written: beside it, and then renamed."""
    folder = file.parent
    if not folder.is_dir():
        yield problem("metrics", f"{folder} is not there", "Make it, or set `metrics` of [notify] to another file.")
    elif file.is_dir():
        yield problem("metrics", f"{file} is a folder", "Set `metrics` of [notify] to a file in it.")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield problem("metrics", f"you may not write in {folder}", "Ask its owner, as of node_exporter, to let you.")
    elif file.suffix != ".prom":
        yield note("metrics", f"{file}: can be written", "node_exporter reads files whose names end with .prom only.")
    else:
        yield ok("metrics", f"{file}: can be written")


def command(argv: tuple[str, ...]) -> Diagnosis:
    """Return whether the program of a command is there and can be executed; it is not."""
    word = _program_of(argv)
    if word is None:
        return ok("command", "a line for the shell, of which the program cannot be told")
    if not _is_executable(word, by_shell=argv[:2] == _SHELL):
        advice = "Give the path of a program that you may execute in `command` of [notify]."
        return problem("command", "its program is not there, or cannot be executed", advice)
    if "/" in word and not word.startswith("/"):
        return note(
            "command", "its program is found from this folder only", "Give its absolute path: cron is elsewhere."
        )
    return ok("command", "its program is there")


def _program_of(argv: tuple[str, ...]) -> str | None:
    """Return the program that is started first, None where a line for the shell begins with something else."""
    if argv[:2] != _SHELL:
        return argv[0]
    try:
        words = shlex.split(argv[2], comments=True)
    except (ValueError, IndexError):
        return None
    return words[0] if words and _PLAIN_WORD.fullmatch(words[0]) else None


def _is_executable(word: str, *, by_shell: bool) -> bool:
    if shutil.which(word) is not None:
        return True
    if not by_shell or "/" in word:
        return False
    # Of its own words only the shell knows. This one is asked for, not executed.
    ask = [*_SHELL, 'command -v -- "$1"', "sh", word]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0  # noqa: S603  no word of it is run


async def connects(name: str, url: str) -> Diagnosis:
    """Return whether a connection to a receiver, or to the proxy before it, comes about; nothing is sent through it."""
    shown = shown_address(url)
    proxy = proxy_for(url)
    way = f", by the proxy {without_passwords(proxy)}" if proxy else ""
    fault = await _fault_of(proxy or url)
    if fault:
        advice = f"See that `{name}` of [notify] is right, and that this machine may reach it."
        return problem(name, f"{shown}{way}: {fault}", advice)
    return ok(name, f"{shown}{way}: can be connected to; nothing was sent")


async def _fault_of(url: str) -> str:
    """Return why no connection comes about, in words without the address; empty where one does."""
    try:
        parts = urlsplit(url)
        context = ssl.create_default_context() if parts.scheme == "https" else None
        async with asyncio.timeout(CONNECT_SECONDS):
            port = parts.port or _PORTS[parts.scheme]
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
            writer.close()
    except TimeoutError:
        return f"no connection in {CONNECT_SECONDS:g} s"
    except ssl.SSLCertVerificationError:
        return "its certificate is not trusted"
    except ssl.SSLError:
        return "it does not speak TLS"
    except (socket.gaierror, ValueError):  # UnicodeError, too: no host can be called so.
        return "no such host"
    except OSError as error:
        return f"cannot connect: {os.strerror(error.errno) if error.errno and error.errno > 0 else 'refused'}"
    return ""
