"""Small catalogs of crops, written row by row: raw of real size in both buckets, ground truth, documents, the table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert

from catalog import queries
from catalog.records import (
    AnnotationRecord,
    ArrayRecord,
    ClassCrop,
    ContainerRecord,
    CropRecord,
    DatasetRecord,
    ManifestRecord,
    VolumeRecord,
)
from catalog.tables import class_crop, crop, import_source
from mirror.config import Settings
from mirror.formats.kinds import classify_volume

if TYPE_CHECKING:
    from sqlalchemy import Connection

HELA = "jrc_hela-2"
NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
RAW_XYZ = (12000, 1600, 6368)
VOXEL_XYZ = (4.0, 4.0, 5.24)
CROP_1 = CropRecord("1", "0003", HELA, shape_xyz=(500, 500, 100))
CROP_113 = CropRecord("113", "0003", HELA, completion=-1, shape_xyz=(500, 500, 250), offset_xyz=(3125, 25, 2975))
ROW_1 = ClassCrop("1", HELA, "mito", (2.62, 2.0, 2.0), (3132.21, 899.0, 25863.0), (200, 1000, 1000))
ROW_113 = ClassCrop("113", HELA, "mito", (2.62, 2.0, 2.0), (15588.345 - 0.655, 99.0, 12499.0), (500, 1000, 1000))


def put_volume(
    connection: Connection,
    settings: Settings,
    bucket: str,
    path: str,
    *,
    dataset: str = HELA,
    suffix: str = "n5",
    levels: Sequence[str] = ("",),
    shape_xyz: tuple[int, ...] = RAW_XYZ,
    block_xyz: tuple[int, ...] = (64, 64, 64),
    voxel_xyz: tuple[float, ...] | None = VOXEL_XYZ,
    translation_xyz: tuple[float, ...] | None = (0.0, 0.0, 0.0),
    placement: str = "transform",
    mirrored_y: bool | None = None,
) -> None:
    """Write a volume whose levels are halves of each other, as scan would."""
    url = settings.bucket(bucket).url
    bucket_id = queries.bucket_id(connection, str(url))
    root = f"{url.prefix}{dataset}/"
    dataset_id = queries.put_dataset(connection, DatasetRecord(bucket_id, dataset, root, NOW))
    prefix = f"{root}{dataset}.{suffix}/"
    container = queries.put_container(connection, ContainerRecord(dataset_id, prefix, suffix))
    kind = classify_volume(path).kind.value
    volume = queries.put_volume(connection, VolumeRecord(container, path, f"{prefix}{path}/", kind))
    for index, level in enumerate(levels):
        voxel = None if voxel_xyz is None else tuple(round(v * 2**index, 6) for v in voxel_xyz)
        at = None
        if voxel_xyz is not None and translation_xyz is not None:
            at = tuple(t + (2**index - 1) / 2 * v for t, v in zip(translation_xyz, voxel_xyz, strict=True))
        queries.put_array(
            connection,
            ArrayRecord(
                bucket_id,
                prefix,
                f"{path}/{level}".rstrip("/"),
                suffix,
                tuple(-(-n // 2**index) for n in shape_xyz),
                block_xyz,
                "uint8",
                {},
                volume_id=volume,
                level_index=index if level else None,
                level_name=level or None,
                voxel_size_nm_xyz=voxel,
                translation_nm_xyz=at,
                placement_source=placement if voxel else None,
            ),
        )
    if mirrored_y is not None:
        note = AnnotationRecord(0, str(url), f"{prefix}{path}/", path, is_mirrored_y=mirrored_y)
        queries.put_manifest(connection, ManifestRecord(dataset, "manifest.json", NOW, b"{}", b"h"), [note])


def put_raw(connection: Connection, settings: Settings, bucket: str, **given: object) -> None:
    """Write raw as that bucket has it, with levels s0 to s2."""
    path = {"a": "em/fibsem-uint16", "b": "volumes/raw"}[bucket]
    put_volume(connection, settings, bucket, path, levels=("s0", "s1", "s2"), **given)  # type: ignore[arg-type]


def put_ground_truth(
    connection: Connection,
    settings: Settings,
    number: int,
    offset_xyz: tuple[float, ...],
    shape_xyz: tuple[int, ...],
    *,
    label: str = "all",
    version: str = "0003",
    dataset: str = HELA,
    folder: str = "crop",
) -> None:
    """Write a label image of bucket B."""
    put_volume(
        connection,
        settings,
        "b",
        f"volumes/groundtruth/{version}/{folder}{number}/labels/{label}",
        dataset=dataset,
        shape_xyz=shape_xyz,
        block_xyz=(128, 128, 128),
        voxel_xyz=(2.0, 2.0, 2.0),
        translation_xyz=offset_xyz,
        placement="resolution",
    )


def put_zarr_ground_truth(
    connection: Connection,
    settings: Settings,
    number: int,
    translation_xyz: tuple[float, ...],
    shape_xyz: tuple[int, ...],
    *,
    voxel_xyz: tuple[float, ...] = (2.0, 2.0, 2.62),
    label: str = "all",
) -> None:
    """Write a label image of bucket A, with levels s0 and s1."""
    put_volume(
        connection,
        settings,
        "a",
        f"recon-1/labels/groundtruth/crop{number}/{label}",
        suffix="zarr",
        levels=("s0", "s1"),
        shape_xyz=shape_xyz,
        voxel_xyz=voxel_xyz,
        translation_xyz=translation_xyz,
        placement="coordinateTransformations",
    )


def put_crop(connection: Connection, record: CropRecord) -> None:
    """Write what a document says of a crop, without its labels."""
    names = [column.name for column in crop.columns if column.name != "id"]
    connection.execute(insert(crop), {name: getattr(record, name) for name in names})


def put_rows(connection: Connection, *rows: ClassCrop, source_id: int = 1) -> None:
    """Write rows of a cellmap table."""
    connection.execute(
        insert(import_source),
        {
            "id": source_id,
            "kind": "class-crops",
            "place": f"/table{source_id}.csv",
            "collection": "",
            "pass_number": 1,
            "started_at": NOW,
            "documents": len(rows),
        },
    )
    names = [column.name for column in class_crop.columns if column.name != "source_id"]
    for row in rows:
        connection.execute(insert(class_crop), {name: getattr(row, name) for name in names} | {"source_id": source_id})
