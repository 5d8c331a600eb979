"""Voxels of the share as NumPy arrays and pictures, read when they are asked for. Needs the extra `view`."""

from mirror.app.extras import check_extra

check_extra(
    "view",
    {"numpy": "numpy", "PIL": "pillow", "tensorstore": "tensorstore"},
    what="cannot read voxels or draw pictures",
)

from mirror.view.crop import CropView, open_crop  # noqa: E402  after the check
from mirror.view.errors import BlockLostError, BlockNotMirroredError, NotOnShareError  # noqa: E402
from mirror.view.sheet import png_of  # noqa: E402
from mirror.view.volume import VolumeView, open_volume  # noqa: E402

__all__ = [
    "BlockLostError",
    "BlockNotMirroredError",
    "CropView",
    "NotOnShareError",
    "VolumeView",
    "open_crop",
    "open_volume",
    "png_of",
]
