"""What the doctor says of `[notify]`: nobody is told anything, and no secret is shown."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.app.doctor import receivers
from mirror.app.doctor.receivers import look_at_receivers
from mirror.config import NotifySettings
from mirror.report.doctor import Diagnosis

SECRET = "T0ken"


def look(**settings: object) -> list[Diagnosis]:
    """Return what is said of such settings, and check that no secret is in it, and that what is amiss has advice."""
    said = list(asyncio.run(look_at_receivers(NotifySettings.model_validate(settings))))
    assert SECRET not in repr(said)
    assert all(one.advice.endswith(".") for one in said if one.state != "ok")
    return said


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that takes connections, and counts what is sent through none of them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def test_nothing_to_look_at() -> None:
    """Without receivers nothing is said."""
    assert look() == []


@pytest.mark.parametrize("name", ["webhook", "healthcheck"])
def test_receiver_that_can_be_connected_to(name: str, listener: socket.socket) -> None:
    """It is told by scheme and host, and not a byte is sent."""
    port = listener.getsockname()[1]
    (said,) = look(**{name: f"http://ada:{SECRET}@127.0.0.1:{port}/{SECRET}?a={SECRET}"})
    assert (said.name, said.state) == (name, "ok")
    assert f"http://127.0.0.1:{port}:" in said.found
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        assert connection.recv(1) == b""


ADDRESSES = {
    "refused": (f"http://127.0.0.1:9/{SECRET}", "Connection refused"),
    "unknown": (f"https://nobody.invalid/{SECRET}", "no such host"),
    "no-host": (f"http://{'a' * 70}.example/{SECRET}", "no such host"),
    "no-port": (f"http://127.0.0.1:99999/{SECRET}", "no such host"),
}


@pytest.mark.parametrize(("url", "words"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_receiver_out_of_reach(url: str, words: str) -> None:
    """It is a problem, with the reason."""
    (said,) = look(webhook=url)
    assert said.state == "problem"
    assert words in said.found


def test_receiver_that_is_silent(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes connections and does not answer the greeting of TLS holds nobody up."""
    monkeypatch.setattr(receivers, "CONNECT_SECONDS", 0.1)
    (said,) = look(webhook=f"https://127.0.0.1:{listener.getsockname()[1]}/{SECRET}")
    assert said.state == "problem"
    assert "no connection in 0.1 s" in said.found


def test_receiver_behind_a_proxy(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy that must be there; its password is not shown."""
    monkeypatch.setenv("https_proxy", f"http://ada:{SECRET}@127.0.0.1:{listener.getsockname()[1]}")
    (said,) = look(webhook=f"https://nobody.invalid/{SECRET}")
    assert said.state == "ok"
    assert "by the proxy http://127.0.0.1" in said.found


COMMANDS = {
    "line": (f"cat > /dev/null; echo {SECRET}", "ok"),
    "line-of-the-shells-own": (f"read {SECRET}", "ok"),
    "line-that-sets-something": (f"{SECRET}=1 nobody", "ok"),
    "line-without-program": (f"no-such-program {SECRET}", "problem"),
    "line-without-file": (f"/nowhere/{SECRET}", "problem"),
    "words": (["/bin/cat", SECRET], "ok"),
    "words-of-the-shells-own": (["read", SECRET], "problem"),
    "no-program": ([f"/nowhere/{SECRET}"], "problem"),
    "folder": (["/tmp"], "problem"),
    "relative": (["./tell", SECRET], "note"),
}


@pytest.mark.parametrize(("command", "state"), COMMANDS.values(), ids=COMMANDS.keys())
def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str | list[str], state: str) -> None:
    """Its program must be there and executable; it is not started."""
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "tell"
    program.write_text("#!/bin/sh\ntouch told\n")
    program.chmod(0o755)
    (said,) = look(command=command)
    assert (said.name, said.state) == ("command", state)
    assert os.listdir(tmp_path) == ["tell"]


def test_metrics(tmp_path: Path) -> None:
    """Their folder must be there and take files; another ending than node_exporter's is a note."""
    (tmp_path / "folder").mkdir()
    cases = {"x.prom": "ok", "x.txt": "note", "folder": "problem", "nowhere/x.prom": "problem"}
    assert {name: look(metrics=str(tmp_path / name))[0].state for name in cases} == cases


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_metrics_where_one_may_not_write(tmp_path: Path) -> None:
    """That is a problem."""
    tmp_path.chmod(0o500)
    assert look(metrics=str(tmp_path / "x.prom"))[0].state == "problem"
