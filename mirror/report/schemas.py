"""The JSON Schemas of what commands print with `--json`: `python -m mirror.report.schemas docs/schemas` writes them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mirror.report.crop_table import CropTableLine
from mirror.report.crops import BestLine, CropLine, CropReport, EvaluationLine, IssueLine
from mirror.report.doctor import DoctorReport
from mirror.report.explanation import DiffReport
from mirror.report.imports import ImportReport
from mirror.report.locate import LocateReport
from mirror.report.model import (
    CheckLine,
    ColumnLine,
    DatasetLine,
    ErrorReport,
    ExportReport,
    FactLine,
    FindingLine,
    FoundLine,
    LevelLine,
    ManifestLine,
    ObjectLine,
    RunLine,
    ScanReport,
    SqlReport,
    SyncReport,
    UpgradeLine,
    VolumeLine,
    WhyReport,
)
from mirror.report.notice import NoticeDocument
from mirror.report.refresh import RefreshReport
from mirror.report.trash import EmptyReport, RestoreReport, TrashedFile, TrashLine
from mirror.report.upkeep import CatalogInfo, CatalogVacuumed
from mirror.report.verification import CertifyReport, VerifyReport

DOCUMENTS: Mapping[str, tuple[str, Any]] = {
    "sync": ("What `oomirror sync --json` prints", SyncReport),
    "adopt": ("What `oomirror adopt --json` prints: a report for each bucket", tuple[SyncReport, ...]),
    "scan": ("What `oomirror scan --json` prints: a report for each dataset", tuple[ScanReport, ...]),
    "ls": ("What `oomirror ls --json` prints: a line for each dataset", tuple[DatasetLine, ...]),
    "ls-dataset": ("What `oomirror ls DATASET --json` prints: a line for each level", tuple[LevelLine, ...]),
    "catalog-datasets": ("What `oomirror catalog datasets --json` prints: a line for each", tuple[DatasetLine, ...]),
    "catalog-volumes": ("What `oomirror catalog volumes --json` prints: a line for each", tuple[VolumeLine, ...]),
    "catalog-levels": ("What `oomirror catalog levels --json` prints: a line for each", tuple[LevelLine, ...]),
    "catalog-objects": ("What `oomirror catalog objects --json` prints: a line for each", tuple[ObjectLine, ...]),
    "catalog-runs": ("What `oomirror catalog runs --json` prints: a line for each", tuple[RunLine, ...]),
    "catalog-findings": ("What `oomirror catalog findings --json` prints: a line for each", tuple[FindingLine, ...]),
    "catalog-issues": ("What `oomirror catalog issues --json` prints: a line for each", tuple[IssueLine, ...]),
    "catalog-evaluations": (
        "What `oomirror catalog evaluations --json` prints: a line for each",
        tuple[EvaluationLine, ...],
    ),
    "catalog-evaluations-best": (
        "What `oomirror catalog evaluations --best --json` prints: a line for each label, dataset and metric",
        tuple[BestLine, ...],
    ),
    "catalog-facts": ("What `oomirror catalog facts --json` prints: a line for each", tuple[FactLine, ...]),
    "catalog-check": ("What `oomirror catalog check --json` prints: a line for each look", tuple[CheckLine, ...]),
    "catalog-upgrade": ("What `oomirror catalog upgrade --json` prints: one line", tuple[UpgradeLine, ...]),
    "catalog-search": ("What `oomirror catalog search --json` prints: a line for each match", tuple[FoundLine, ...]),
    "catalog-export": ("What `oomirror catalog export --json` prints", ExportReport),
    "catalog-sql": ("What `oomirror catalog sql --json` prints", SqlReport),
    "catalog-sql-tables": (
        "What `oomirror catalog sql --tables --json` prints: a line for each column",
        tuple[ColumnLine, ...],
    ),
    "catalog-import-manifest": (
        "What `oomirror catalog import-manifest --json` prints: a line for each document",
        tuple[ManifestLine, ...],
    ),
    "crops-locate": ("What `oomirror crops locate --json` prints", LocateReport),
    "crops-import-manifest": (
        "What `oomirror crops import-manifest --json` prints: a line for each table",
        tuple[CropTableLine, ...],
    ),
    "import-mongo": ("What `oomirror import-mongo --json` prints", ImportReport),
    "crops-ls": ("What `oomirror crops ls --json` prints: a line for each crop", tuple[CropLine, ...]),
    "crops-show": ("What `oomirror crops show --json` prints", CropReport),
    "refresh": ("What `oomirror refresh --json` prints", RefreshReport),
    "notice": ("What a webhook and a command of [notify] get", NoticeDocument),
    "diff-buckets": ("What `oomirror diff-buckets --json` prints", DiffReport),
    "verify": ("What `oomirror verify --json` prints", VerifyReport),
    "certify": ("What `oomirror certify --json` prints", CertifyReport),
    "why": ("What `oomirror why --json` prints", WhyReport),
    "catalog-info": ("What `oomirror catalog info --json` prints", CatalogInfo),
    "catalog-vacuum": ("What `oomirror catalog vacuum --json` prints", CatalogVacuumed),
    "trash-ls": ("What `oomirror trash ls --json` prints: a line for each run", tuple[TrashLine, ...]),
    "trash-ls-run": ("What `oomirror trash ls RUN --json` prints: a line for each file", tuple[TrashedFile, ...]),
    "trash-restore": ("What `oomirror trash restore --json` prints", RestoreReport),
    "trash-empty": ("What `oomirror trash empty --json` prints", EmptyReport),
    "doctor": ("What `oomirror doctor --json` prints", DoctorReport),
    "error": ("What any command with --json prints when it fails", ErrorReport),
}
"""Name of the file in docs/schemas, without `.json`, to title and shape."""


def schema_text(name: str) -> str:
    """Return one schema as the text of its file."""
    title, shape = DOCUMENTS[name]
    schema = TypeAdapter(shape).json_schema(mode="serialization", by_alias=True)
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
    return json.dumps(whole, indent=2) + "\n"


def write_schemas(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        (folder / f"{name}.json").write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
