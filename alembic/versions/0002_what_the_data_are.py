"""What the data are: datasets, containers, volumes, facts, manifests, and sums of the mirror's state.

Revision 0002. Arrays become levels of volumes and say where their voxels lie; what they already say is kept, and their
datasets, containers and volumes are derived from their paths, so that nothing waits for the next scan. Findings are
kept once, with the time they were first and last true, instead of once a run.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LEVEL = re.compile(r"s(0|[1-9][0-9]{0,3})")

TABLES = (
    "dataset",
    "container",
    "volume",
    "mirror_state",
    "fact",
    "manifest",
    "annotation",
    "change",
    "search_entry",
)
"""In the order of their making: none refers to a later one."""

SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_entry', content_rowid='id')",
    """CREATE TRIGGER search_index_insert AFTER INSERT ON search_entry BEGIN
    INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END""",
    """CREATE TRIGGER search_index_delete AFTER DELETE ON search_entry BEGIN
    INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words); END""",
    """CREATE TRIGGER search_index_update AFTER UPDATE ON search_entry BEGIN
    INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO search_index(rowid, words) VALUES (new.id, new.words); END""",
)
SEARCH_POSTGRESQL = (
    "CREATE INDEX search_index_words ON search_entry USING gin (to_tsvector('simple'::regconfig, words))",
)

ARRAY_COLUMNS = {
    "volume_id": sa.Integer,
    "level_index": sa.Integer,
    "level_name": sa.Text,
    "inner_block_size_xyz": sa.Text,
    "axes_xyz": sa.Text,
    "voxel_size_nm_xyz": sa.Text,
    "translation_nm_xyz": sa.Text,
    "placement_source": sa.Text,
    "n_blocks": sa.BigInteger,
    "raw_bytes": sa.BigInteger,
}


def upgrade() -> None:
    """Create what is new, and fill it from what is known."""
    _create_descriptions()
    _create_annotations()
    _create_sums_and_search()
    _extend_arrays()
    _count_blocks_of_shards()
    _make_findings_lasting()
    _derive_descriptions()


def downgrade() -> None:
    """Drop what is new; findings that are over go, the others are said to be of the newest run of their bucket."""
    _make_findings_of_runs()
    with op.batch_alter_table("shard") as batch:
        batch.drop_column("block_bytes")
        batch.drop_column("n_blocks")
    with op.batch_alter_table("array") as batch:
        batch.drop_index("ix_array_volume_id")
        batch.drop_constraint("fk_array_volume_id_volume", type_="foreignkey")
        for name in (*ARRAY_COLUMNS, "is_present"):
            batch.drop_column(name)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_descriptions() -> None:
    """Create what a bucket holds, from the dataset down to the volume."""
    op.create_table(
        "dataset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("discovered_at", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_dataset_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("bucket_id", "name", name="uq_dataset_bucket_id_name"),
    )
    op.create_table(
        "container",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name="fk_container_dataset_id_dataset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_container"),
        sa.UniqueConstraint("dataset_id", "prefix", name="uq_container_dataset_id_prefix"),
    )
    op.create_table(
        "volume",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("container_id", sa.Integer(), nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("organelle_class", sa.Text(), nullable=True),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["container_id"], ["container.id"], name="fk_volume_container_id_container", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_volume"),
        sa.UniqueConstraint("container_id", "path", name="uq_volume_container_id_path"),
    )
    op.create_index("ix_volume_prefix", "volume", ["prefix"])


def _create_annotations() -> None:
    """Create what others say of the data, with its source."""
    op.create_table(
        "fact",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "name", "source", name="pk_fact"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "manifest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_manifest"),
        sa.UniqueConstraint("dataset", name="uq_manifest_dataset"),
    )
    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("manifest_id", sa.Integer(), nullable=False),
        sa.Column("bucket_url", sa.Text(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("sample_type", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_mirrored_y", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifest.id"], name="fk_annotation_manifest_id_manifest", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
    )
    op.create_index("ix_annotation_manifest_id", "annotation", ["manifest_id"])
    op.create_index("ix_annotation_prefix", "annotation", ["prefix"])


def _create_sums_and_search() -> None:
    """Create sums of what is on the share and of what changed, and what is searched."""
    op.create_table(
        "mirror_state",
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("by_md5", sa.BigInteger(), nullable=False),
        sa.Column("by_multipart_etag", sa.BigInteger(), nullable=False),
        sa.Column("by_checksum", sa.BigInteger(), nullable=False),
        sa.Column("by_size_only", sa.BigInteger(), nullable=False),
        sa.Column("adopted", sa.BigInteger(), nullable=False),
        sa.Column("first_run_id", sa.Integer(), nullable=True),
        sa.Column("last_run_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_mirror_state_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["first_run_id"], ["run.id"], name="fk_mirror_state_first_run_id_run"),
        sa.ForeignKeyConstraint(["last_run_id"], ["run.id"], name="fk_mirror_state_last_run_id_run"),
        sa.PrimaryKeyConstraint("bucket_id", "prefix", name="pk_mirror_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("example", KEY, nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_change_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_change_run_id_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "prefix", "kind", name="pk_change"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_change_bucket_id_dataset", "change", ["bucket_id", "dataset"])
    op.create_table(
        "search_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_search_entry_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_search_entry"),
        sa.UniqueConstraint("bucket_id", "kind", "place", name="uq_search_entry_bucket_id_kind_place"),
    )
    op.create_index("ix_search_entry_bucket_id_dataset", "search_entry", ["bucket_id", "dataset"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SEARCH_SQLITE if is_sqlite else SEARCH_POSTGRESQL:
        op.execute(statement)


def _extend_arrays() -> None:
    with op.batch_alter_table("array") as batch:
        for name, type_ in ARRAY_COLUMNS.items():
            batch.add_column(sa.Column(name, type_(), nullable=True))
        batch.add_column(sa.Column("is_present", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch.create_foreign_key("fk_array_volume_id_volume", "volume", ["volume_id"], ["id"])
        batch.create_index("ix_array_volume_id", ["volume_id"])


def _count_blocks_of_shards() -> None:
    with op.batch_alter_table("shard") as batch:
        for name in ("n_blocks", "block_bytes"):
            batch.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE shard SET "
        "n_blocks = (SELECT count(*) FROM listed_block WHERE shard_id = shard.id), "
        "block_bytes = (SELECT coalesce(sum(size), 0) FROM listed_block WHERE shard_id = shard.id) "
        "WHERE array_id IS NOT NULL"
    )


def _make_findings_lasting() -> None:
    """Keep a finding once: true from the first run that saw it, over since the first that did not."""
    kept = _rows(
        "SELECT f.bucket_id, f.dataset, 'metadata' AS origin, f.severity, f.code, f.place, f.expected, f.found, "
        "min(r.started_at) AS first_seen_at, max(f.run_id) AS last_run_id, max(r.started_at) AS last_seen_at "
        "FROM finding f JOIN run r ON r.id = f.run_id "
        "GROUP BY f.bucket_id, f.dataset, f.severity, f.code, f.place, f.expected, f.found"
    )
    newest: dict[tuple[int, str], int] = {}
    for row in kept:
        place = row["bucket_id"], row["dataset"]
        newest[place] = max(newest.get(place, 0), row["last_run_id"])
    for row in kept:
        is_over = row.pop("last_run_id") < newest[row["bucket_id"], row["dataset"]]
        row["closed_at"] = row.pop("last_seen_at") if is_over else None
    op.drop_table("finding")
    table = op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_finding_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_bucket_id_dataset", "finding", ["bucket_id", "dataset"])
    if kept:
        op.bulk_insert(table, kept)


def _make_findings_of_runs() -> None:
    kept = _rows(
        "SELECT f.bucket_id, f.dataset, f.severity, f.code, f.place, f.expected, f.found, max(r.id) AS run_id "
        "FROM finding f JOIN run r ON r.bucket_id = f.bucket_id WHERE f.closed_at IS NULL "
        "GROUP BY f.id, f.bucket_id, f.dataset, f.severity, f.code, f.place, f.expected, f.found"
    )
    op.drop_table("finding")
    table = op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_finding_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_finding_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_bucket_id_dataset", "finding", ["bucket_id", "dataset"])
    op.create_index("ix_finding_run_id", "finding", ["run_id"])
    if kept:
        op.bulk_insert(table, kept)


def _derive_descriptions() -> None:
    """Make datasets, containers and volumes of what the arrays' paths say; their kinds wait for the next scan."""
    datasets: dict[tuple[int, str], int] = {}
    containers: dict[tuple[int, str], int] = {}
    volumes: dict[tuple[int, str], int] = {}
    roots = {row["id"]: _key_prefix(row["url"]) for row in _rows("SELECT id, url FROM bucket")}
    for array in _rows('SELECT id, bucket_id, prefix, path, format FROM "array" ORDER BY id'):
        bucket_id, prefix = array["bucket_id"], array["prefix"]
        below, path = f"{prefix}{array['path']}".removeprefix(roots[bucket_id]).split("/", 1)[0], array["path"]
        parent, _, last = path.rpartition("/")
        level = LEVEL.fullmatch(last)
        volume_path = parent if level else path
        dataset_id = _once(
            datasets,
            (bucket_id, below),
            "dataset",
            bucket_id=bucket_id,
            name=below,
            prefix=f"{roots[bucket_id]}{below}/",
        )
        container_id = _once(
            containers,
            (dataset_id, prefix),
            "container",
            dataset_id=dataset_id,
            prefix=prefix,
            format=array["format"],
            is_present=True,
        )
        volume_id = _once(
            volumes,
            (container_id, volume_path),
            "volume",
            container_id=container_id,
            path=volume_path,
            prefix=f"{prefix}{volume_path}/" if volume_path else prefix,
            is_present=True,
        )
        op.get_bind().execute(
            sa.text('UPDATE "array" SET volume_id = :volume, level_index = :index, level_name = :name WHERE id = :id'),
            {
                "volume": volume_id,
                "index": int(level[1]) if level else None,
                "name": last if level else None,
                "id": array["id"],
            },
        )


def _once(known: dict[tuple[int, str], int], key: tuple[int, str], table: str, **values: Any) -> int:
    """Insert a row the first time that its key is met; return its number."""
    if key not in known:
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        op.get_bind().execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608  our names
        known[key] = int(_rows(f"SELECT max(id) AS id FROM {table}")[0]["id"])  # noqa: S608
    return known[key]


def _key_prefix(url: str) -> str:
    prefix = url.partition("://")[2].partition("/")[2].strip("/")
    return f"{prefix}/" if prefix else ""


def _rows(query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(sa.text(query)).mappings()]
