"""Packages that come with an extra, and the sentence for who lacks them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from mirror.errors import UsageError


class ExtraMissingError(UsageError, ImportError):
    """What was asked for needs packages that are not installed."""


def check_extra(extra: str, packages: Mapping[str, str], *, what: str, thing: str = "") -> None:
    """Check that the packages of an extra are installed; imports none of them.

    Parameters
    ----------
    packages
        Module to package.
    what
        That cannot be done without them.

    Raises
    ------
    ExtraMissingError
        One of them is not.

    >>> check_extra("view", {"no_such_module": "no-such"}, what="cannot read voxels")
    Traceback (most recent call last):
    ...
    mirror.app.extras.ExtraMissingError: cannot read voxels; expected no-such, found no no-such. \
Install with: pip install 'oomirror[view]'
    """
    missing = [package for module, package in packages.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ExtraMissingError(
            what,
            thing,
            expected=", ".join(packages.values()),
            found=f"no {', '.join(missing)}",
            hint=f"Install with: pip install 'oomirror[{extra}]'",
        )
