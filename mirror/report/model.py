"""What commands answer, as models: one for JSON, for text and for tests."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mirror.objects import Tally
from mirror.report.chosen_crops import ChosenCropLine


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(_Report):
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, tally: Tally) -> Amount:
        """Return the amount of a tally."""
        return cls(objects=tally.objects, bytes=tally.bytes)


class FailedObject(_Report):
    """An object that is not on the share, and why."""

    key: str
    path: str
    """Below the share's root."""
    reason: str


class SkippedObject(_Report):
    """An object that was left out on purpose, and why."""

    key: str
    reason: str


class Verified(_Report):
    """How the objects of this run were compared with the bucket's."""

    md5: Amount = Amount()
    multipart_etag: Amount = Amount()
    checksum: Amount = Amount()
    size_only: Amount = Amount()


class SyncReport(_Report):
    """What `oomirror sync` and `oomirror adopt` did, or would do."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    run: int | None
    """Number of the run in the catalog; null for a dry run."""
    dry_run: bool
    complete: bool
    """False when it was stopped before all was tried; the next run goes on."""
    bucket: str
    datasets: tuple[str, ...]
    planned: Amount
    transferred: Amount = Amount()
    adopted: Amount = Amount()
    up_to_date: Amount = Amount()
    replaced: Amount = Amount()
    deleted: Amount = Amount()
    failed: tuple[FailedObject, ...] = ()
    skipped: tuple[SkippedObject, ...] = ()
    refused: int = 0
    """How many of `skipped` are keys that cannot be files on the share, or crops asked for that nothing places."""
    crops: tuple[ChosenCropLine, ...] = ()
    """Where only crops were mirrored: these."""
    verified: Verified = Verified()
    seconds: float = 0.0

    @property
    def is_only_listed(self) -> bool:
        """Whether the time of a run was up before anything of what it had to fetch was tried."""
        tried = self.transferred.objects + self.adopted.objects + len(self.failed)
        return self.run is not None and not self.complete and self.planned.objects > 0 and not tried


class ScanReport(_Report):
    """What `oomirror scan` listed."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    run: int
    bucket: str
    dataset: str
    listed: Amount
    volumes: int
    arrays: int
    findings: int
    seconds: float


State: TypeAlias = Literal["none", "partial", "whole", "unknown"]
"""How much of it the share has; `unknown` where something is there and the bucket was never listed.

What was mirrored for crops and never listed is `partial`: of `grid_blocks`, of which the bucket may lack some."""


class LevelLine(_Report):
    """One level of a volume: what the bucket has and what the share has. The line of `ls DATASET` and of `levels`."""

    bucket: str
    dataset: str
    container: str
    """Path below the dataset."""
    format: str | None = None
    volume: str
    """Path inside the container."""
    kind: str | None = None
    organelle_class: str | None = None
    mirrored_y: bool | None = None
    """Whether rows are stored in the opposite order; None where nothing says."""
    level: str | None
    """None for a volume without levels."""
    prefix: str | None = None
    """Full key prefix in the bucket."""
    present: bool = True
    """Whether the bucket still had it when it was last looked at."""
    shape_zyx: tuple[int, ...] | None
    data_type: str | None
    axes_zyx: tuple[str, ...] | None = None
    voxel_size_nm_zyx: tuple[float, ...] | None = None
    """As written, negative where an axis is mirrored; of the axes in space, as the next."""
    translation_nm_zyx: tuple[float, ...] | None = None
    """Centre of the first voxel."""
    placement_source: str | None = None
    """The field of the document that the two above were read from."""
    block_size_zyx: tuple[int, ...] | None = None
    inner_block_size_zyx: tuple[int, ...] | None = None
    """Of what is compressed by itself inside a shard."""
    codec: str | None = None
    compression: dict[str, Any] | None = None
    """As the document has it."""
    grid_blocks: int | None = None
    """Of the whole grid."""
    stored: Amount | None = None
    """Blocks of the grid that the bucket has; None where they are not told apart from other objects."""
    absent_blocks: int | None = None
    """Blocks of the grid that the bucket lacks: they read as 0."""
    voxel_bytes: int | None = None
    """Of all voxels, before compression."""
    listed: Amount | None
    """All objects in its folder; None where it was never listed."""
    listed_at: str | None = None
    """Of the newest listing that has it: ISO 8601, UTC, as all times."""
    listed_whole_at: str | None = None
    """Of the newest listing of the whole dataset."""
    mirrored: Amount
    state: State
    published: bool = False
    """Whether the document is on the share with which it opens."""
    by_md5: int = 0
    """Objects on the share that were compared by an ETag that is an MD5, and so on."""
    by_multipart_etag: int = 0
    by_checksum: int = 0
    by_size_only: int = 0
    adopted: int = 0
    """Of all these: objects that lay on the share already."""
    verified_first_at: str | None = None
    verified_last_at: str | None = None
    """When the runs ended in which the oldest and the newest of its objects were verified."""


