"""What full-text search finds of crops: their numbers, datasets, kinds of cell, and the organelles that they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ArrayRecord, CropRecord, LabelState, SearchEntry
from mirror.formats.organelles import title_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

KIND = "crop"
"""Of the entries that search has of crops."""


def put_crop_entries(connection: Connection, dataset: str | None = None) -> None:
    """Keep what search finds of crops, of one dataset or of all, instead of what it found before.

    A crop is found in each bucket that has its ground truth; where none has, in each that has its dataset.
    """
    known = queries.crops(connection, dataset=dataset)
    names = sorted({one.dataset for one in known if one.dataset is not None} | ({dataset} if dataset else set()))
    for name in names:
        of_dataset = [one for one in known if one.dataset == name]
        places = {
            bucket_id: queries.ground_truth_of(connection, bucket_id, name)
            for bucket_id in queries.buckets(connection)
            if queries.find_dataset(connection, bucket_id, name) is not None
        }
        titles = _Titles(connection)
        for bucket_id in places:
            entries = [
                titles.entry(bucket_id, one, place) for one in of_dataset for place in _place(one, bucket_id, places)
            ]
            queries.put_search_entries(connection, bucket_id, name, entries, kinds=[KIND])


def folder_of(arrays: tuple[ArrayRecord, ...]) -> str:
    """Return the full key prefix of a crop's ground truth, of which these are the arrays.

    >>> one = ArrayRecord(1, "b/c.n5/", "volumes/groundtruth/0003/Crop1/labels/all", "n5", (), (), "", {})
    >>> folder_of((one,))
    'b/c.n5/volumes/groundtruth/0003/Crop1/'
    """
    words = arrays[0].key_prefix.split("/")
    start = [word.casefold() for word in words].index("groundtruth")
    end = next(position for position in range(start + 1, len(words)) if words[position].casefold().startswith("crop"))
    return "/".join(words[: end + 1]) + "/"


_Places = dict[int, dict[str, tuple[tuple[str | None, ArrayRecord], ...]]]


def _place(record: CropRecord, bucket_id: int, places: _Places) -> Iterator[str]:
    """Yield where the crop is said to lie in a bucket, if it is."""
    here = _arrays(record, places[bucket_id])
    if here:
        yield folder_of(here)
    elif not any(_arrays(record, of_bucket) for of_bucket in places.values()):
        yield f"crop {record.number}, ground truth {record.version}"


def _arrays(
    record: CropRecord, of_bucket: dict[str, tuple[tuple[str | None, ArrayRecord], ...]]
) -> tuple[ArrayRecord, ...]:
    found = of_bucket.get(record.number, ())
    return tuple(array for version, array in found if version in {None, record.version})


class _Titles:
    """Words for crops, of what the catalog knows of labels."""

    def __init__(self, connection: Connection) -> None:
        self._organelles = {one.id: one.organelle_class for one in queries.labels(connection)}
        self._classes = queries.label_classes(connection)

    def entry(self, bucket_id: int, record: CropRecord, place: str) -> SearchEntry:
        """Return what search has of a crop."""
        dataset = record.dataset or ""
        role = "validation" if record.is_validation else "training"
        title = f"crop {record.number} of {dataset}, {role}"
        shown = {one.label_id for one in record.labels if one.state is LabelState.PRESENT_ANNOTATED}
        names = [one.name or "" for one in record.labels if one.state is LabelState.PRESENT_ANNOTATED]
        organelles = [
            name for label_id in sorted(one for one in shown if one) if (name := self._organelles.get(label_id))
        ]
        classes = [name for name, ids in self._classes.items() if shown.intersection(ids)]
        about = (*names, *organelles, *map(title_of, organelles), *classes)
        words = queries.words_of(title, "ground truth", record.biotype or "", record.alias or "", *about)
        return SearchEntry(bucket_id, dataset, KIND, place, title, words)
