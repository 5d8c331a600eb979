"""What `oomirror verify` and `oomirror certify` answer, as models: one for JSON, for text and for tests."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mirror.report.model import Amount

DamageKind: TypeAlias = Literal["size", "content", "header", "decode", "stray", "not_a_file", "unreadable"]
NAMED = 10_000
"""Objects of each list that a report names, the first by bucket and key; the others are counted."""


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DamagedObject(_Report):
    """A file that is not what it must be, that nobody knows (`stray`), or that we may not read (`unreadable`)."""

    key: str
    path: str
    """Below the share's root."""
    kind: DamageKind
    reason: str


class LostObject(_Report):
    """An object that was on the share and is gone."""

    key: str
    path: str


class UnmendedObject(_Report):
    """A damaged or lost object that `--repair` could not mend, and why."""

    key: str
    path: str
    reason: str


class CheckedLevel(_Report):
    """What came of one level of a volume, or of what lies outside volumes."""

    bucket: str
    dataset: str
    volume: str
    level: str | None
    checked: Amount
    damaged: Amount
    lost: Amount


class VerifyReport(_Report):
    """What `oomirror verify` found."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    runs: tuple[int, ...] = ()
    """Numbers of the runs in the catalog, one a bucket; none where a certificate was checked."""
    depth: Literal["quick", "headers", "full"]
    complete: bool
    """False when the budget was used up before all was looked at; the next run goes on."""
    datasets: tuple[str, ...]
    checked: Amount
    ok: Amount
    damaged: tuple[DamagedObject, ...] = ()
    damaged_more: int = 0
    """How many there are besides those that `damaged` names."""
    lost: tuple[LostObject, ...] = ()
    lost_more: int = 0
    """How many there are besides those that `lost` names."""
    kinds: dict[DamageKind | Literal["lost"], int] = {}
    """How many objects of each kind there are, named or not."""
    absent_upstream: int = 0
    """Blocks of the grids looked at that the bucket does not have: they read as 0, and are no damage."""
    repaired: int = 0
    unrepaired: int = 0
    unmended: tuple[UnmendedObject, ...] = ()
    """Those of `unrepaired`, each with the reason."""
    unmended_more: int = 0
    """How many there are besides those that `unmended` names."""
    left_out: int = 0
    """Of a certificate: objects that it leaves out, for they were damaged or lost when it was made."""
    upgraded: Amount = Amount()
    """Objects of which only the length had been compared, and that are proven by MD5 now."""
    levels: tuple[CheckedLevel, ...] = ()
    never_checked: Amount = Amount()
    """Of the selection: what was never looked at as deep as this, also after this run."""
    oldest_check_at: str | None = None
    """When the part that was looked at longest ago was looked at; None while some never was."""
    seconds: float = 0.0

    def n_of(self, *kinds: str) -> int:
        """Return how many objects of these kinds there are, named or not."""
        return sum(n for kind, n in self.kinds.items() if kind in kinds)

    @property
    def n_mendable(self) -> int:
        """How many objects a repair would fetch: all that is wrong but strays."""
        return sum(n for kind, n in self.kinds.items() if kind != "stray")

    @property
    def is_of_nothing(self) -> bool:
        """Whether there was nothing to look at: as far as the catalog knows, nothing is on the share.

        Not of a certificate that leaves out all of what it is of: that is said.
        """
        return self.complete and not (self.checked.objects or self.kinds or self.left_out)


class CertifyReport(_Report):
    """What `oomirror certify` wrote."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    file: str
    bucket: str
    dataset: str
    certified: Amount
    without_hash: int
    """Objects of which no xxh3-128 is known."""
    size_only: int
    """Objects of which only the length was ever compared with the bucket's."""
    damaged: int
    """Objects that are known to be damaged or lost, and are left out."""
    sha256: str
    """Of the certificate, as it stands in it."""
