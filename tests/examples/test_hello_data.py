"""examples/hello_data.ipynb: what it says to mirror is all that it reads, and it draws what the command draws."""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from numpy.typing import NDArray
from PIL import Image

from mirror.cli.main import main
from tests.labs import Lab, make_lab
from tests.servers import Bucket

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "hello_data.ipynb"


@pytest.fixture(scope="module")
def lab(sample_buckets: dict[str, Bucket], tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab that has run the two commands that the notebook names."""
    lab = make_lab(tmp_path_factory.mktemp("hello"), sample_buckets)
    commands = re.findall(r"`oomirror (sync [^`]*)`", read_notebook().cells[0].source)
    assert len(commands) == 2
    for command in commands:
        assert main((*command.split(), "--config", str(lab.config))) == 0
    return lab


@pytest.fixture(scope="module")
def executed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook with its outputs; a cell that raises is an error here."""
    notebook = read_notebook()
    home = str(tmp_path_factory.mktemp("jupyter"))
    own = {"OOMIRROR_CONFIG": str(lab.config), "PYTHONPATH": str(ROOT)}
    with pytest.MonkeyPatch.context() as patch:
        # Nothing of the user's Jupyter, and nothing into it; without the last one it warns of a move of its folders.
        for name, value in {"IPYTHONDIR": home, "JUPYTER_RUNTIME_DIR": home, "JUPYTER_PLATFORM_DIRS": "1"}.items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": home}}).execute(env={**os.environ, **own})
    return notebook


def test_it_is_kept_without_outputs() -> None:
    """So that a change of it can be read, and no picture of the lab's data gets into the repository."""
    cells = [cell for cell in read_notebook().cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


def test_its_crop_picture_is_that_of_the_command(executed: Any, lab: Lab, tmp_path: Path) -> None:
    """Pixel for pixel."""
    file = tmp_path / "crop1.png"
    assert main(("crops", "picture", "1", "-o", str(file), "--config", str(lab.config))) == 0
    with Image.open(file) as image:
        assert np.array_equal(picture_of(executed, 'crop.picture("mid")'), np.asarray(image))


def test_its_slice_is_raw(executed: Any, lab: Lab) -> None:
    """The first picture is the middle slice of raw, voxel by pixel."""
    from oomirror import open_volume

    raw = open_volume("jrc_hela-2/volumes/raw", level="s2", config=lab.config)
    assert np.array_equal(picture_of(executed, "Image.fromarray(middle)"), raw[raw.shape[0] // 2])


def test_it_tells_the_right_place_from_the_wrong_one(executed: Any) -> None:
    """Membranes are dark where the offset is divided by 4, and not where z is divided by 5.24."""
    said = text_of(executed, "wrong_z")
    assert "offset 96 nm: z 24 is right, z 18 is wrong" in said
    right, wrong = map(int, re.findall(r"(\d+)(?: on average)? in the", said))
    assert right < 100 < wrong


def test_it_tells_what_is_missing(executed: Any) -> None:
    """Levels that were not mirrored are named with the command that fetches them; of the others a voxel is read."""
    said = text_of(executed, "raw.levels")
    assert re.search(r"^s0 has \d+$", said, re.MULTILINE)
    assert re.search(r"^s2 has \d+$", said, re.MULTILINE)
    assert "oomirror sync jrc_hela-2 --volumes volumes/raw --scales s1" in said


def read_notebook() -> Any:
    """Return it as the repository has it."""
    return nbformat.read(NOTEBOOK, 4)  # type: ignore[no-untyped-call]


def outputs_of(notebook: Any, words: str) -> list[Any]:
    """Return the outputs of the one code cell that has these words."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and words in cell.source]
    return list(cell.outputs)


def text_of(notebook: Any, words: str) -> str:
    """Return what the cell with these words printed."""
    return "".join(output.text for output in outputs_of(notebook, words) if output.output_type == "stream")


def picture_of(notebook: Any, words: str) -> NDArray[Any]:
    """Return the picture that the cell with these words shows."""
    (png,) = [output.data["image/png"] for output in outputs_of(notebook, words) if "data" in output]
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return np.asarray(image)
