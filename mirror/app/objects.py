"""`oomirror catalog objects`: every object of a dataset, in the bucket and on the share, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogError
from catalog.queries import ObjectRow
from catalog.records import HOW_ADOPTED
from mirror.app.levels import Known, level_lines, read_known
from mirror.app.lookup import Place, check_word, find_places
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.errors import UsageError
from mirror.objects import Verification, unpack_etag
from mirror.report.model import ObjectLine

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection


@dataclass(slots=True)
class ObjectList:
    """The objects of a dataset. Open it as a context: the catalog is read while its lines are taken, once."""

    settings: Settings
    dataset: str
    bucket: str | None = None
    prefix: str | None = None
    """Beginning of the keys below the dataset's folder, as text."""
    volume: str | None = None
    level: str | None = None
    limit: int | None = None
    n_listed: int = 0
    """Objects that were listed in what was asked for, as its sums say; known once it is open."""
    n_shown: int = 0
    """Of these and of others: how many lines were taken so far."""
    is_cut: bool = False
    """Whether there were more than `limit`."""
    n_rows: int = 0
    """Of those listed: how many the catalog has rows of; a published one keeps sums of the blocks alone."""
    _opened: ExitStack = field(default_factory=ExitStack)
    _scopes: list[tuple[Place, str]] = field(default_factory=list)
    _connection: Connection | None = None

    def __enter__(self) -> Self:
        """Open the catalog and find what was asked for.

        Raises
        ------
        UnknownNameError
            A bucket, dataset, volume or level that the catalog does not know.
        UsageError
            A level without a volume, or a prefix beside a volume.
        CatalogError
            There is no catalog of this machine, or it cannot be read.
        """
        if self.level is not None and self.volume is None:
            raise UsageError("a level is one of a volume", f"--level {self.level}", hint="Give --volume, too.")
        if self.prefix is not None and self.volume is not None:
            raise UsageError("cannot look in two places", "--prefix and --volume", hint="Give one of them.")
        with ExitStack() as stack:
            catalog = stack.enter_context(catalog_for_reading(self.settings))
            if catalog.is_published:
                raise _no_rows(catalog.url)
            connection = stack.enter_context(catalog.read())
            places = find_places(connection, self.settings, bucket=self.bucket, dataset=self.dataset)
            self._scopes = list(self._find_scopes(connection, places))
            self.n_listed = sum(self._count(connection, place, scope) for place, scope in self._scopes)
            self._connection, self._opened = connection, stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def lines(self) -> Iterator[ObjectLine]:
        """Yield the objects, at most `limit`."""
        if self._connection is None:
            raise TypeError("the list is not open")
        for place, scope in self._scopes:
            for row in queries.objects_below(self._connection, place.bucket_id, place.dataset, scope):
                if self.n_shown == self.limit:
                    self.is_cut = True
                    return
                self.n_shown += 1
                self.n_rows += row.listed is not None
                yield _line(place, row)

    def _find_scopes(self, connection: Connection, places: tuple[Place, ...]) -> Iterator[tuple[Place, str]]:
        """Yield the full key prefixes that were asked for, each with its dataset."""
        if self.volume is None:
            yield from ((place, place.prefix + (self.prefix or "")) for place in places)
            return
        known = [(place, read_known(connection, place)) for place in places]
        lines = [line for _, one in known for line in level_lines(one)]
        volumes = {volume.path for _, one in known for volume in one.volumes.values()}
        check_word("volume", self.volume, volumes | {line.volume for line in lines})
        levels = {line.level for line in lines if line.volume == self.volume and line.level is not None}
        check_word("level", self.level, levels)
        for place, one in known:
            yield from ((place, prefix) for prefix in _prefixes(one, self.volume, self.level))

    @staticmethod
    def _count(connection: Connection, place: Place, scope: str) -> int:
        parts = queries.listed_parts(connection, place.bucket_id, place.dataset, scope)
        return sum(part.listed.objects for part in parts if part.prefix.startswith(scope))


def _prefixes(known: Known, volume: str, level: str | None) -> tuple[str, ...]:
    """Return the full key prefixes of a volume or of one of its levels; several containers may have it."""
    levels = [line for line in level_lines(known) if line.volume == volume and level in {None, line.level}]
    whole = [one.prefix for one in known.volumes.values() if one.path == volume] if level is None else []
    return tuple(whole or (line.prefix for line in levels if line.prefix is not None))


def _line(place: Place, row: ObjectRow) -> ObjectLine:
    shown = row.listed or row.mirrored
    if shown is None:
        raise TypeError(f"an object that is nowhere: {row.key}")
    how = None if row.how is None else Verification(row.how & ~HOW_ADOPTED)
    return ObjectLine(
        key=row.key,
        bucket=place.bucket,
        dataset=place.dataset,
        size=shown.size,
        etag=unpack_etag(shown.etag) if shown.etag else "",
        in_bucket=row.in_bucket,
        on_share=row.mirrored is not None,
        current=row.listed == row.mirrored if row.listed and row.mirrored else None,
        verified=None if how is None else how.word,
        adopted=None if row.how is None else row.how >= HOW_ADOPTED,
        run=row.run_id,
    )


def _no_rows(thing: str) -> CatalogError:
    return CatalogError(
        "the published catalog tells levels, and not their objects",
        thing,
        hint="Run this on the machine that mirrors, whose own catalog has them.",
    )
