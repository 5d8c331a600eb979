"""What was looked at on the share, when and how, and what was found damaged or gone there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Table, Text

from catalog.tables.base import KeyText, UtcText, key_to, metadata

checked_part = Table(
    "checked_part",
    metadata,
    Column("bucket_id", Integer, key_to("bucket.id"), primary_key=True),
    Column("prefix", KeyText, primary_key=True),
    Column("depth", SmallInteger, primary_key=True),
    Column("checked_at", UtcText),
    Column("begun_at", UtcText),
    Column("resume_after", KeyText),
    Column("decoded_before", Integer),
    Column("run_id", Integer, key_to("run.id"), nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

damaged_object = Table(
    "damaged_object",
    metadata,
    Column("bucket_id", Integer, key_to("bucket.id"), primary_key=True),
    Column("key", KeyText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_upstream", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", LargeBinary, nullable=False),
    Column("hash", LargeBinary),
    Column("how", SmallInteger, nullable=False),
    Column("mirrored_run_id", Integer, key_to("run.id"), nullable=False),
    Column("run_id", Integer, key_to("run.id"), nullable=False),
    Column("found_at", UtcText, nullable=False),
    sqlite_with_rowid=False,
)
