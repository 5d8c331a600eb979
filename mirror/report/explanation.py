"""What `oomirror diff-buckets` answers, as models for every renderer. Signed bytes are A's less B's."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mirror.explain.causes import Cause, Place, Side
from mirror.objects import Tally

GB, GIB = 10**9, 2**30


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredAmount(_Report):
    """What one bucket stores: objects and bytes, also in the two units that are mistaken for each other."""

    objects: int
    bytes: int
    gb: float
    """10^9 bytes, as S3 and papers count."""
    gib: float
    """2^30 bytes, which Windows' Explorer calls GB."""

    @classmethod
    def of(cls, tally: Tally) -> StoredAmount:
        """Return the amount of a tally."""
        return cls(
            objects=tally.objects,
            bytes=tally.bytes,
            gb=round(tally.bytes / GB, 3),
            gib=round(tally.bytes / GIB, 3),
        )


class SourceReport(_Report):
    """The listing that one bucket's numbers of a dataset come from."""

    url: str
    """`s3://bucket/prefix` of the dataset."""
    listed_at: str | None = None
    """ISO 8601 in UTC."""
    snapshot: int | None = None
    """Of the catalog."""


class CauseReport(_Report):
    """What one cause makes of the difference at one place."""

    cause: Cause
    bytes: int
    share: float | None
    """Of the difference; above 1 or below 0 where causes work against each other; null where nothing differs."""
    where: str
    evidence: tuple[str, ...]
    objects: int | None = None
    """How many, where the cause is objects that one bucket has."""
    place: Place | None = None
    """What kind of thing these objects are."""
    approximate: bool = False


class CauseTotal(_Report):
    """What one cause makes of the difference over all places."""

    cause: Cause
    title: str
    """In plain words."""
    bytes: int
    share: float | None


class UnexplainedReport(_Report):
    """Bytes that no cause accounts for."""

    where: str
    bytes: int
    reason: str


class WaterfallStep(_Report):
    """One step of the way from B's size to A's. The first starts at B's size, the last ends at A's."""

    cause: Cause
    title: str
    bytes: int
    start_bytes: int
    end_bytes: int


class Contributions(_Report):
    """What a level's difference is made of; with the level's `unexplained_bytes` they sum to it."""

    voxels: int = 0
    bytes_per_voxel: int = 0
    compression: int = 0
    headers: int = 0
    one_sided_blocks: int = 0
    edge_padding: int = 0


class CompressionParts(_Report):
    """What a sample parts `compression` into; they sum to it."""

    type: int = 0
    codec: int = 0
    block_size: int = 0
    content: int = 0


class FactorReport(_Report):
    """One factor of the payload of one group of blocks that both store."""

    group: str
    cause: Cause
    a: float
    b: float
    log_ratio: float | None
    """ln(a / b); null where one of them is 0."""
    bytes: int


class BlocksReport(_Report):
    """Where a level's blocks are stored."""

    common: dict[str, int] | None
    """Group (`interior`, `edge`) to blocks that both store; null where blocks cannot be laid side by side."""
    only_in_a: StoredAmount
    """Inside both grids, and not stored by the other."""
    only_in_b: StoredAmount
    outside_in_a: StoredAmount
    """Outside the other's grid."""
    outside_in_b: StoredAmount


class LevelSideReport(_Report):
    """What a level is in one bucket. x first, as N5 orders axes."""

    shape_xyz: tuple[int, ...] | None
    block_size_xyz: tuple[int, ...] | None
    data_type: str | None
    compression: dict[str, object] | None
    stored: StoredAmount
    """Its sound blocks."""
    voxel_bytes: int | None
    """All voxels before compression."""
    header_mode: int | None = None
    edge_style: str | None = None
    headers_read: int = 0


class LevelReport(_Report):
    """One level of a pair."""

    level: str
    a_bytes: int
    b_bytes: int
    difference_bytes: int
    contributions: Contributions
    unexplained_bytes: int = 0
    compression_parts: CompressionParts | None = None
    """Null without `--sample`."""
    approximate: bool
    """Exact in its sum; but blocks of the two do not lie side by side."""
    a: LevelSideReport
    b: LevelSideReport
    blocks: BlocksReport
    factors: tuple[FactorReport, ...]
    evidence: tuple[str, ...]
    sampled: tuple[str, ...] = ()
    """What a sample of its voxels tells; it stands in `evidence`, too."""


class PairReport(_Report):
    """Two volumes that show the same."""

    a_volume: str
    b_volume: str
    kind: str
    reason: str
    """Why they are a pair."""
    a: StoredAmount
    """Every object of the volume, also of levels that the other lacks."""
    b: StoredAmount
    difference_bytes: int
    ratio: float | None
    """A's size over B's; null where B has nothing."""
    causes: tuple[CauseReport, ...]
    """Sum to `difference_bytes` less `unexplained_bytes`."""
    unexplained_bytes: int
    unexplained: tuple[UnexplainedReport, ...]
    waterfall: tuple[WaterfallStep, ...]
    levels: tuple[LevelReport, ...]
    """Of both; a level that one lacks is a cause."""
    evidence: tuple[str, ...]


class OnlyInReport(_Report):
    """Objects that one bucket has, with nothing beside them in the other."""

    side: Side
    place: Place
    where: str
    stored: StoredAmount
    reason: str
    examples: tuple[str, ...] = ()


class FindingReport(_Report):
    """Something worth knowing that moves no byte."""

    code: str
    where: str
    text: str


class EarlierReport(_Report):
    """What the same question was answered from other, earlier listings."""

    made_at: str
    """ISO 8601, UTC."""
    a: StoredAmount
    b: StoredAmount
    difference_bytes: int
    causes_total: tuple[CauseTotal, ...]


class DatasetReport(_Report):
    """One dataset in both buckets."""

    dataset: str
    answer: str
    """In one sentence."""
    a: StoredAmount
    """Every object of the dataset, of all formats."""
    b: StoredAmount
    difference_bytes: int
    ratio: float | None
    causes: tuple[CauseReport, ...]
    """The largest first; sum to `difference_bytes` less `unexplained_bytes`."""
    causes_total: tuple[CauseTotal, ...]
    """The same over all places; `unexplained` first where it is not 0."""
    unexplained_bytes: int
    unexplained: tuple[UnexplainedReport, ...]
    waterfall: tuple[WaterfallStep, ...]
    pairs: tuple[PairReport, ...]
    """The EM first, then by size."""
    only: tuple[OnlyInReport, ...]
    """Outside of pairs."""
    findings: tuple[FindingReport, ...]
    earlier: EarlierReport | None = None
    """None where the question was not asked before, or nothing was listed since."""
    a_source: SourceReport | None = None
    b_source: SourceReport | None = None
    """Null where no listing is behind the numbers, or the bucket lacks the dataset."""


class DiffReport(_Report):
    """What `oomirror diff-buckets` found."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    answer: str
    """The first sentence: why A's raw is not as large as B's, over all datasets."""
    datasets: tuple[DatasetReport, ...]
    a: StoredAmount
    b: StoredAmount
    difference_bytes: int
    unexplained_bytes: int
    causes_total: tuple[CauseTotal, ...]
    waterfall: tuple[WaterfallStep, ...]
