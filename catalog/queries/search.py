"""Full-text search over what the catalog names: FTS5 on SQLite, its own text search on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Select, column, delete, func, insert, literal_column, select, table

from catalog.records import SearchEntry
from catalog.tables import SEARCH_INDEX, search_entry

_WORD = re.compile(r"[^\W_]+")


def words_of(*texts: str) -> str:
    """Return the words of some texts as they are searched: lower case, each once, with blanks between them.

    >>> words_of("labels/mito-mem_seg", "Mitochondria")
    'labels mito mem seg mitochondria'
    """
    found = [word for text in texts for word in _WORD.findall(text.casefold())]
    return " ".join(dict.fromkeys(found))


def put_search_entries(
    connection: Connection, bucket_id: int, dataset: str, records: Iterable[SearchEntry], *, kinds: Collection[str] = ()
) -> None:
    """Keep what search finds of a dataset, instead of what it found before.

    Parameters
    ----------
    kinds
        Only entries of these kinds are replaced; none given: all.
    """
    replaced = [search_entry.c.bucket_id == bucket_id, search_entry.c.dataset == dataset]
    if kinds:
        replaced.append(search_entry.c.kind.in_(sorted(kinds)))
    connection.execute(delete(search_entry).where(*replaced))
    names = [one.name for one in search_entry.columns if one.name != "id"]
    rows = [{name: getattr(record, name) for name in names} for record in records]
    if rows:
        connection.execute(insert(search_entry), rows)


def search(connection: Connection, text: str, *, limit: int = 100) -> tuple[SearchEntry, ...]:
    """Return what has all words of `text`, or words that begin with them, the best first.

    What has the words themselves comes before what only begins with them; then short texts before long ones.
    """
    wanted = words_of(text).split()
    if not wanted:
        return ()
    query = _sqlite(wanted) if connection.dialect.name == "sqlite" else _postgresql(wanted)
    names = [one.name for one in search_entry.columns if one.name != "id"]
    found = connection.execute(query).mappings()
    entries = [SearchEntry(**{name: row[name] for name in names}) for row in found]
    entries.sort(key=lambda entry: (_n_missing(wanted, entry), len(entry.words), entry.place))
    return tuple(entries[:limit])


def _n_missing(wanted: list[str], entry: SearchEntry) -> int:
    return len(set(wanted).difference(entry.words.split()))


def _sqlite(wanted: list[str]) -> Select[tuple[object, ...]]:
    index = table(SEARCH_INDEX, column("rowid"))
    matching = " ".join(f'"{word}"*' for word in wanted)
    # MATCH stands beside the table's own name, which is its hidden column.
    condition = literal_column(SEARCH_INDEX).op("MATCH")(matching)
    return select(search_entry).join(index, index.c.rowid == search_entry.c.id).where(condition)


def _postgresql(wanted: list[str]) -> Select[tuple[object, ...]]:
    simple: ColumnElement[str] = literal_column("'simple'::regconfig")
    matching = " & ".join(f"{word}:*" for word in wanted)
    vector = func.to_tsvector(simple, search_entry.c.words)
    return select(search_entry).where(vector.op("@@")(func.to_tsquery(simple, matching)))
