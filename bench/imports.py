"""`python -m bench imports`: a million made-up evaluations, as mongodump writes them, imported and imported again.

Each import is a whole process, `oomirror import-mongo FILE`, from its start to its exit.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bson

from bench.measure import Measured, measure
from bench.repeat import TMPFS, environment_of
from bench.tools import OOMIRROR
from catalog.mongo.labels import CLASSES
from catalog.queries.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from mirror.errors import MirrorError
from oomirror import __version__

BAR_BYTES = 300_000_000
BAR_DOCUMENTS_PER_SECOND = 15_000
_NOBODY = "http://127.0.0.1:9"
_CROPS = ("110", "111", "112", "113")
_ITERATIONS = tuple(range(25_000, 1_000_000, 25_000))


def main(arguments: Sequence[str]) -> int:
    """Write the dump, measure, and print the figures as Markdown; 1 if a figure misses its bar."""
    options = _parser().parse_args(arguments)
    print(f"`python -m bench imports {' '.join(arguments)}`, oomirror {__version__}\n")
    with tempfile.TemporaryDirectory(prefix="oomirror-imports-", dir=options.dir) as name:
        folder = Path(name)
        dump = folder / "v0003.2.v0003.bson"
        _write(dump, options.documents)
        environment = environment_of(folder, _NOBODY)
        print("| import | documents | s | documents/s | CPU s | peak MB |\n|---|---:|---:|---:|---:|---:|")
        first = _import(environment, dump, "new")
        _show("first", first, options.documents)
        again = _import(environment, dump, "unchanged")
        _show("again", again, options.documents)
        best, _ = measure([*OOMIRROR, "catalog", "evaluations", "--best", "--json"], environment)
        print(f"\n`catalog evaluations --best` takes {best.seconds:.1f} s, peak {best.peak_bytes / 1e6:.0f} MB.")
        print(f"The dump has {dump.stat().st_size / 1e6:.0f} MB, the catalog {_catalog_bytes(folder) / 1e6:.0f} MB.")
    is_slow = options.documents / first.seconds < BAR_DOCUMENTS_PER_SECOND
    return int(is_slow or max(first.peak_bytes, again.peak_bytes) > BAR_BYTES)


def _write(file: Path, n_documents: int) -> None:
    source = random.Random(n_documents)  # noqa: S311  made up, and the same each time
    with file.open("wb") as stream:
        for document in _documents(n_documents, source):
            stream.write(bson.encode(document))


def _documents(n_documents: int, source: random.Random) -> Iterator[dict[str, Any]]:
    labels, metrics = sorted(CLASSES), sorted(HIGHER_IS_BETTER | LOWER_IS_BETTER)
    for number in range(n_documents):
        setup, label = f"setup{source.randrange(1, 60):02}", source.choice(labels)
        iteration, metric = source.choice(_ITERATIONS), source.choice(metrics)
        folder = f"/nrs/cosem/cosem/training/v0003.2/{setup}/HeLa_Cell2_4x4x4nm"
        yield {
            "_id": bson.ObjectId(number.to_bytes(12, "big")),
            "path": f"{folder}/HeLa_Cell2_4x4x4nm_it{iteration}.n5",
            "dataset": label,
            "setup": setup,
            "iteration": iteration,
            "label": label,
            "crop": source.choice(_CROPS),
            "threshold": 127,
            "metric": metric,
            "metric_params": {"tol_distance": 40} if "tolerance" in metric else {},
            "value": float("nan") if source.random() < 0.02 else source.random(),
            "raw_dataset": "volumes/raw/s0",
            "parent_path": "/groups/cosem/cosem/data/HeLa_Cell2_4x4x4nm/HeLa_Cell2_4x4x4nm.n5",
            "parent_dataset_id": "jrc_hela-2",
            "refined": False,
        }


def _import(environment: Mapping[str, str], dump: Path, expected: str) -> Measured:
    """Measure one import.

    Raises
    ------
    MirrorError
        Not all documents are what they should be.
    """
    measured, output = measure([*OOMIRROR, "import-mongo", str(dump), "--json"], environment)
    (source,) = json.loads(output)["sources"]
    documents = source["documents"]
    if documents[expected] != documents["seen"]:
        raise MirrorError("the import is not what it should be", str(dump), expected=expected, found=str(documents))
    return measured


def _show(name: str, measured: Measured, n_documents: int) -> None:
    print(
        f"| {name} | {n_documents:,} | {measured.seconds:.1f} | {n_documents / measured.seconds:,.0f} "
        f"| {measured.cpu_seconds:.1f} | {measured.peak_bytes / 1e6:.0f} |",
        flush=True,
    )


def _catalog_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "catalog").iterdir())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench imports", description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000, help="evaluations (1000000)")
    parser.add_argument("--dir", type=Path, default=TMPFS, help=f"where dump and catalog are made ({TMPFS})")
    return parser
