"""What kind of volume lies at a path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.folder import Format
from mirror.formats.kinds import RULES, ClassSource, VolumeKind, classify_volume, is_em_path

EM, SUBSAMPLED, LM, GT = VolumeKind.EM, VolumeKind.SUBSAMPLED_EM, VolumeKind.LIGHT_MICROSCOPY, VolumeKind.GROUND_TRUTH
PREDICTION, DISTANCE, MASK = VolumeKind.PREDICTION, VolumeKind.DISTANCE, VolumeKind.MASK
SEGMENTATION, ANALYSIS, MESH, UNKNOWN = (
    VolumeKind.SEGMENTATION,
    VolumeKind.ANALYSIS,
    VolumeKind.MESH,
    VolumeKind.UNKNOWN,
)

TABLE = [
    # Bucket A, N5
    ("em/fibsem-uint16", EM, None),
    ("em/fibsem-uint8", EM, None),
    ("em/tem-uint8", EM, None),
    ("lm/er_palm", LM, "er"),
    ("lm/mito_sim", LM, "mito"),
    ("lm/halo-jf525", LM, None),
    ("labels/gt", GT, None),
    ("labels/masks/foreground", MASK, None),
    ("labels/er_pred", PREDICTION, "er"),
    ("labels/er-mem_pred", PREDICTION, "er-mem"),
    ("labels/np_pred", PREDICTION, "np"),
    ("labels/mt-in_pred", PREDICTION, "mt-in"),
    ("labels/mito_seg", SEGMENTATION, "mito"),
    ("labels/cent-dapp_seg", SEGMENTATION, "cent-dapp"),
    ("labels/nhchrom_seg", SEGMENTATION, "nhchrom"),
    ("labels/cell_seg", SEGMENTATION, "cell"),
    ("labels/yolk_seg", SEGMENTATION, "yolk"),
    ("labels/er_golgi_contacts", ANALYSIS, "er_golgi"),
    ("labels/mt_nucleus_contacts", ANALYSIS, "mt_nucleus"),
    ("labels/er_curvature", ANALYSIS, "er"),
    ("labels/er_medial-surface", ANALYSIS, "er"),
    ("labels/mito_skeleton", ANALYSIS, "mito"),
    ("labels/mito_skeleton-lsp", ANALYSIS, "mito"),
    ("labels/ribo_classified", ANALYSIS, "ribo"),
    ("labels/er_dist", DISTANCE, "er"),
    ("labels/ld_distance", DISTANCE, "ld"),
    ("labels/distance/mito", DISTANCE, "mito"),
    ("labels/something", UNKNOWN, None),
    ("labels/mito", UNKNOWN, "mito"),
    # Bucket A, zarr
    ("recon-1/em/fibsem-uint8", EM, None),
    ("recon-2/em/fibsem-uint16", EM, None),
    ("recon-1/lm/mito_palm", LM, "mito"),
    ("recon-1/labels/groundtruth/crop1/all", GT, None),
    ("recon-1/labels/groundtruth/crop113/er_mem", GT, "er-mem"),
    ("recon-1/labels/groundtruth/crop4/nuc", GT, "nucleus"),
    ("recon-1/labels/groundtruth/crop4/ves_lum", GT, "vesicle-lum"),
    ("recon-1/labels/inference/mito_pred", PREDICTION, "mito"),
    ("recon-1/labels/inference/segmentations/mito", SEGMENTATION, "mito"),
    ("recon-1/labels/inference/segmentations/ld_seg", SEGMENTATION, "ld"),
    ("recon-1/labels/inference/predictions/perox", PREDICTION, "perox"),
    ("recon-1/labels/masks/foreground", MASK, None),
    # Bucket A, neuroglancer
    ("neuroglancer/em/fibsem-uint8.precomputed", EM, None),
    ("neuroglancer/labels/er_seg.precomputed", SEGMENTATION, "er"),
    ("neuroglancer/mesh/er_seg", MESH, "er"),
    ("neuroglancer/mesh/er_mito_contacts", MESH, "er_mito"),
    ("neuroglancer/mesh/odd", MESH, None),
    # Bucket B
    ("volumes/raw", EM, None),
    ("volumes/subsampled/raw/0", SUBSAMPLED, None),
    ("volumes/subsampled/raw/8x8x8", SUBSAMPLED, None),
    ("volumes/lm/er_palm", LM, "er"),
    ("volumes/masks/foreground", MASK, None),
    ("volumes/masks/groundtruth/0003", MASK, None),
    ("volumes/masks/validation/0003", MASK, None),
    ("volumes/masks/training", MASK, None),
    ("volumes/groundtruth/0003/crop1/labels/all", GT, None),
    ("volumes/groundtruth/0003/Crop1/labels/all", GT, None),
    ("volumes/groundtruth/0003/crop22/labels/ribosomes", GT, "ribo"),
    ("volumes/groundtruth/0003/crop22/labels/nucleolus", GT, "nucleolus"),
    ("volumes/groundtruth/0003/crop22/labels/centrosome", GT, "cent"),
    ("volumes/groundtruth/0003/crop22/masks/er", MASK, "er"),
    ("volumes/groundtruth/0003/crop22/masks/mito_membrane", MASK, "mito-mem"),
    ("volumes/labels/0003/Crop7/labels/all", GT, None),
    ("volumes/labels/mito_pred", PREDICTION, "mito"),
    ("volumes/labels/plasma_membrane_pred", PREDICTION, "pm"),
    ("volumes/labels/ecs_seg", SEGMENTATION, "ecs"),
    ("volumes/labels/er_ribo_contacts", ANALYSIS, "er_ribo"),
    ("volumes/labels/er_distance", DISTANCE, "er"),
    # Neither
    ("", UNKNOWN, None),
    ("raw", UNKNOWN, None),
    ("volumes/raw/extra", UNKNOWN, None),
    ("setup01", UNKNOWN, None),
]

_SUFFIXES = {
    "_pred": PREDICTION,
    "_seg": SEGMENTATION,
    "_contacts": ANALYSIS,
    "_curvature": ANALYSIS,
    "_skeleton": ANALYSIS,
    "_skeleton-lsp": ANALYSIS,
    "_medial-surface": ANALYSIS,
    "_classified": ANALYSIS,
}


@pytest.mark.parametrize(("path", "kind", "organelle"), TABLE, ids=[row[0] or "empty" for row in TABLE])
def test_the_path_tells_kind_and_organelle(path: str, kind: VolumeKind, organelle: str | None) -> None:
    """In either bucket's layout."""
    found = classify_volume(path)
    assert (found.kind, found.organelle_class) == (kind, organelle)
    assert found.source is (ClassSource.NONE if kind is UNKNOWN else ClassSource.PATH)


