"""The sealed copy of a catalog: small, whole and without rows of blocks, so that a whole lab can read it from a share.

What millions of rows say is in it as sums: of each listing by array, and of what is on the share by prefix. No row of a
block is read for it, but for sums that are stale because another run is going on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    NullPool,
    Select,
    String,
    Table,
    create_engine,
    func,
    insert,
    select,
    type_coerce,
)

from catalog import migrate, queries
from catalog.engine import translated
from catalog.errors import CatalogDamagedError
from catalog.queries.rows import batches, put_batch, stream
from catalog.records import MirrorState, Seal
from catalog.sealed import seal, sealed_metadata
from catalog.session import Catalog
from catalog.tables import (
    JsonText,
    UtcText,
    array,
    bucket,
    checked_part,
    crop_document,
    damaged_object,
    document,
    earlier_document,
    evaluation,
    import_issue,
    listed_block,
    listed_object,
    metadata,
    mirror_state,
    mirrored_block,
    mirrored_object,
    shard,
    snapshot,
    snapshot_shard,
    source_document,
)

DOCUMENT_LIMIT_BYTES = 65_536
"""Larger documents stay out of the copy: real ones have some hundred bytes."""

_DIGESTED = {
    table.name
    for table in (
        listed_block,
        listed_object,
        mirrored_block,
        mirrored_object,
        mirror_state,
        shard,
        snapshot_shard,
        document,
        source_document,
        earlier_document,
        import_issue,
        crop_document,
        evaluation,
        checked_part,
        damaged_object,
    )
}
"""Of all other tables every row is copied; documents and evaluations may be millions, and are read on this machine."""
_KEYS_A_QUERY = 500


def write_sealed_copy(
    catalog: Catalog, file: Path, sealed: Seal, *, kept_names: Collection[str] = ()
) -> tuple[MirrorState, ...]:
    """Write the sealed copy of a catalog as a new SQLite file; return the sums that had to be counted for it.

    The copy shows one moment, whatever others write meanwhile. Sums that were never made can be kept by
    `queries.keep_sums`, so that they need not be counted again.

    Parameters
    ----------
    file
        On a local disk; must not be there.
    kept_names
        Of files right in a dataset's folder: whether they are on the share stays known, as of documents.

    Raises
    ------
    CatalogError
        The catalog cannot be read, or the copy not be written.
    """
    with catalog.read() as source, _new_file(file) as copy:
        for table in metadata.sorted_tables:
            if table.name not in _DIGESTED:
                _copy(source, copy, table, select(*_stored(table)))
        _copy(source, copy, document, select(*document.c).where(func.length(document.c.body) <= DOCUMENT_LIMIT_BYTES))
        _copy_listed_sums(source, copy)
        datasets = _datasets(source)
        counted = _copy_sums(source, copy, datasets)
        _copy_kept_objects(source, copy, datasets, kept_names)
        with translated(str(file)):
            copy.execute(insert(seal).values(asdict(sealed)))
    return counted


@contextmanager
def _new_file(file: Path) -> Iterator[Connection]:
    """Yield a connection to a new catalog with all tables at head; at its end the file is complete, and was checked."""
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool)
    try:
        with translated(str(file)), engine.connect() as connection:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            metadata.create_all(connection)
            sealed_metadata.create_all(connection)
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (migrate.OURS.head,))
            yield connection
            connection.commit()
            connection.exec_driver_sql("PRAGMA optimize")
        with translated(str(file)), engine.connect() as connection:
            _check(connection, file)
    finally:
        engine.dispose()


def _check(connection: Connection, file: Path) -> None:
    said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    loose = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if said != "ok" or loose is not None:
        found = str(said) if loose is None else f"a row of {loose[0]} that refers to a {loose[2]} which is not there"
        raise CatalogDamagedError("the copy of the catalog is damaged", str(file), found=found)


def _stored(table: Table) -> list[Any]:
    """Return the columns as they are stored: nothing is gained by reading JSON to write it again."""
    return [
        type_coerce(column, String).label(column.name) if isinstance(column.type, (JsonText, UtcText)) else column
        for column in table.columns
    ]


def _copy(source: Connection, copy: Connection, table: Table, query: Select[Any]) -> None:
    _put(copy, table, stream(source, query))


def _put(copy: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    for batch in batches(rows):
        put_batch(copy, table, batch)


def _copy_listed_sums(source: Connection, copy: Connection) -> None:
    """Write one shard for each array of each complete listing, with the sums of its shards."""
    counted = ("objects", "bytes", "n_blocks", "block_bytes")
    query = (
        select(
            snapshot_shard.c.snapshot_id,
            shard.c.bucket_id,
            shard.c.array_id,
            func.min(shard.c.prefix),
            *(func.sum(shard.c[name]) for name in counted),
        )
        .join(shard, shard.c.id == snapshot_shard.c.shard_id)
        .join(snapshot, snapshot.c.id == snapshot_shard.c.snapshot_id)
        .where(snapshot.c.is_complete)
        .group_by(snapshot_shard.c.snapshot_id, shard.c.bucket_id, shard.c.array_id)
        .order_by(snapshot_shard.c.snapshot_id, shard.c.bucket_id, shard.c.array_id)
    )
    sums = enumerate(stream(source, query), start=1)
    while page := list(islice(sums, _KEYS_A_QUERY)):
        rows = []
        for number, (snapshot_id, bucket_id, array_id, prefix, *counts) in page:
            digest = snapshot_id.to_bytes(8, "big") + (array_id or 0).to_bytes(8, "big")
            rows.append((number, bucket_id, array_id, prefix, digest, *map(int, counts)))
        _put(copy, shard, rows)
        _put(copy, snapshot_shard, [(snapshot_id, number) for number, (snapshot_id, *_) in page])


def _datasets(source: Connection) -> dict[tuple[int, str], str]:
    """Return the key prefix of each dataset, by bucket and name."""
    return {
        (bucket_id, name): f"{queries.bucket_prefix(source, bucket_id)}{name}/"
        for bucket_id in source.execute(select(bucket.c.id).order_by(bucket.c.id)).scalars().all()
        for name in queries.dataset_names(source, bucket_id)
    }


def _copy_sums(
    source: Connection, copy: Connection, datasets: Mapping[tuple[int, str], str]
) -> tuple[MirrorState, ...]:
    """Write a sum for each prefix: as it is kept, else counted now; return those that were counted."""
    _copy(source, copy, mirror_state, select(*mirror_state.c).where(~mirror_state.c.is_stale))
    t = mirror_state.c
    kept = set(stream(source, select(t.bucket_id, t.prefix).where(~t.is_stale)))
    arrays = stream(source, select(array.c.bucket_id, array.c.prefix, array.c.path))
    missing = {(bucket_id, f"{prefix}{path}/" if path else prefix) for bucket_id, prefix, path in arrays} - kept
    counted: list[MirrorState] = []
    for (bucket_id, _), prefix in datasets.items():
        inside = {place for of_bucket, place in missing if of_bucket == bucket_id and place.startswith(prefix)}
        if (bucket_id, prefix) not in kept:
            inside.add(prefix)
        if inside:
            records = queries.arrays(source, bucket_id, prefix)
            states = queries.mirror_states(source, bucket_id, prefix, records)
            counted += [states[place] for place in sorted(inside)]
    queries.keep_sums(copy, counted)
    return tuple(counted)


def _copy_kept_objects(
    source: Connection, copy: Connection, datasets: Mapping[tuple[int, str], str], names: Collection[str]
) -> None:
    """Write the rows of objects on the share that are documents, or have one of the names in a dataset's folder."""
    wanted = set(stream(source, select(document.c.bucket_id, document.c.key)))
    wanted |= {(bucket_id, f"{prefix}{name}") for (bucket_id, _), prefix in datasets.items() for name in names}
    t = mirrored_object.c
    for bucket_id in sorted({bucket_id for bucket_id, _ in wanted}):
        keys = iter(sorted(key for of_bucket, key in wanted if of_bucket == bucket_id))
        while some := list(islice(keys, _KEYS_A_QUERY)):
            query = select(*mirrored_object.c).where(t.bucket_id == bucket_id, t.key.in_(some))
            _copy(source, copy, mirrored_object, query)
