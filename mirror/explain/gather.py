"""From what was found and listed of a dataset to what the accounting is fed with: every object in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from mirror.explain.block import find_place, grid_of
from mirror.explain.causes import Place
from mirror.explain.headers import UNREAD, HeaderEvidence
from mirror.explain.result import NOTHING, Note
from mirror.explain.stored import BlockRows, OtherObjects, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import METADATA_NAMES, Format
from mirror.formats.layout import Array, Container, Dataset, Finding, Volume
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally

KeySize: TypeAlias = tuple[str, int]
"""Full key and bytes of an object."""
_MOST_EXAMPLES = 3
_NO_ONE_SAYS: Mapping[str, bool | None] = {}


def gather_array(
    array: Array,
    objects: Iterable[KeySize],
    *,
    placed: Tally = NOTHING,
    rows: BlockRows | None = None,
    headers: HeaderEvidence = UNREAD,
    padding: Fraction | None = None,
    fault: str = "",
) -> StoredArray:
    """Return what is stored of an array.

    Parameters
    ----------
    objects
        Those that were listed by key; read once. Chunks among them get their places here, and are held in memory, so
        N5 blocks of three axes, which may be millions, come as `rows`.
    placed, rows
        Those that were listed by their place in the grid: how many, and a stream of them. None where all come by key.
    fault
        Why the array has no facts.
    """
    facts = array.facts if array.is_understood else None
    grid = None if facts is None else grid_of(facts.shape_xyz, facts.block_size_xyz)
    documents, others = NOTHING, NOTHING
    examples: list[str] = []
    chunks: dict[BlockIndex, int] = {}
    for key, size in objects:
        suffix = key.removeprefix(array.prefix)
        index = _index(array.format, grid, suffix) if rows is None else None
        if suffix in METADATA_NAMES:
            documents = documents.plus(size)
        elif index is not None and index not in chunks:
            chunks[index] = size
        else:
            # Also what spells a place again: zarr's `0.1.3` and `0/1/3`, precomputed's box with `.gz` and without.
            others = others.plus(size)
            examples += [key][: _MOST_EXAMPLES - len(examples)]
    has_shards = array.format is Format.PRECOMPUTED and not chunks and others.objects > 0
    return StoredArray(
        path=array.path,
        level_index=array.level_index,
        facts=facts,
        listed=documents + others + placed + Tally(len(chunks), sum(chunks.values())),
        documents=documents,
        blocks=None if has_shards or grid is None else rows or _stream(chunks),
        headers=headers,
        padding=padding,
        fault=fault,
        stray_examples=() if has_shards else tuple(examples),
    )


def gather_dataset(
    dataset: Dataset,
    total: Tally | None,
    arrays: Mapping[str, StoredArray],
    others: Iterable[KeySize],
    *,
    is_mirrored_y: Mapping[str, bool | None] = _NO_ONE_SAYS,
    notes: Sequence[Note] = (),
) -> StoredDataset:
    """Return what is stored of a dataset.

    Parameters
    ----------
    total
        Every object, as the listing counts them; None where only some volumes are asked for: then what the parts come
        to, and nothing proves that none is missing.
    arrays
        By the full prefix of each array of the dataset.
    others
        The objects that lie in no array's folder; read once, in constant memory.
    is_mirrored_y
        By full prefix of a volume, what manifests say.

    Raises
    ------
    KeyError
        An array of the dataset is not in `arrays`.
    """
    sorter = _Sorter(dataset)
    for key, size in others:
        sorter.add(key, size)
    volumes = tuple(
        StoredVolume(
            path=volume.path,
            format=volume.format,
            arrays=tuple(arrays[array.prefix] for array in volume.arrays),
            rest=sorter.rest.get(volume.prefix, NOTHING),
            is_mirrored_y=is_mirrored_y.get(volume.prefix),
        )
        for volume in dataset.volumes()
    )
    beside = tuple(sorter.others())
    parts = [*(volume.listed for volume in volumes), *(other.listed for other in beside)]
    return StoredDataset(dataset.name, sum(parts, NOTHING) if total is None else total, volumes, beside, tuple(notes))


def note_of(finding: Finding) -> Note:
    """Return what the check of a dataset's metadata found as a note of an explanation."""
    return Note(finding.code.value, finding.place, f"expected {finding.expected}, found {finding.found}")


def _stream(chunks: Mapping[BlockIndex, int]) -> BlockRows:
    return lambda: ((*index, chunks[index]) for index in sorted(chunks))


def _index(array_format: Format, grid: Grid | None, suffix: str) -> BlockIndex | None:
    place = None if grid is None else find_place(array_format, grid, suffix)
    return None if place is None else place.index_xyz


class _Sorter:
    """Puts objects that are in no array into their places: a volume's documents, a container's, loose files, strays."""

    def __init__(self, dataset: Dataset) -> None:
        self.rest: dict[str, Tally] = {}
        """Full prefix of a volume to its objects that are in none of its arrays."""
        self._dataset = dataset
        # Volumes of one prefix are a pyramid and an array beside its levels: the objects are counted with the last.
        self._volumes = {volume.prefix: volume for volume in dataset.volumes()}
        self._containers = sorted(dataset.containers, key=lambda one: -len(one.prefix))
        self._found: dict[tuple[Place, str], tuple[Tally, tuple[str, ...]]] = {}
        self._volume_of: dict[str, Volume | None] = {}

    def add(self, key: str, size: int) -> None:
        """Put one object into its place."""
        folder, _, name = key.rpartition("/")
        volume = self._volume(folder)
        is_document = name in METADATA_NAMES or not name
        if volume is not None and (is_document or not volume.arrays):
            self.rest[volume.prefix] = self.rest.get(volume.prefix, NOTHING).plus(size)
            return
        place, where = self._place(key, volume, is_document=is_document)
        tally, examples = self._found.get((place, where), (NOTHING, ()))
        self._found[place, where] = tally.plus(size), (*examples, key)[:_MOST_EXAMPLES]

    def others(self) -> Iterator[OtherObjects]:
        """Yield what is of no volume, by place."""
        for (place, where), (tally, examples) in sorted(self._found.items()):
            yield OtherObjects(place, where, tally, examples)

    def _volume(self, folder: str) -> Volume | None:
        """Return the volume that a folder lies in."""
        if folder not in self._volume_of:
            found, at = None, folder
            while found is None and at:
                found = self._volumes.get(f"{at}/")
                at = at.rpartition("/")[0]
            self._volume_of[folder] = found
        return self._volume_of[folder]

    def _place(self, key: str, volume: Volume | None, *, is_document: bool) -> tuple[Place, str]:
        if volume is not None:
            return Place.STRAY, volume.path
        below = key.removeprefix(self._dataset.prefix)
        container = self._container(key)
        if container is None or container.format in (Format.PRECOMPUTED, Format.MESH):
            return Place.LOOSE_FILE, _short(below)
        name = container.prefix.removeprefix(self._dataset.prefix).rstrip("/")
        return (Place.METADATA if is_document else Place.STRAY), name

    def _container(self, key: str) -> Container | None:
        return next((one for one in self._containers if key.startswith(one.prefix)), None)


def _short(below: str) -> str:
    """Return a loose file's name, or the folder that it lies in, two names deep at most.

    >>> _short("README.json"), _short("skeletons/mt/block_1.nml"), _short("evaluations/x.csv")
    ('README.json', 'skeletons/mt/', 'evaluations/')
    """
    folders = below.split("/")[:-1]
    return "/".join(folders[:2]) + "/" if folders else below
