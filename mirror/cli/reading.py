"""What all commands that only read the catalog begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirror.config import Settings


def settings_for_reading(config: Path | None) -> Settings:
    """Return the settings, and say on stderr where it is not this machine's own catalog that will be read."""
    from mirror.app.reading import published_notice
    from mirror.cli.output import put_words
    from mirror.config import load_settings

    settings = load_settings(config)
    notice = published_notice(settings)
    if notice is not None:
        put_words(notice)
    return settings
