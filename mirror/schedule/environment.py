"""Which variables of this shell a job of cron needs: those that change what we do, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mirror.errors import UsageError

_CARRIED = re.compile(
    r"AWS_(CA_BUNDLE|CONFIG_FILE|PROFILE|SHARED_CREDENTIALS_FILE)|SSL_CERT_(DIR|FILE)|XDG_(CONFIG|DATA)_HOME"
    r"|(?i:(https?|all|no)_proxy)"
)
_KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
_OURS = "OOMIRROR_"
_NOT_SETTINGS = re.compile(r"OOMIRROR_(CONFIG$|TEST_|NOTICE_)")
# Whole tables may come as JSON: OOMIRROR_NOTIFY='{"webhook": ...}'.
_SECRET_NAMES = re.compile(r"(WEBHOOK|COMMAND|HEALTHCHECK|URI|PASSWORD|SECRET|TOKEN|KEY|^OOMIRROR_(NOTIFY|MONGO))$")
# A password may hold slashes, and a proxy may come without its scheme.
_SECRET_VALUE = re.compile(r"://[^/\s]*@|(^|/)[^/@\s]*:[^@\s]*@|(password|passwd|secret|token|key)=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a job is given."""

    variables: Mapping[str, str]
    """Sorted by name."""
    notes: tuple[str, ...] = ()
    """Sentences on what it is not given."""


def environment_of(environ: Mapping[str, str], *, python_path: str = "") -> Environment:
    """Return what a job needs of this environment.

    Parameters
    ----------
    python_path
        The PYTHONPATH without which the program would not be found; empty where it needs none.

    Raises
    ------
    UsageError
        One of our own settings holds a secret: without it the job would do something else, and with it every reader of
        the crontab would know it.
    """
    given = {name: value for name, value in sorted(environ.items()) if value}
    ours = {name: value for name, value in given.items() if name.upper().startswith(_OURS)}
    ours = {name: value for name, value in ours.items() if not _NOT_SETTINGS.match(name.upper())}
    for name, value in ours.items():
        if _SECRET_NAMES.search(name.upper()) or _SECRET_VALUE.search(value):
            raise UsageError(
                "a secret does not belong into a crontab", name, hint="Put it into the configuration file instead."
            )
    others = {name: value for name, value in given.items() if _CARRIED.fullmatch(name)}
    kept = {name: value for name, value in others.items() if not _SECRET_VALUE.search(value)}
    path = {"PYTHONPATH": python_path} if python_path else {}
    variables = {**ours, **kept, **path}
    left_out = sorted({*(others.keys() - kept.keys()), *(given.keys() & _KEYS)})
    return Environment(dict(sorted(variables.items())), tuple(map(_left_out, left_out)))


def _left_out(name: str) -> str:
    if name in _KEYS:
        return f"{name} is not given to the job: use `profile` in the configuration, and AWS's own files."
    return f"{name} holds a password, and is not given to the job."
