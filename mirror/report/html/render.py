"""The page of the share, made from its template: one file, which asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote

from mirror.report.html.environment import make_environment, read
from mirror.report.html.page import Checked, Level, Page, Wholeness, n_of
from mirror.report.numbers import format_bytes, format_count, format_share, format_utc, plural

_DATASETS = "https://openorganelle.janelia.org/datasets/"
_FEW = 4
"""So many datasets are shown unfolded."""


def render_page(page: Page) -> str:
    """Return the page as HTML; everything that came from a bucket is escaped, control characters are written out."""
    script = read("page.js")
    environment = make_environment({"day": format_day, "numbers": format_numbers})
    levels = [level for dataset in page.here for level in dataset.levels]
    return environment.get_template("page.html.j2").render(
        page=page,
        checked=Checked.of(dataset.checked for dataset in page.here),
        n_whole=n_of(levels, Wholeness.WHOLE),
        n_partial=n_of(levels, Wholeness.PARTIAL),
        n_unknown=n_of(levels, Wholeness.UNKNOWN),
        n_oddities=sum(len(dataset.oddities) for dataset in page.here),
        style=read("base.css") + read("page.css"),
        script=script,
        script_hash=script_hash(script),
        is_short=len(page.here) <= _FEW,
        link=link,
        upstream=lambda name: _DATASETS + quote(name, safe="", errors="surrogatepass"),
        levels=level_marks,
        ways=format_ways,
        span=format_span,
        summary=format_levels,
        plural=plural,
        amount=lambda tally: f"{format_bytes(tally.bytes)} in {plural(tally.objects, 'object')}",
    )


def link(below_share: str) -> str:
    """Return the address of a file of the share, seen from the page.

    >>> link("bucket/a b/thumbnail.jpg")
    '../bucket/a%20b/thumbnail.jpg'
    """
    return "../" + quote(below_share, safe="/", errors="surrogatepass")


def script_hash(script: str) -> str:
    """Return the hash by which a page's policy allows one script and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def level_marks(levels: Iterable[Level]) -> list[tuple[str, str, str, str]]:
    """Return class, style, text and tip of each level's mark."""
    return [_mark(level) for level in levels]


def _mark(level: Level) -> tuple[str, str, str, str]:
    name, here = level.name or "all", f"{format_count(level.here.objects)}"
    size = format_bytes(level.here.bytes)
    match level.wholeness:
        case Wholeness.WHOLE:
            return "w", "", name, f"whole, {size}"
        case Wholeness.PARTIAL:
            part = format_share(level.here.objects, level.listed_objects or 0)
            percent = 100 * level.here.objects / (level.listed_objects or 1)
            return "p", f"--p:{percent:.0f}%", f"{name} {part}", f"{here} of {format_count(level.listed_objects or 0)}"
        case Wholeness.UNKNOWN:
            return "u", "", f"{name} ?", f"{here} here, {size}; the bucket was never listed"
        case Wholeness.NONE:
            return "n", "", name, ""


def format_ways(checked: Checked) -> str:
    """Return how objects were verified.

    >>> format_ways(Checked(md5=3)), format_ways(Checked(md5=99, size_only=1, adopted=4))
    ('MD5', 'MD5 99 %, size only 1 %; 4 adopted')
    """
    ways = {
        "MD5": checked.md5,
        "multipart ETag": checked.multipart_etag,
        "checksum": checked.checksum,
        "size only": checked.size_only,
    }
    used = [(name, n) for name, n in ways.items() if n]
    if not used:
        return "not verified"
    parts = [name if len(used) == 1 else f"{name} {format_share(n, checked.objects)}" for name, n in used]
    adopted = "adopted" if checked.adopted == checked.objects else f"{format_count(checked.adopted)} adopted"
    return ", ".join(parts) + (f"; {adopted}" if checked.adopted else "")


def format_span(checked: Checked) -> str:
    """Return the day, or the days between which objects were verified."""
    first, last = checked.first_at, checked.last_at
    if last is None:
        return "never"
    if first is None or first.date() == last.date():
        return format_day(last)
    return f"{format_day(first)} to {format_day(last)}"


def format_day(moment: datetime) -> str:
    """Return the day of a moment, in UTC.

    >>> from datetime import UTC
    >>> format_day(datetime(2026, 1, 4, 5, tzinfo=UTC))
    '2026-01-04'
    """
    return format_utc(moment)[:10]


def format_numbers(values: Sequence[float]) -> str:
    r"""Return lengths along axes.

    >>> format_numbers((5.24, 4.0, 4.0)) == "5.24 \u00d7 4 \u00d7 4"
    True
    """
    return " \u00d7 ".join(f"{value:.10g}" for value in values)


def format_levels(levels: Sequence[Level]) -> str:
    """Return how many levels are whole, and how many are not."""
    here = {one: n_of(levels, one) for one in Wholeness}
    parts = [plural(here[Wholeness.WHOLE], "whole level")]
    parts += [f"{n} {word}" for word, n in (("partial", here[Wholeness.PARTIAL]),) if n]
    if here[Wholeness.UNKNOWN]:
        parts.append(f"{here[Wholeness.UNKNOWN]} not compared")
    return ", ".join(parts)
