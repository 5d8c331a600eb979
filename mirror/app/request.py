"""What a user asks of one sync."""

from __future__ import annotations

from dataclasses import dataclass, field

from mirror.crops.spec import CropSpec
from mirror.engine.fetch import ChecksumMode
from mirror.errors import UsageError
from mirror.quantities import Limit, Timetable
from mirror.selection import KeyFilter, SelectionSpec


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What a user asks of one sync."""

    datasets: tuple[str, ...]
    bucket: str | None = None
    """As the configuration names it; None is its `default_bucket`."""
    spec: SelectionSpec = field(default_factory=SelectionSpec)
    crops: CropSpec | None = None
    """None: whole levels. Else of raw only the blocks that these touch, and of `spec` what bears on them."""
    exclude: KeyFilter = field(default_factory=KeyFilter)
    """Keys that are left out, and are no failure."""
    bucket_files: bool = False
    checksum: ChecksumMode | None = None
    verify_share: bool = False
    max_age_seconds: float | None = None
    """A complete snapshot that is not older serves as listing; None lists again."""
    dry_run: bool = False
    concurrency: int | None = None
    max_bandwidth: Timetable | None = None
    """None is the configuration's `transfer.max_bandwidth`."""
    max_duration_seconds: float | None = None
    may_fetch: bool = True
    """False: files on the share are compared and recorded, or named as failed (`adopt`)."""
    delete: bool = False
    """Whether what vanished from the bucket goes to the trash."""
    max_delete: Limit | None = None
    """How much may go; None is a tenth of the mirrored objects of the selection, and of their bytes."""

    def __post_init__(self) -> None:
        if self.delete and self.max_age_seconds is not None:
            raise UsageError("--delete needs a listing of now", "--max-age", hint="Leave out one of the two.")
        if self.delete and self.crops is not None:
            raise UsageError(
                "--delete takes whole arrays, and --crops chooses parts of them",
                "--crops",
                hint="Leave out one of the two.",
            )
        if self.max_delete is not None and not self.delete:
            raise UsageError("--max-delete limits what --delete takes away", "--max-delete", hint="Add --delete.")
