"""What the columns of the catalog hold, and in which unit: for people who write queries and who read an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger
from sqlalchemy.types import TypeEngine

from catalog.tables import JsonText, UtcText, metadata


@dataclass(frozen=True, slots=True)
class ColumnNote:
    """One column of one table."""

    table: str
    name: str
    type: str
    """integer, boolean, text, time (ISO 8601 text in UTC), json (as text) or bytes."""
    unit: str
    """Empty where it has none."""
    meaning: str


def column_notes() -> tuple[ColumnNote, ...]:
    """Return a note for each column of the catalog, by table, in the order of the columns."""
    return tuple(
        _note(table.name, column)
        for table in sorted(metadata.tables.values(), key=lambda table: table.name)
        for column in table.columns
    )


def type_word(kind: TypeEngine[object]) -> str:
    """Return what a column holds, in a word: integer, boolean, text, time, json or bytes."""
    for types, word in _TYPES:
        if isinstance(kind, types):
            return word
    return "text"


_TYPES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((UtcText,), "time"),
    ((JsonText,), "json"),
    ((Boolean,), "boolean"),
    ((Integer, BigInteger, SmallInteger), "integer"),
    ((LargeBinary,), "bytes"),
)


def _note(table: str, column: Column[object]) -> ColumnNote:
    unit, meaning = _MEANINGS.get(f"{table}.{column.name}") or _MEANINGS.get(column.name) or ("", "")
    if not meaning and (key := next(iter(column.foreign_keys), None)) is not None:
        meaning = f"the row of {key.target_fullname.partition('.')[0]} that it belongs to"
    return ColumnNote(table, column.name, type_word(column.type), unit, meaning)


_MEANINGS: Mapping[str, tuple[str, str]] = {
    # Of all tables that have the column.
    "id": ("", "number of the row"),
    "key": ("", "full key of an object in the bucket"),
    "prefix": ("", "full key prefix in the bucket, ending with a slash"),
    "size": ("bytes", "length of the object"),
    "objects": ("objects", "how many"),
    "bytes": ("bytes", "how large, all objects together"),
    "etag": ("", "the object's ETag in the bucket; empty: in doubt, a run that replaced it did not finish"),
    "hash": ("", "xxh3-128 of the content; in doubt: of what was there before"),
    "x": ("blocks", "place of the block in the grid along x"),
    "y": ("blocks", "place of the block in the grid along y"),
    "z": ("blocks", "place of the block in the grid along z"),
    "how": ("", "how it was verified: 1 MD5, 2 multipart ETag, 3 checksum, 4 size only; 8 more: it lay there already"),
    "dataset": ("", "name of the dataset"),
    "is_present": ("", "whether the bucket still had it when it was last looked at"),
    "started_at": ("", "when it began"),
    "finished_at": ("", "when it ended"),
    "n_blocks": ("blocks", "how many blocks"),
    "kind": ("", "what it is"),
    "format": ("", "n5, zarr, precomputed or mesh"),
    "path": ("", "path inside the container, without slashes at its ends"),
    "source": ("", "where it stands: URL of the document, or file that was imported"),
    "title": ("", "as it is shown"),
    # Of one table.
    "share.uuid": ("", "what the share's mark says"),
    "share.path": ("", "where the share was last seen"),
    "share.created_at": ("", "when it was marked"),
    "bucket.url": ("", "s3:// URL of the bucket, or of the folder in it"),
    "run.kind": ("", "sync, scan, adopt or verify"),
    "run.datasets": ("", "names of the datasets"),
    "run.selection": ("", "what was chosen, by dataset"),
    "run.state": ("", "running, done, stopped or failed"),
    "run.exit_code": ("", "exit code of the process"),
    "run.host": ("", "name of the machine"),
    "run.pid": ("", "number of the process"),
    "run.version": ("", "version of oomirror"),
    "run.counters": ("", "what was planned, done and verified; objects and bytes"),
    "dataset.name": ("", "name of the dataset"),
    "dataset.discovered_at": ("", "when its folders were last walked"),
    "dataset.digest": ("", "of what the walk found"),
    "container.version": ("", "as the container's own document says"),
    "volume.kind": ("", "what it shows: em, lm, ground-truth, prediction, segmentation, analysis, ..."),
    "volume.organelle_class": ("", "short name of the organelle class"),
    "array.prefix": ("", "full key prefix of the container, ending with a slash"),
    "array.shape_xyz": ("voxels", "size along x, y, z"),
    "array.block_size_xyz": ("voxels", "size of a whole block along x, y, z"),
    "array.inner_block_size_xyz": ("voxels", "of what is compressed by itself inside a shard"),
    "array.data_type": ("", "as numpy spells it"),
    "array.compression": ("", "type and parameters"),
    "array.attributes_hash": ("", "of the array's document"),
    "array.level_index": ("", "0 is the finest; NULL for an array without levels"),
    "array.level_name": ("", "as s0"),
    "array.axes_xyz": ("", "names of the axes, in the order of shape_xyz"),
    "array.voxel_size_nm_xyz": ("nm", "size of a voxel along x, y, z"),
    "array.translation_nm_xyz": ("nm", "centre of the first voxel"),
    "array.placement_source": ("", "field of the document that told voxel size and translation"),
    "array.n_blocks": ("blocks", "of the whole grid; fewer may be stored"),
    "array.raw_bytes": ("bytes", "of all voxels before compression"),
    "document.body": ("", "the document as it was read"),
    "snapshot.run_id": ("", "the run that listed"),
    "snapshot.scope": ("", "all, or selection: what one run chose"),
    "snapshot.is_complete": ("", "whether it was listed to its end"),
    "shard.array_id": ("", "the array in whose folder it lies; NULL for all else"),
    "shard.digest": ("", "of its content, and after 16 bytes of which keys were taken for blocks"),
    "shard.n_blocks": ("blocks", "objects that are blocks inside their array's grid"),
    "shard.block_bytes": ("bytes", "how large these are"),
    "listed_object.last_modified": ("seconds since 1970-01-01T00:00:00Z", "when the bucket got it"),
    "mirrored_block.run_id": ("", "the run that verified it"),
    "mirrored_object.run_id": ("", "the run that verified it"),
    "mirror_state.prefix": ("", "folder of an array; of a dataset: all outside its arrays"),
    "mirror_state.is_stale": ("", "whether rows changed since it was counted"),
    "mirror_state.is_published": ("", "whether the document is there with which the array opens"),
    "mirror_state.by_md5": ("objects", "verified by MD5"),
    "mirror_state.by_multipart_etag": ("objects", "verified by the ETag of a multipart upload"),
    "mirror_state.by_checksum": ("objects", "verified by one of S3's checksums"),
    "mirror_state.by_size_only": ("objects", "compared by nothing but the length"),
    "mirror_state.adopted": ("objects", "of all these: lay on the share already"),
    "mirror_state.first_run_id": ("", "the run in which the oldest was verified"),
    "mirror_state.last_run_id": ("", "the run in which the newest was verified"),
    "checked_part.prefix": ("", "a slab of blocks; or a folder: all in it that is in no slab"),
    "checked_part.depth": ("", "1 presence and size, 2 also headers of blocks, 3 every byte"),
    "checked_part.checked_at": ("", "when the last look that came to its end was begun: all was looked at since"),
    "checked_part.begun_at": ("", "when a look was begun that was stopped before its end"),
    "checked_part.resume_after": ("", "y/z of a block or key after which a look that was stopped goes on"),
    "checked_part.decoded_before": ("", "blocks of runs with lesser numbers were decoded, each once"),
    "checked_part.run_id": ("", "the run that looked last"),
    "damaged_object.kind": ("", "size, content, header, decode, not_a_file or lost"),
    "damaged_object.reason": ("", "what was found, in words"),
    "damaged_object.is_upstream": ("", "whether the file is what the bucket has, byte for byte"),
    "damaged_object.mirrored_run_id": ("", "the run that had verified it"),
    "damaged_object.run_id": ("", "the run that found the damage"),
    "damaged_object.found_at": ("", "when it was found"),
    "fact.name": ("", "what is said: title, licence, ..."),
    "fact.value": ("", "what the source says"),
    "manifest.imported_at": ("", "when it was imported"),
    "manifest.body": ("", "the document as it was imported"),
    "annotation.bucket_url": ("", "bucket that the manifest means"),
    "annotation.name": ("", "as the manifest calls the volume"),
    "annotation.format": ("", "as the manifest says"),
    "annotation.content_type": ("", "as the manifest says: em, segmentation, ..."),
    "annotation.sample_type": ("", "as the manifest says: scalar, label"),
    "annotation.description": ("", "as the manifest says"),
    "annotation.is_mirrored_y": ("", "whether rows are stored in the opposite order"),
    "comparison.question": ("", "what was asked of diff-buckets"),
    "comparison.made_at": ("", "when it was answered"),
    "comparison.a_snapshot_id": ("", "the listing of bucket A that was compared; it may be gone by now"),
    "comparison.b_snapshot_id": ("", "the listing of bucket B that was compared; it may be gone by now"),
    "comparison.report": ("", "the answer, as diff-buckets --json gives it for one dataset"),
    "import_source.kind": ("", "crops, evaluations or class-crops"),
    "import_source.place": ("", "address without user and password, or path of the file"),
    "import_source.collection": ("", "database/collection; empty where the source has none"),
    "import_source.version": ("", "of the ground truth, as 0003"),
    "import_source.pass_number": ("", "how often it was begun to be read from its start"),
    "import_source.resume_after": ("", "document_key after which a pass that was cut goes on"),
    "import_source.documents": ("documents", "how many the newest pass has seen"),
    "document_key": ("", "the document's _id as Extended JSON, or what else names it"),
    "source_document.body": ("", "the document as canonical Extended JSON"),
    "source_document.pass_number": ("", "the newest pass over its source in which it was seen"),
    "source_document.first_seen_at": ("", "when it was first imported"),
    "source_document.changed_at": ("", "when it was last found to be another"),
    "earlier_document.body": ("", "the document as it was then"),
    "earlier_document.replaced_at": ("", "when it was replaced or dropped"),
    "earlier_document.reason": ("", "changed or dropped"),
    "import_issue.code": ("", "what is odd, in a word"),
    "import_issue.field": ("", "path inside the document"),
    "import_issue.expected": ("", "what should be there"),
    "import_issue.found": ("", "what is there"),
    "import_issue.first_seen_at": ("", "when it was first seen"),
    "label.id": ("", "the paper's number of the label"),
    "label.name": ("", "as the paper calls it"),
    "label.organelle_class": ("", "short name of the organelle class"),
    "label_class.name": ("", "a class of several labels, as the paper's networks were trained for"),
    "crop.number": ("", "as the paper counts them; text"),
    "crop.version": ("", "of the ground truth, as 0003"),
    "crop.parent": ("", "container inside bucket B's folder"),
    "crop.biotype": ("", "kind of cell"),
    "crop.alias": ("", "another name; not unique"),
    "crop.completion": ("", "as the document says; -1 marks a validation crop"),
    "crop.shape_xyz": ("voxels", "size in raw voxels along x, y, z; ground truth has twice as many"),
    "crop.offset_xyz": ("voxels", "first raw voxel along x, y, z"),
    "crop.resolution_nm_xyz": ("nm", "nominal size of a raw voxel"),
    "others": ("", "fields of the document that have no column"),
    "crop_label.position": ("", "place in the document, from 0"),
    "crop_label.state": (
        "",
        "present_annotated, present_unannotated, absent_annotated or present_partial_annotation",
    ),
    "crop_label.label_id": ("", "the paper's number of the label; NULL where the document has none"),
    "crop_label.name": ("", "as this document calls it"),
    "class_crop.number": ("", "number of the crop"),
    "class_crop.class_label": ("", "class as the cellmap table calls it"),
    "class_crop.voxel_size_nm_zyx": ("nm", "of the ground truth, along z, y, x"),
    "class_crop.translation_nm_zyx": ("nm", "centre of the first voxel of the ground truth"),
    "class_crop.shape_zyx": ("voxels", "size of the ground truth along z, y, x"),
    "evaluation.path": ("", "where the evaluated prediction lay"),
    "evaluation.setup": ("", "name of the network's training setup"),
    "evaluation.iteration": ("", "training iterations of the network"),
    "evaluation.label": ("", "what was predicted"),
    "evaluation.crop": ("", "number of the crop"),
    "evaluation.threshold": ("", "value of the prediction from which a voxel counts"),
    "evaluation.metric": ("", "name of the metric"),
    "evaluation.metric_params": ("", "parameters of the metric"),
    "evaluation.value": ("", "result; NULL where value_word has it"),
    "evaluation.value_word": ("", "nan, inf or -inf, which are results too"),
    "evaluation.raw_dataset": ("", "raw volume that was predicted from"),
    "evaluation.parent_path": ("", "as the document says"),
    "evaluation.parent_dataset_id": ("", "as the document says"),
    "evaluation.refined": ("", "whether the prediction was refined"),
    "change.kind": ("", "new, changed or vanished since the listing before"),
    "change.example": ("", "full key of one of them"),
    "search_entry.kind": ("", "dataset, volume or crop"),
    "search_entry.place": (
        "",
        "full key prefix of what is meant; of a crop whose ground truth no bucket has, its number",
    ),
    "search_entry.words": ("", "what is searched"),
    "finding.origin": ("", "what looked: metadata, manifest, crops"),
    "finding.severity": ("", "note or warning"),
    "finding.code": ("", "what is odd, in a word"),
    "finding.place": ("", "key or prefix in the bucket"),
    "finding.expected": ("", "what should be there"),
    "finding.found": ("", "what is there"),
    "finding.first_seen_at": ("", "when it was first seen"),
    "finding.closed_at": ("", "when it was seen to be true no more"),
}
"""`table.column`, or the column's name where it means the same everywhere, to unit and meaning."""
