"""`oomirror catalog check|upgrade`: whether the catalog is sound, and how it comes to the newest revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from catalog import migrate, queries
from catalog.errors import CatalogDamagedError
from catalog.records import MirrorState
from catalog.session import Catalog, open_as_is, upgrade_catalog
from mirror.config import Settings
from mirror.report.model import CheckLine, UpgradeLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_Check = Literal["revision", "pages", "references", "sums", "listings", "tables"]


def check_catalog(settings: Settings, *, full: bool = False) -> tuple[CheckLine, ...]:
    """Return a line for each fault of the catalog, and one for each thing that has none. Writes nothing.

    Parameters
    ----------
    full
        Compare also each index with its rows, listings with the arrays that they list, and the tables with those that
        this version makes.

    Raises
    ------
    CatalogMissingError
        There is no catalog.
    CatalogLockedError
        Another process kept it locked.
    """
    with open_as_is(settings.catalog) as catalog:
        try:
            with catalog.read() as connection:
                return tuple(_lines(connection, catalog, full=full))
        except CatalogDamagedError as error:
            return (_line("pages", catalog.url, "a sound database", f"{error.found}. {error.hint}"),)


def upgrade(settings: Settings) -> UpgradeLine:
    """Bring the catalog to the newest revision, and return what was done; again, it does nothing.

    Raises
    ------
    CatalogMissingError
        There is no catalog.
    CatalogError
        It is newer, locked, damaged, or cannot be written.
    """
    done = upgrade_catalog(settings.catalog)
    return UpgradeLine(
        catalog=done.url,
        before=done.before,
        after=done.after,
        backup=None if done.backup is None else str(done.backup),
    )


def _lines(connection: Connection, catalog: Catalog, *, full: bool) -> Iterator[CheckLine]:
    head = migrate.OURS.head
    found = migrate.revision(connection)
    migrate.check_revision(connection, found)
    hint = "" if found == head else " (`oomirror catalog upgrade` brings it there)"
    yield _line("revision", catalog.url, head + hint, found or "an empty database", good=found == head)
    pages = queries.broken_pages(connection, with_indexes=full)
    yield from _faults("pages", [(catalog.url, "", text) for text in pages])
    references = queries.broken_references(connection)
    yield from _faults("references", [(text, "a row that is there", "none") for text in references])
    if found != head:
        return
    yield from _faults("sums", list(_wrong_sums(connection)))
    if full:
        yield from _faults("listings", list(_misread(connection)))
        yield from _faults(
            "tables", [(catalog.url, "as this version makes them", str(one)) for one in _drift(connection)]
        )


def _faults(check: _Check, faults: list[tuple[str, str, str]]) -> Iterator[CheckLine]:
    if not faults:
        yield _line(check, "", "", "", good=True)
    for place, expected, found in faults:
        yield _line(check, place, expected, found)


def _line(check: _Check, place: str, expected: str, found: str, *, good: bool = False) -> CheckLine:
    return CheckLine(check=check, good=good, place=place, expected=expected, found=found)


def _wrong_sums(connection: Connection) -> Iterator[tuple[str, str, str]]:
    for bucket_id, url in queries.buckets(connection).items():
        root = queries.bucket_prefix(connection, bucket_id)
        for name in queries.dataset_names(connection, bucket_id):
            for kept, counted in queries.wrong_sums(connection, bucket_id, name):
                place = f"{url}/{kept.prefix.removeprefix(root)}"
                yield place, f"the sum of the rows: {_sum(counted)}", _sum(kept)


def _misread(connection: Connection) -> Iterator[tuple[str, str, str]]:
    urls = queries.buckets(connection)
    for one in queries.misread_shards(connection):
        place = f"{urls[one.bucket_id]}/{one.prefix.removeprefix(queries.bucket_prefix(connection, one.bucket_id))}"
        yield place, "listed as an array (the next listing mends it)", f"{one.objects} objects of none"


def _sum(state: MirrorState) -> str:
    ways = (state.by_md5, state.by_multipart_etag, state.by_checksum, state.by_size_only, state.adopted)
    published = "published" if state.is_published else "not published"
    return f"{state.mirrored.objects} objects, {state.mirrored.bytes} B, verified {ways}, {published}"


def _drift(connection: Connection) -> list[object]:
    return list(migrate.drift(connection))
