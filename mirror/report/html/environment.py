"""What every page is made with: templates that escape, styles that pages share, how data is shown as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mirror.report.numbers import format_bytes, format_count, format_utc
from mirror.report.text.table import plain

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent


def make_environment(filters: Mapping[str, Callable[..., object]]) -> Environment:
    """Return the environment of the templates beside this module.

    All that they show is escaped, control characters are written out, and a name that is not given is an error.

    Parameters
    ----------
    filters
        Beside those that all pages have: `bytes`, `count`, `date`, `utc`, `path`.
    """
    # Jinja takes a tenth of a second to import, and only pages need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
    )
    common = {"bytes": format_bytes, "count": format_count, "date": format_date, "utc": format_utc, "path": breakable}
    environment.filters |= {**common, **filters}
    return environment


def read(name: str) -> str:
    """Return one of the files beside this module: a style, or a script."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def _finalized(value: object) -> object:
    # Strings alone: Markup is one, and has been made from such.
    return plain_lines(value) if type(value) is str else value


def plain_lines(text: str) -> str:
    """Return the text with all but its line breaks written out that no page can show, as control characters."""
    return "\n".join(map(plain, text.split("\n")))


def breakable(path: str) -> Markup:
    """Return a path that may be broken after its slashes.

    >>> breakable("labels/<er>")
    Markup('labels/<wbr>&lt;er&gt;')
    """
    from markupsafe import Markup, escape

    return Markup("/<wbr>").join(escape(plain(part)) for part in path.split("/"))


def format_date(moment: datetime) -> str:
    """Return a moment in UTC, to the minute.

    >>> from datetime import UTC
    >>> format_date(datetime(2026, 1, 4, 5, tzinfo=UTC))
    '2026-01-04 05:00 UTC'
    """
    return f"{format_utc(moment)[:16].replace('T', ' ')} UTC"
