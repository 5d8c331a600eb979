"""What of the doctor's looks is made before each sync."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mirror.app.short_look import check_case, look_in_short, mount_words
from mirror.engine.events import Event
from mirror.errors import UnsafeError
from mirror.keys import LINUX, ShareRules
from mirror.store.mounts import Mount
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Staging

BLIND = replace(LINUX, is_case_blind=True)


@pytest.mark.parametrize(("marked", "is_blind"), [(LINUX, True), (BLIND, False)], ids=["blind now", "not any more"])
def test_a_share_that_tells_names_otherwise_than_when_it_was_marked(marked: ShareRules, is_blind: bool) -> None:
    """It is refused, and both are said: two objects would be one file, or keys were refused for nothing."""
    with pytest.raises(UnsafeError) as told:
        check_case(Path("/lab"), marked, is_blind=is_blind)
    assert {told.value.expected, told.value.found} == {
        "names that differ by case are one file",
        "names that differ by case are two files",
    }
    assert ("one file" in str(told.value.found)) == is_blind
    check_case(Path("/lab"), marked, is_blind=not is_blind)


def test_a_mount_that_believes_too_long_is_said() -> None:
    """As the doctor says it, with its advice; of others nothing."""
    (words,) = mount_words(Mount("nas:/lab", Path("/lab"), "nfs4", ("rw", "actimeo=600")))
    assert words.startswith("The share is mounted with actimeo=600: ")
    assert "Mount it with actimeo=60 or less" in words
    assert list(mount_words(Mount("/dev/sda", Path("/lab"), "ext4", ("actimeo=600",)))) == []


def test_the_look_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its files lie in the run's room, which is closed again; here a file system tells names by case."""
    share = Share(tmp_path)
    share.write_marker(LINUX)
    told: list[Event] = []

    def tell(event: Event) -> None:
        """Keep it."""
        told.append(event)

    look_in_short(Staging(share, "run", FilePolicy()), LINUX, tell)
    assert [path.name for path in share.own.rglob("*") if path.is_file()] == ["marker.json"]
    assert told == []
