"""The tables of the catalog, as SQLAlchemy Core knows them; the migrations make the same ones.

Core and not the ORM: docs/decisions/0002-core-not-orm.md.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)


class UtcText(TypeDecorator[datetime]):
    """A moment, stored as text `2026-11-24T00:41:31.250000+00:00`: sorts as it reads, on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the text of a moment; a naive one is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value.isoformat()}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the moment of a text."""
        return None if value is None else datetime.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value, stored as text with sorted keys: equal values are equal texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the text of a value; None stays NULL."""
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the value of a text."""
        return None if value is None else json.loads(value)


KeyText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes, as S3 lists keys: a prefix is then a range."""


def _key(target: str, *, cascades: bool = False) -> ForeignKey:
    return ForeignKey(target, ondelete="CASCADE" if cascades else None)


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
    Column("bucket_id", Integer, _key("bucket.id"), nullable=False),
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

array = Table(
    "array",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bucket_id", Integer, _key("bucket.id"), nullable=False),
    Column("prefix", KeyText, nullable=False),
    Column("path", KeyText, nullable=False),
    Column("format", Text, nullable=False),
    Column("shape_xyz", JsonText, nullable=False),
    Column("block_size_xyz", JsonText, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("compression", JsonText, nullable=False),
    Column("attributes_hash", LargeBinary),
    UniqueConstraint("bucket_id", "prefix", "path"),
)

document = Table(
    "document",
    metadata,
    Column("bucket_id", Integer, _key("bucket.id"), primary_key=True),
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
    Column("bucket_id", Integer, _key("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("run_id", Integer, _key("run.id"), nullable=False),
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
    Column("bucket_id", Integer, _key("bucket.id"), nullable=False),
    Column("array_id", Integer, _key("array.id")),
    Column("prefix", KeyText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    UniqueConstraint("bucket_id", "prefix", "digest"),
    Index(None, "array_id"),
)

snapshot_shard = Table(
    "snapshot_shard",
    metadata,
    Column("snapshot_id", Integer, _key("snapshot.id", cascades=True), primary_key=True),
    Column("shard_id", Integer, _key("shard.id"), primary_key=True),
    Index(None, "shard_id"),
    sqlite_with_rowid=False,
)

listed_block = Table(
    "listed_block",
    metadata,
    Column("shard_id", Integer, _key("shard.id", cascades=True), primary_key=True),
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
    Column("shard_id", Integer, _key("shard.id", cascades=True), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

mirrored_block = Table(
    "mirrored_block",
    metadata,
    Column("array_id", Integer, _key("array.id"), primary_key=True),
    Column("x", Integer, primary_key=True),
    Column("y", Integer, primary_key=True),
    Column("z", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    Column("how", SmallInteger, nullable=False),
    Column("run_id", Integer, _key("run.id"), nullable=False),
    sqlite_with_rowid=False,
)

mirrored_object = Table(
    "mirrored_object",
    metadata,
    Column("bucket_id", Integer, _key("bucket.id"), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    Column("how", SmallInteger, nullable=False),
    Column("run_id", Integer, _key("run.id"), nullable=False),
    sqlite_with_rowid=False,
)

finding = Table(
    "finding",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, _key("run.id"), nullable=False),
    Column("bucket_id", Integer, _key("bucket.id"), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("found", Text, nullable=False),
    Index(None, "run_id"),
    Index(None, "bucket_id", "dataset"),
)