class DatasetLine(_Report):
    """One dataset in one bucket: the line of `ls` and of `datasets`."""

    bucket: str
    dataset: str
    title: str | None = None
    volumes: int = 0
    levels: int = 0
    findings: int = 0
    """Open ones."""
    discovered_at: str | None = None
    """When its folders were last walked."""
    listed: Amount | None
    listed_at: str | None
    """ISO 8601, UTC."""
    mirrored: Amount


class VolumeLine(_Report):
    """One volume: a pyramid, a single array, or meshes."""

    bucket: str
    dataset: str
    container: str
    """Path below the dataset."""
    format: str
    format_version: str | None
    volume: str
    """Path inside the container."""
    prefix: str
    """Full key prefix in the bucket."""
    kind: str | None
    organelle_class: str | None
    organelle: str | None
    """The class in words."""
    description: str | None
    """As a manifest has it."""
    mirrored_y: bool | None
    mirrored_y_source: str | None
    """What says so: a manifest, or the field of a document."""
    levels: tuple[str, ...]
    shape_zyx: tuple[int, ...] | None
    """Of the finest level, as the next four."""
    voxel_size_nm_zyx: tuple[float, ...] | None
    data_type: str | None
    block_size_zyx: tuple[int, ...] | None
    codec: str | None
    listed: Amount | None
    """Of all levels."""
    listed_at: str | None
    mirrored: Amount
    state: State
    present: bool
    """Whether the bucket still had it when it was last looked at."""


class RunLine(_Report):
    """One run of a command that writes."""

    run: int
    kind: str
    bucket: str
    datasets: tuple[str, ...]
    started_at: str
    finished_at: str | None
    seconds: float | None
    """None while it goes on."""
    state: str
    exit: int | None
    moved: Amount | None
    """Fetched by `sync`, taken over by `adopt`, listed by `scan`."""
    adopted: Amount | None
    host: str
    pid: int
    version: str
    selection: dict[str, Any]


class ObjectLine(_Report):
    """One object: as the bucket listed it, and as it is on the share."""

    key: str
    bucket: str
    dataset: str
    size: int
    """In the bucket; on the share where the bucket does not have it."""
    etag: str
    in_bucket: bool | None
    """None where it was never listed."""
    on_share: bool
    current: bool | None
    """Whether both have the same size and ETag; None where one side is missing."""
    verified: str | None
    """md5, multipart_etag, checksum, size_only."""
    adopted: bool | None
    run: int | None
    """In which it came to the share, or was found there."""


class FindingLine(_Report):
    """Something that is odd about the data."""

    bucket: str
    dataset: str
    severity: str
    code: str
    place: str
    """Key or prefix in the bucket."""
    expected: str
    found: str
    origin: str
    """What looked: `metadata`, `manifest`."""
    first_seen_at: str | None
    closed_at: str | None
    """When it was seen to be true no more."""


class FactLine(_Report):
    """One thing that a document says of a dataset."""

    dataset: str
    name: str
    value: Any
    source: str


class CheckLine(_Report):
    """One thing that `oomirror catalog check` looked at, or one fault that it found."""

    check: Literal["revision", "pages", "references", "sums", "listings", "tables"]
    good: bool
    place: str
    expected: str
    found: str


class UpgradeLine(_Report):
    """What `oomirror catalog upgrade` did."""

    catalog: str
    """Its URL, without a password."""
    before: str
    after: str
    backup: str | None
    """Copy of what was before."""


class FoundLine(_Report):
    """Something that `oomirror catalog search` found."""

    bucket: str
    dataset: str
    kind: str
    """`dataset`, `volume` or `crop`."""
    place: str
    """Full key prefix in the bucket; of a crop whose ground truth no bucket has, its number."""
    title: str


class ColumnLine(_Report):
    """One column of the catalog, in `oomirror catalog sql --tables`."""

    table: str
    column: str
    type: str
    """integer, boolean, text, time (ISO 8601 text in UTC), json (as text) or bytes."""
    unit: str
    """Empty where it has none."""
    meaning: str


class SqlReport(_Report):
    """What a query of `oomirror catalog sql` gave."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    columns: tuple[str, ...]
    """Names as the query gives them; two may be equal."""
    rows: tuple[tuple[int | float | bool | str | None, ...], ...]
    """Bytes as hex."""
    has_more: bool
    """Whether there were more rows than `--limit`."""


class ExportedTable(_Report):
    """One table that `oomirror catalog export` wrote."""

    table: str
    file: str
    """In the export's folder."""
    rows: int
    bytes: int
    """Of the file."""