def test_every_rule_and_kind_stands_in_the_table() -> None:
    """No rule is there that no example needs."""
    reasons = {classify_volume(path).reason for path, _, _ in TABLE} | {classify_volume("mito_palm").reason}
    assert {rule.reason for rule in RULES} <= reasons
    assert {kind for _, kind, _ in TABLE} == set(VolumeKind)


def test_what_is_stored_as_meshes_is_a_mesh() -> None:
    """Wherever it lies."""
    found = classify_volume("elsewhere/mito_seg", Format.MESH)
    assert (found.kind, found.organelle_class, found.source) == (MESH, "mito", ClassSource.FORMAT)


def test_hints_tell_where_the_path_does_not() -> None:
    """A manifest's word, or the attributes of annotated crops; never against the path."""
    by_manifest = classify_volume("labels/mito", content_type="segmentation")
    assert (by_manifest.kind, by_manifest.source) == (SEGMENTATION, ClassSource.MANIFEST)
    annotated = classify_volume("x/er", attributes={"cellmap": {"annotation": {}}})
    assert (annotated.kind, annotated.source) == (GT, ClassSource.ATTRIBUTES)
    crop = classify_volume("x/all", attributes={"type": "validation", "offset": [0, 0, 0]})
    assert (crop.kind, crop.source) == (GT, ClassSource.ATTRIBUTES)
    assert classify_volume("labels/er_pred", content_type="segmentation").kind is PREDICTION
    assert classify_volume("x", content_type="new", attributes={"type": ["odd"], "cellmap": 7}).kind is UNKNOWN


_PARTS = st.sampled_from(["em", "volumes", "raw", "recon-1", "neuroglancer", "subsampled", "mesh", "x", "masks", ""])


@given(st.one_of(st.text(max_size=30), st.lists(_PARTS, max_size=4).map("/".join)))
def test_raw_means_the_em_and_nothing_else(path: str) -> None:
    """As the one expression says that stood here before the table."""
    expected = re.fullmatch(r"(recon-[^/]+/|neuroglancer/)?em/[^/]+|volumes/raw", path.strip("/")) is not None
    assert is_em_path(path) is expected


@pytest.mark.samples
def test_all_volumes_of_bucket_a_are_known(samples: Path) -> None:
    """The listing of four datasets: none unknown, and each what its ending says."""
    listing = json.loads((samples / "bucket_a_volume_listing.json").read_text())
    paths = {path for volumes in listing.values() for path in volumes}
    assert len(paths) > 70
    for path in paths:
        found = classify_volume(path)
        ending = next((kind for suffix, kind in _SUFFIXES.items() if path.endswith(suffix)), None)
        assert found.kind is (ending or {"labels/gt": GT, "labels/masks/foreground": MASK}.get(path, EM)), path
        assert (
            ending is None
            or (found.organelle_title or found.organelle_class) != found.organelle_class
            or (found.organelle_class in {"nucleus", "nucleolus"})
        ), path
