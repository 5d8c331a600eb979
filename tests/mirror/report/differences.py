"""Reports of differences that look like those of the real buckets: their shapes and types, sizes made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod

from mirror.explain.causes import Place
from mirror.explain.dataset import explain_dataset
from mirror.explain.headers import EdgeStyle, HeaderEvidence
from mirror.explain.result import Note
from mirror.explain.stored import OtherObjects, StoredArray, StoredDataset, StoredVolume
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.block import BlockMode
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally
from mirror.report.explained import diff_report
from mirror.report.explanation import DiffReport, SourceReport
from tests.mirror.explain.builders import GZIP, HEADER_BYTES, RAW, full, level, volume

SHAPES_XYZ = {"jrc_hela-2": (12000, 1600, 6368), "jrc_macrophage-2": (10000, 2000, 11087)}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;|`*_[x](y)\x1b[31m\u202e"
LONG = "labels/" + "-".join(["endoplasmic", "reticulum", "membrane", "contact", "sites"] * 4)
_TRUNCATED = HeaderEvidence(BlockMode.PLAIN, EdgeStyle.TRUNCATED, 3)


def pyramid(
    path: str,
    shape_xyz: tuple[int, ...],
    *,
    n_levels: int,
    data_type: str,
    ratio: Fraction,
    compression: Mapping[str, object] = GZIP,
    every_nth_missing: int = 0,
) -> StoredVolume:
    """Return a volume whose every level has half the shape of the one before, its payload at a ratio."""
    levels = []
    for index in range(n_levels):
        known = ArrayFacts(tuple(-(-n // 2**index) for n in shape_xyz), (64, 64, 64), data_type, compression)
        blocks = full(known, lambda grid, at: stored_bytes(grid, at, data_type, ratio))
        if every_nth_missing:
            blocks = {at: size for n, (at, size) in enumerate(blocks.items()) if n % every_nth_missing}
        levels.append(level(known, blocks, index=index, headers=_TRUNCATED))
    return volume(path, *levels)


def stored_bytes(grid: Grid, index: BlockIndex, data_type: str, ratio: Fraction) -> int:
    """Return the bytes of one block."""
    n_bytes = prod(grid.block_shape_xyz(index)) * (element_bytes(data_type) or 1)
    return HEADER_BYTES + n_bytes * ratio.numerator // ratio.denominator


def dataset_pair(name: str, shape_xyz: tuple[int, ...], *, b_levels: int = 5) -> tuple[StoredDataset, StoredDataset]:
    """Return a dataset in A and in B: EM in 16 and in 8 bits, predictions and what each bucket alone has."""
    small = tuple(max(64, n // 4) for n in shape_xyz)
    narrow, wide, sparse = Fraction(825, 1000), Fraction(932, 1000), Fraction(3, 100)
    a = [
        pyramid("em/fibsem-uint16", shape_xyz, n_levels=5, data_type="uint16", ratio=narrow),
        pyramid("labels/er_pred", small, n_levels=4, data_type="uint8", ratio=Fraction(2, 5)),
        pyramid("labels/mito_seg", small, n_levels=4, data_type="uint64", ratio=sparse, every_nth_missing=3),
        replace(
            pyramid("neuroglancer/em/fibsem-uint8.precomputed", small, n_levels=3, data_type="uint8", ratio=sparse * 4),
            format=Format.PRECOMPUTED,
        ),
    ]
    b = [
        pyramid("volumes/raw", shape_xyz, n_levels=b_levels, data_type="uint8", ratio=wide),
        pyramid("volumes/labels/er_pred", small, n_levels=4, data_type="uint8", ratio=Fraction(9, 20)),
        pyramid("volumes/labels/mito_seg", small, n_levels=4, data_type="uint64", ratio=sparse),
        pyramid(
            "volumes/groundtruth/0003/crop1/labels/all", (500, 500, 100), n_levels=1, data_type="uint64", ratio=sparse
        ),
        pyramid("volumes/subsampled/raw/0", small, n_levels=1, data_type="uint8", ratio=wide),
    ]
    files = OtherObjects(Place.LOOSE_FILE, "README.json", Tally(3, 220_000), ("README.json", "thumbnail.jpg"))
    skeletons = OtherObjects(Place.LOOSE_FILE, "skeletons", Tally(41, 9_400_000), ("skeletons/mt/block_1.nml",))
    return stored(name, a, (files,)), stored(name, b, (skeletons,))


def stored(name: str, volumes: list[StoredVolume], others: tuple[OtherObjects, ...] = ()) -> StoredDataset:
    """Return a dataset whose total is what its parts come to."""
    total = sum((one.listed for one in volumes), sum((one.listed for one in others), Tally()))
    return StoredDataset(name, total, tuple(volumes), others)


def broken(array: StoredArray) -> StoredArray:
    """Return a level whose metadata nobody can read."""
    return replace(array, facts=None, blocks=None, fault="not JSON")


def realistic_report(divisor: int = 16) -> DiffReport:
    """Return hela-2, macrophage-2 with bytes that nothing explains, and one of hostile and long names.

    Parameters
    ----------
    divisor
        Of the real shapes; 1 gives the real ones and takes a minute.
    """
    shapes = {name: tuple(n // divisor for n in shape) for name, shape in SHAPES_XYZ.items()}
    hela = dataset_pair("jrc_hela-2", shapes["jrc_hela-2"])
    published = Note(
        "published-size",
        "jrc_hela-2",
        "the published size of 119 GB lies 2.7 % under the voxels of volumes/raw (122.3 GB): it counts GiB and says GB",
    )
    a, b = dataset_pair("jrc_macrophage-2", shapes["jrc_macrophage-2"], b_levels=6)
    a = replace(a, total=a.total + Tally(7, a.total.bytes // 50), notes=(published,))
    raw = b.volumes[0]
    b = replace(
        b, volumes=(replace(raw, arrays=(*raw.arrays[:-2], broken(raw.arrays[-2]), raw.arrays[-1])), *b.volumes[1:])
    )
    odd = tuple(
        stored(
            HOSTILE,
            [pyramid(path, (130, 70, 64), n_levels=2, data_type=kind, ratio=ratio, compression=RAW) for path in paths],
        )
        for kind, ratio, paths in (
            ("uint8", Fraction(1, 2), ("em/fibsem-uint16", LONG, HOSTILE)),
            ("uint16", Fraction(1, 2), ("volumes/raw", f"volumes/{LONG}", f"{HOSTILE}2")),
        )
    )
    report = diff_report(explain_dataset(*pair) for pair in (hela, (a, b), (odd[0], odd[1])))
    sources = {
        "a_source": SourceReport(
            url="s3://janelia-cosem-datasets/jrc_hela-2", listed_at="2026-11-24T03:30:00Z", snapshot=12
        ),
        "b_source": SourceReport(
            url="s3://janelia-cosem-publications/heinrich-2021a/jrc_hela-2",
            listed_at="2026-11-24T03:10:00Z",
            snapshot=11,
        ),
    }
    first, *others = report.datasets
    return report.model_copy(update={"datasets": (first.model_copy(update=sources), *others)})


def equal_report() -> DiffReport:
    """Return one dataset that is the same in both."""
    one = stored("jrc_x", [pyramid("volumes/raw", (64, 64, 64), n_levels=1, data_type="uint8", ratio=Fraction(1))])
    return diff_report([explain_dataset(one, one)])
