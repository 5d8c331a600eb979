"""What the buckets have, what the share has, what was found odd about it, and the runs that came to know."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
    true,
)

from catalog.tables.base import JsonText, KeyText, UtcText, key_to, metadata

share = Table(
    "share",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    UniqueConstraint("uuid"),
    CheckConstraint("id = 1", name="only_one"),
)

bucket = Table(
    "bucket",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    UniqueConstraint("url"),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("datasets", JsonText, nullable=False),
    Column("selection", JsonText, nullable=False),
    Column("started_at", UtcText, nullable=False),
    Column("finished_at", UtcText),
    Column("state", Text, nullable=False),
    Column("exit_code", Integer),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("counters", JsonText),
)

dataset = Table(
    "dataset",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("discovered_at", UtcText),
    Column("digest", LargeBinary),
    UniqueConstraint("bucket_id", "name"),
)

container = Table(
    "container",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dataset_id", Integer, key_to("dataset.id", cascades=True), nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("format", Text, nullable=False),
    Column("version", Text),
    Column("is_present", Boolean, nullable=False),
    UniqueConstraint("dataset_id", "prefix"),
)

volume = Table(
    "volume",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("container_id", Integer, key_to("container.id", cascades=True), nullable=False),
    Column("path", KeyText, nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("kind", Text),
    Column("organelle_class", Text),
    Column("is_present", Boolean, nullable=False),
    UniqueConstraint("container_id", "path"),
    Index(None, "prefix"),
)

array = Table(
    "array",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("path", KeyText, nullable=False),
    Column("format", Text, nullable=False),
    Column("shape_xyz", JsonText, nullable=False),
    Column("block_size_xyz", JsonText, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("compression", JsonText, nullable=False),
    Column("attributes_hash", LargeBinary),
    Column("volume_id", Integer, key_to("volume.id")),
    Column("level_index", Integer),
    Column("level_name", Text),
    Column("inner_block_size_xyz", JsonText),
    Column("axes_xyz", JsonText),
    Column("voxel_size_nm_xyz", JsonText),
    Column("translation_nm_xyz", JsonText),
    Column("placement_source", Text),
    Column("n_blocks", BigInteger),
    Column("raw_bytes", BigInteger),
    Column("is_present", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("bucket_id", "prefix", "path"),
    Index(None, "volume_id"),
)

document = Table(
    "document",
    metadata,
    Column("bucket_id", Integer, key_to("bucket.id"), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("etag", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    sqlite_with_rowid=False,
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("run_id", Integer, key_to("run.id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("started_at", UtcText, nullable=False),
    Column("finished_at", UtcText),
    Column("is_complete", Boolean, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index(None, "bucket_id", "dataset"),
    Index(None, "run_id"),
)

shard = Table(
    "shard",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("array_id", Integer, key_to("array.id")),
    Column("prefix", KeyText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("n_blocks", BigInteger, nullable=False, server_default="0"),
    Column("block_bytes", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("bucket_id", "prefix", "digest"),
    Index(None, "array_id"),
)

snapshot_shard = Table(
    "snapshot_shard",
    metadata,
    Column("snapshot_id", Integer, key_to("snapshot.id", cascades=True), primary_key=True),
    Column("shard_id", Integer, key_to("shard.id"), primary_key=True),
    Index(None, "shard_id"),
    sqlite_with_rowid=False,
)

listed_block = Table(
    "listed_block",
    metadata,
    Column("shard_id", Integer, key_to("shard.id", cascades=True), primary_key=True),
    Column("x", Integer, primary_key=True),
    Column("y", Integer, primary_key=True),
    Column("z", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

listed_object = Table(
    "listed_object",
    metadata,
    Column("shard_id", Integer, key_to("shard.id", cascades=True), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

mirrored_block = Table(
    "mirrored_block",
    metadata,
    Column("array_id", Integer, key_to("array.id"), primary_key=True),
    Column("x", Integer, primary_key=True),
    Column("y", Integer, primary_key=True),
    Column("z", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    Column("how", SmallInteger, nullable=False),
    Column("run_id", Integer, key_to("run.id"), nullable=False),
    sqlite_with_rowid=False,
)

mirrored_object = Table(
    "mirrored_object",
    metadata,
    Column("bucket_id", Integer, key_to("bucket.id"), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    Column("how", SmallInteger, nullable=False),
    Column("run_id", Integer, key_to("run.id"), nullable=False),
    sqlite_with_rowid=False,
)

mirror_state = Table(
    "mirror_state",
    metadata,
    Column("bucket_id", Integer, key_to("bucket.id"), primary_key=True),
    Column("prefix", KeyText, primary_key=True),
    Column("is_stale", Boolean, nullable=False),
    Column("is_published", Boolean, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("by_md5", BigInteger, nullable=False),
    Column("by_multipart_etag", BigInteger, nullable=False),
    Column("by_checksum", BigInteger, nullable=False),
    Column("by_size_only", BigInteger, nullable=False),
    Column("adopted", BigInteger, nullable=False),
    Column("first_run_id", Integer, key_to("run.id")),
    Column("last_run_id", Integer, key_to("run.id")),
    sqlite_with_rowid=False,
)

fact = Table(
    "fact",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("value", JsonText, nullable=False),
    sqlite_with_rowid=False,
)

manifest = Table(
    "manifest",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("imported_at", UtcText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("dataset"),
)

annotation = Table(
    "annotation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("manifest_id", Integer, key_to("manifest.id", cascades=True), nullable=False),
    Column("bucket_url", Text, nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("name", Text, nullable=False),
    Column("format", Text),
    Column("content_type", Text),
    Column("sample_type", Text),
    Column("description", Text),
    Column("is_mirrored_y", Boolean),
    Index(None, "manifest_id"),
    Index(None, "prefix"),
)

change = Table(
    "change",
    metadata,
    Column("run_id", Integer, key_to("run.id", cascades=True), primary_key=True),
    Column("prefix", KeyText, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("example", KeyText, nullable=False),
    Index(None, "bucket_id", "dataset"),
    sqlite_with_rowid=False,
)

comparison = Table(
    "comparison",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("question", JsonText, nullable=False),
    Column("made_at", UtcText, nullable=False),
    Column("a_snapshot_id", Integer),
    Column("b_snapshot_id", Integer),
    Column("report", JsonText, nullable=False),
    Index(None, "dataset"),
)

search_entry = Table(
    "search_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", KeyText, nullable=False),
    Column("title", Text, nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("bucket_id", "kind", "place"),
    Index(None, "bucket_id", "dataset"),
)

SEARCH_INDEX = "search_index"
"""Prefix of the names of what the full-text search is made of: no table of ours, and not compared by alembic."""

_SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_entry', content_rowid='id')",
    """CREATE TRIGGER search_index_insert AFTER INSERT ON search_entry BEGIN
    INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END""",
    """CREATE TRIGGER search_index_delete AFTER DELETE ON search_entry BEGIN
    INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words); END""",
    """CREATE TRIGGER search_index_update AFTER UPDATE ON search_entry BEGIN
    INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END""",
)
_SEARCH_POSTGRESQL = (
    "CREATE INDEX search_index_words ON search_entry USING gin (to_tsvector('simple'::regconfig, words))",
)
for _dialect, _statements in (("sqlite", _SEARCH_SQLITE), ("postgresql", _SEARCH_POSTGRESQL)):
    for _statement in _statements:
        event.listen(search_entry, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]


def is_compared(name: str | None, type_: str, _parents: object) -> bool:
    """Return whether alembic looks at something of this name: not at what full-text search is made of."""
    return type_ not in {"table", "index"} or not (name or "").startswith(SEARCH_INDEX)


finding = Table(
    "finding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, key_to("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("first_seen_at", UtcText, nullable=False),
    Column("closed_at", UtcText),
    Index(None, "bucket_id", "dataset"),
)
