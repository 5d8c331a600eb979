"""The samples, read by the libraries that the lab opens the share with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirror.demo.buckets import B_PREFIX
from mirror.demo.pyramid import levels, mean_of_cubes, middle_of_cubes
from mirror.demo.specimen import Scale, Specimen, grow

# zarr 2 says that its N5 stores go with zarr 3, and it and fsspec disagree with NumPy 2 here and there.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

A = "a/jrc_hela-2/jrc_hela-2.n5"
B = f"b/{B_PREFIX}jrc_hela-2/jrc_hela-2.n5"
Voxels = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def expected() -> dict[str, Voxels]:
    """What a reader must see, by path below the samples' folder."""
    hela = grow("jrc_hela-2", Scale.TINY)
    return dict(_volumes(hela))


def _volumes(hela: Specimen) -> list[tuple[str, Voxels]]:
    raw_a = list(levels(hela.raw_uint16(), 5, mean_of_cubes))
    raw_b = list(levels(hela.raw_uint8(), 5, mean_of_cubes))
    mito = list(levels(hela.cell.instances["mito"], 3, middle_of_cubes))
    pred = [level[:, ::-1] for level in levels(hela.prediction("mito"), 1, mean_of_cubes)]
    return [
        *[(f"{A}/em/fibsem-uint16/s{level}", voxels) for level, voxels in enumerate(raw_a)],
        *[(f"{B}/volumes/raw/s{level}", voxels) for level, voxels in enumerate(raw_b)],
        *[(f"{A}/labels/mito_seg/s{level}", voxels) for level, voxels in enumerate(mito)],
        *[(f"{B}/volumes/labels/mito_seg/s{level}", voxels) for level, voxels in enumerate(mito)],
        (f"{A}/labels/mito_pred/s0", pred[0]),
        (f"{B}/volumes/groundtruth/0003/crop1/labels/all", hela.ground_truth()),
    ]


def _split(path: str) -> tuple[str, str]:
    container, _, inside = path.partition(".n5/")
    return f"{container}.n5", inside


def _check(expected: dict[str, Voxels], read: Any) -> None:
    for path, voxels in expected.items():
        np.testing.assert_array_equal(read(*_split(path)), voxels, err_msg=path)


@pytest.mark.parametrize("store", ["N5FSStore", "N5Store"])
def test_zarr_reads_them(sample_folder: Path, expected: dict[str, Voxels], store: str) -> None:
    """Both N5 stores of zarr 2 see the voxels that were written; absent blocks are 0."""
    import zarr

    _check(
        expected, lambda container, path: zarr.open(getattr(zarr, store)(str(sample_folder / container)), "r")[path][:]
    )


def test_tensorstore_reads_them(sample_folder: Path, expected: dict[str, Voxels]) -> None:
    """Tensorstore sees the voxels that were written; its axes are x first."""

    def read(container: str, path: str) -> Voxels:
        return _tensorstore("n5", sample_folder / container / path).T

    _check(expected, read)


def _tensorstore(driver: str, folder: Path, **more: Any) -> Voxels:
    import tensorstore

    spec = {"driver": driver, "kvstore": {"driver": "file", "path": f"{folder}/"}, **more}
    voxels: Voxels = tensorstore.open(spec, read=True).result().read().result()
    return voxels


def test_z5py_reads_them(sample_folder: Path, expected: dict[str, Voxels]) -> None:
    """z5py sees the voxels that were written."""
    import z5py

    _check(expected, lambda container, path: z5py.File(str(sample_folder / container), "r")[path][:])


def test_tensorstore_reads_zarr_and_precomputed(sample_folder: Path) -> None:
    """The viewers' formats open: zarr upright and from s1 on, precomputed mirrored in y."""
    hela = grow("jrc_hela-2", Scale.TINY)
    root = sample_folder / "a" / "jrc_hela-2"
    for level, image in enumerate(levels(hela.image_uint8(), 3, mean_of_cubes)):
        pyramid = root / "jrc_hela-2.zarr" / "recon-1" / "em" / "fibsem-uint8"
        if level:
            np.testing.assert_array_equal(_tensorstore("zarr", pyramid / f"s{level - 1}"), image)
        volume = root / "neuroglancer" / "em" / "fibsem-uint8.precomputed"
        precomputed = _tensorstore("neuroglancer_precomputed", volume, scale_index=level)
        np.testing.assert_array_equal(precomputed[..., 0].T, image[:, ::-1, :])
