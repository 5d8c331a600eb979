"""`oomirror doctor`: looks at all that a run depends on, and says what to do about what it finds."""

from mirror.app.doctor.checks import Check
from mirror.app.doctor.run import checks_of, examine

__all__ = ["Check", "checks_of", "examine"]
