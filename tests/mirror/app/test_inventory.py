"""`ls`: what the catalog tells of both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mirror.app.inventory import list_datasets, list_levels
from mirror.app.scan import scan
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.errors import MirrorError, UnknownNameError, UnreachableError
from mirror.selection import SelectionSpec, parse_scales, parse_volumes

DATASET = "jrc_hela-2"


def test_without_a_scan_the_bucket_names_its_datasets(lab: Settings) -> None:
    """A new user sees which datasets there are, and that none was listed."""
    lines = {(line.bucket, line.dataset): line for line in list_datasets(lab)}
    assert lines["a", DATASET].listed is None
    assert lines["b", DATASET].mirrored.objects == 0


def test_a_selection_does_not_change_what_the_bucket_is_said_to_have(lab: Settings) -> None:
    """The dataset's size is that of the newest whole listing, also after a sync of a part."""
    (report,) = asyncio.run(scan(lab, (DATASET,), bucket="b"))
    raw = SelectionSpec(volumes=parse_volumes(["raw"]))
    synced = asyncio.run(sync(lab, SyncRequest((DATASET,), "b", raw)))
    (line,) = (line for line in list_datasets(lab, "b") if line.dataset == DATASET)
    assert line.listed == report.listed
    assert line.mirrored == synced.transferred


def test_levels_are_whole_partial_or_none(lab: Settings) -> None:
    """Each level says how much of it is on the share."""
    asyncio.run(scan(lab, (DATASET,), bucket="b"))
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s1"))
    asyncio.run(sync(lab, SyncRequest((DATASET,), "b", spec)))
    states = {(line.volume, line.level): line.state for line in list_levels(lab, DATASET, "b")}
    assert states["volumes/raw", "s1"] == "whole"
    assert states["volumes/raw", "s0"] == "none"


def test_a_dataset_that_was_never_seen_says_how_to_list_it(lab: Settings) -> None:
    """`ls DATASET` of an unknown dataset names the command that lists it."""
    with pytest.raises(UnknownNameError, match="oomirror scan"):
        list_levels(lab, DATASET)


def test_a_bucket_out_of_reach_is_told(make_lab: Callable[..., Settings]) -> None:
    """Beside what the catalog knows, a silent bucket is named; where it knows nothing, that is the error."""
    settings = make_lab(buckets={name: {"endpoint_url": "http://127.0.0.1:9"} for name in "ab"})
    with pytest.raises(UnreachableError):
        list_datasets(settings)
    asyncio.run(scan(make_lab(), (DATASET,), bucket="b", metadata_only=True))
    told: list[MirrorError] = []
    assert [line.dataset for line in list_datasets(settings, on_unreachable=told.append)] == [DATASET]
    assert len(told) == 2
