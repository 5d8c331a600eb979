"""What a user asks of one check."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mirror.engine.scrub import Depth
from mirror.errors import UsageError
from mirror.quantities import Budget
from mirror.selection.globs import VolumeFilter
from mirror.selection.scales import ALL_SCALES, Scales


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What a user asks of one check."""

    datasets: tuple[str, ...] = ()
    """None: all that the catalog knows on the share."""
    bucket: str | None = None
    """As the configuration names it; None: all."""
    volumes: VolumeFilter = field(default_factory=lambda: VolumeFilter(()))
    scales: Scales = ALL_SCALES
    depth: Depth = Depth.HEADERS
    budget: Budget = field(default_factory=Budget)
    repair: bool = False

    def at_depth(self, *, quick: bool, full: bool, repair: bool) -> VerifyRequest:
        """Return the request as deep as the flags say.

        Raises
        ------
        UsageError
            Both are given.
        """
        if quick and full:
            raise UsageError("cannot look in two ways at once", "--quick and --full", hint="Give one of them.")
        depth = Depth.QUICK if quick else Depth.FULL if full else Depth.HEADERS
        return replace(self, depth=depth, repair=repair)

    @property
    def is_everything(self) -> bool:
        """Whether all of the datasets is meant."""
        return not self.volumes.patterns and self.scales == ALL_SCALES

    def describe(self) -> dict[str, object]:
        """Return the request as the catalog keeps it with the run."""
        return {
            "depth": self.depth.word,
            "volumes": [pattern.text for pattern in self.volumes.patterns],
            "scales": str(self.scales),
            "repair": self.repair,
        }
