"""The program `crontab`, by which a user's crontab is read and written."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from mirror.errors import MirrorError

_SECONDS = 30.0


class NoCrontabError(MirrorError):
    """There is no cron here, or it does not let us."""


@dataclass(frozen=True, slots=True)
class Crontab:
    """The crontab of the user who runs this."""

    program: str = "crontab"
    """Its name, looked for in PATH, or its path."""

    def read(self) -> str:
        """Return the text; empty where there is no crontab.

        Raises
        ------
        NoCrontabError
            It cannot be read.
        """
        done = self._run("-l")
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "surrogateescape")
        if b"no crontab for" in done.stderr:
            return ""
        raise NoCrontabError("cannot read the crontab", self.program, found=_said(done))

    def write(self, text: str) -> None:
        """Make this the text; an empty one removes the crontab.

        Raises
        ------
        NoCrontabError
            cron refuses it; the crontab is as it was.
        """
        data = text.encode("utf-8", "surrogateescape")
        done = self._run("-", data=data) if data else self._run("-r")
        if done.returncode != 0 and not (not data and b"no crontab for" in done.stderr):
            raise NoCrontabError("cannot write the crontab", self.program, found=_said(done))
        if (found := self.read()) != text:
            raise NoCrontabError(
                "the crontab is not what was written",
                self.program,
                expected=f"{len(text)} characters",
                found=f"{len(found)}",
                hint="Somebody else may have changed it at this moment: look at `crontab -l`.",
            )

    def _run(self, argument: str, *, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        path = shutil.which(self.program)
        if path is None:
            raise NoCrontabError(
                "there is no crontab here",
                self.program,
                found="no such program in PATH",
                hint="Install cron (Debian: apt install cron), or take systemd's timers: "
                "`oomirror schedule install --print` shows them.",
            )
        environ = {**os.environ, "LC_ALL": "C"}
        try:
            return subprocess.run(  # noqa: S603  the program that PATH names
                [path, argument], input=data or b"", capture_output=True, env=environ, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCrontabError("cannot run crontab", path, found=type(error).__name__) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    words = " ".join(done.stderr.decode("utf-8", "replace").split())
    return words or f"exit code {done.returncode}"