class ExportReport(_Report):
    """What `oomirror catalog export` wrote."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    folder: str
    format: Literal["parquet", "csv"]
    tables: tuple[ExportedTable, ...]
    manifests: tuple[str, ...]
    """Files in the folder, each a manifest as it was imported."""
    left_over: tuple[str, ...]
    """Files of an earlier export that this one did not write; they stay."""


class ManifestLine(_Report):
    """What became of one document that `oomirror catalog import-manifest` read."""

    source: str
    """File or address."""
    dataset: str | None
    """None for a document that is no manifest."""
    state: Literal["new", "changed", "unchanged", "failed"]
    volumes: int
    """That it names."""
    findings: int
    """Of what it says, and of what it and the buckets do not agree about."""
    reason: str = ""
    """Why it failed."""


class RunBrief(_Report):
    """One run, as far as a story needs it."""

    run: int
    kind: str
    started_at: str
    """ISO 8601, UTC."""
    state: str
    scales: str | None
    """What it chose of the dataset; None where it has no such choice."""
    volumes: tuple[str, ...]
    """Patterns; none: all volumes."""
    crops: tuple[str, ...] = ()
    """Numbers; where there are some, only what these touch."""


class BlockStory(_Report):
    """Which voxels a block holds."""

    index_xyz: tuple[int, ...]
    """Place in the grid, counted in blocks."""
    start_zyx: tuple[int, ...]
    """First voxel."""
    stop_zyx: tuple[int, ...]
    """One after the last."""
    is_inside: bool
    """Of the array's grid."""
    is_edge: bool
    """Whether the array ends in it."""


class UpstreamStory(_Report):
    """What the newest listing that covers an object says of it."""

    is_listed: bool
    listed_at: str
    """End of the listing: ISO 8601, UTC."""
    run: int
    """The run that listed."""
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    """ISO 8601, UTC; not known of blocks."""
    was_listed_at: str | None = None
    """Of an older listing that still had it, where the newest has it no more."""


class RecordedStory(_Report):
    """What the catalog has of an object on the share."""

    size: int
    etag: str
    """Empty: in doubt, for a run that was replacing it did not finish."""
    xxh3: str | None
    verified_by: Literal["md5", "multipart_etag", "checksum", "size_only"]
    adopted: bool
    """Whether it lay on the share already."""
    run: int
    """The run that verified it."""


class FileStory(_Report):
    """What lies on the share."""

    path: str
    size: int | None
    """None for what is no file."""
    modified_at: str
    """ISO 8601, UTC."""


class ObjectStory(_Report):
    """What became of one object."""

    verdict: str
    """In a word, as `on-share`, `lost`, `absent-upstream`; docs/catalog.md has them all."""
    block: BlockStory | None
    upstream: UpstreamStory | None
    """None where no listing covers it."""
    recorded: RecordedStory | None
    file: FileStory | None
    """None where there is none, or the share cannot be seen from here."""
    share_is_seen: bool


class WhyLevel(_Report):
    """One array below a folder."""

    volume: str
    level: str | None
    """None for an array without levels."""
    blocks_in_grid: int | None
    blocks_listed: int | None
    """None where it was never listed; blocks that are missing in the bucket read as 0."""
    listed: Amount | None
    mirrored: Amount
    is_published: bool
    """Whether the document with which it opens is on the share."""
    is_chosen: bool
    """Whether a sync chose it."""


class FolderStory(_Report):
    """What became of what lies below a folder."""

    levels: tuple[WhyLevel, ...]
    other_listed: Amount | None
    """Outside all arrays; None where it was never listed, or is not counted by itself."""
    other_mirrored: Amount | None
    listed_at: str | None
    """Of the newest listing of all of it: ISO 8601, UTC."""


class WhyFinding(_Report):
    """Something odd about the data that concerns what was asked for."""

    severity: str
    code: str
    place: str
    expected: str
    found: str


class PartnerStory(_Report):
    """What shows the same in another bucket."""

    bucket: str | None
    url: str | None
    """None: there is none."""
    is_listed: bool | None
    """None where no listing tells."""
    is_mirrored: bool | None
    reason: str
    """Why these two belong together, or why there is no partner."""


class WhyReport(_Report):
    """What `oomirror why` tells."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    bucket: str
    dataset: str
    """Empty for what lies beside the datasets."""
    url: str
    key: str
    path: str | None
    """Where it lies on the share, or would lie; None where no share is configured."""
    thing: str
    """block, metadata, mesh, loose file, stray; level, volume, container, dataset, folder."""
    format: str | None
    container: str | None
    volume: str | None
    """Path inside the container."""
    volume_kind: str | None
    organelle_class: str | None
    level: str | None
    object: ObjectStory | None
    """None for a folder."""
    folder: FolderStory | None
    """None for an object."""
    runs: tuple[RunBrief, ...]
    """Those that listed, chose or verified it, and the last sync of the dataset; the newest first."""
    chosen_by: int | None
    """The newest sync that chose it."""
    findings: tuple[WhyFinding, ...]
    partner: PartnerStory
    also: tuple[str, ...]
    """Addresses of other things that the same words may mean."""


class ErrorParts(_Report):
    """Why a command failed, in its parts; empty where there is nothing to say."""

    exit: int
    """Exit code of the process."""
    what: str
    """What could not be done."""
    thing: str
    """To which thing."""
    expected: str
    found: str
    hint: str
    """What the user can do next."""


class ErrorReport(_Report):
    """What any command with `--json` prints when it fails."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    error: ErrorParts
