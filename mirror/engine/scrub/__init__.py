"""Looking at files of the share: whether each is there, as long, and byte for byte what it was."""

from mirror.engine.scrub.damage import Damage, Depth
from mirror.engine.scrub.errors import IoErrors
from mirror.engine.scrub.look import Batch, Looker, Odd, Seen, Wanted
from mirror.engine.scrub.pool import looked_at
from mirror.engine.scrub.shape import BlockShape

__all__ = ["Batch", "BlockShape", "Damage", "Depth", "IoErrors", "Looker", "Odd", "Seen", "Wanted", "looked_at"]
