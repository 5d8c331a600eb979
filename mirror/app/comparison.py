"""Bucket against catalog and share, shard by shard: what is to be done goes to the spool, the sums make the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mirror.app.state import BucketState, holds_blocks
from mirror.app.survey import BUCKET_FILES, Survey
from mirror.app.vanishing import Gone
from mirror.diff import Kind, Known, Step, case_twins, compare, conflicts, conflicts_in_order
from mirror.engine.fetch import Item
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Page, Row, Spool
from mirror.engine.transfer import LevelWork
from mirror.formats.folder import METADATA_NAMES
from mirror.formats.layout import Array
from mirror.formats.n5.grid import parse_block_key
from mirror.keys import Refusal, ShareRules, is_folder_marker, key_refusal
from mirror.objects import Tally
from mirror.plan import Part, Plan, Skip, plan_of
from mirror.selection import KeyFilter
from mirror.store.share import Share

EXCLUDED = "is excluded by the configuration"
_PAGE_STEPS = 2_000
_SURE_PATH_BYTES = 1_000
"""Paths of blocks that are shorter can be files on any share."""
_LONGEST_BLOCK = 3 * 18 + 2
"""Characters of a block's key below its array, for arrays of three axes."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One shard with the steps that are more than "up to date", in the spool."""

    listed: ListedShard
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All shards of a run, and the plan that they make."""

    plan: Plan
    shards: tuple[Compared, ...]
    broken: frozenset[str] = frozenset()
    """Prefixes of arrays of which a block cannot be a file on the share, or is excluded."""
    gone: tuple[Gone, ...] = ()
    """What goes to the trash."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside a shard in its dataset."""

    folders: tuple[str, ...] = ()
    """Full prefixes of the folders that are known."""
    twins: frozenset[str] = frozenset()
    """Those that differ from another one only by case, on a share that is blind to it."""


class Comparer:
    """Compares what was listed with what is known.

    Parameters
    ----------
    bucket_name
        As S3 calls it: the first folder below the share's root.
    kinds
        The kinds that are done; others are counted only.
    aliases
        Folders of the share that were filled under an older name of the bucket.
    exclude
        Keys that are left out, whatever might be said of them else. A level without one of its blocks stays closed.
    """

    def __init__(
        self,
        state: BucketState,
        share: Share,
        bucket_name: str,
        rules: ShareRules,
        spool: Spool,
        *,
        kinds: frozenset[Kind],
        looks_at_share: bool = False,
        aliases: tuple[str, ...] = (),
        exclude: KeyFilter | None = None,
    ) -> None:
        self._exclude = exclude or KeyFilter()
        self._state = state
        self._share = share
        self._bucket_name = bucket_name
        self._rules = rules
        self._spool = spool
        self._kinds = kinds
        self._looks_at_share = looks_at_share
        self._aliases = tuple(alias for alias in aliases if share.folder(alias) is not None)
        self._root_bytes = len(f"{share.root}/{bucket_name}".encode())
        self._refused: list[Skip] = []
        self._broken: set[str] = set()
        self._skipped: list[Skip] = []

    def compare(self, survey: Survey, *, name: str, datasets: tuple[str, ...]) -> Comparison:
        """Return what is to be done. Reads the catalog and, for what it does not know, the share's folders.

        Parameters
        ----------
        name
            Of the bucket, as users call it.
        """
        compared: list[Compared] = []
        parts: list[Part] = []
        for surveyed in survey.datasets:
            twins = case_twins(surveyed.prefixes) if self._rules.is_case_blind else frozenset()
            folders = (*surveyed.prefixes, *surveyed.dataset.loose_folders)
            for listed in surveyed.shards:
                one, part = self._shard(surveyed.name, listed, _Beside(folders, twins), _place(listed))
                compared.append(one)
                parts.append(part)
        for listed in survey.bucket_files:
            one, part = self._shard(BUCKET_FILES, listed, _Beside(), ("files at the bucket's root", ""))
            compared.append(one)
            parts.append(part)
        left_out = (f"{one.name}: {place}" for one in survey.datasets for place in one.selection.left_out)
        crops = [(one.name, one.selection.crops) for one in survey.datasets if one.selection.crops is not None]
        plan = plan_of(
            name, datasets, parts, refused=self._refused, skipped=self._skipped, left_out=left_out, crops=crops
        )
        return Comparison(plan, tuple(compared), frozenset(self._broken))

    def _shard(
        self, dataset: str, listed: ListedShard, beside: _Beside, place: tuple[str, str]
    ) -> tuple[Compared, Part]:
        if self._is_up_to_date(listed, beside):
            return Compared(listed, ()), Part(dataset, *place, {Kind.UP_TO_DATE: listed.listed})
        tally = _Tallies()
        folders = _Folders(self, self._bucket_name, listed.shard.prefix)
        with self._state.known(listed.shard) as known:
            rows = self._possible(listed, beside, known)
            steps = compare(rows, known, folders, looks_at_share=self._looks_at_share)
            if self._aliases:
                steps = self._with_aliases(steps, listed.shard.prefix)
            pages = tuple(self._keep(steps, tally))
        return Compared(listed, pages), Part(dataset, *place, tally.by_kind(), len(tally.folders))

    def _is_up_to_date(self, listed: ListedShard, beside: _Beside) -> bool:
        """Return whether it is certain that a shard has nothing but objects that are up to date; False is no answer.

        Equal digests mean equal keys, sizes and ETags, so what was stored with the same digest is what was listed now,
        and the database counts how much of it the share has: all, or the rows are looked at one by one. What might be
        refused or skipped is looked at one by one, too.
        """
        prefix = listed.shard.prefix
        if self._looks_at_share or not listed.listed.objects or _has_twin(prefix, beside.twins):
            return False
        if listed.shard.wanted is not None:
            return False
        if len(prefix) + _LONGEST_BLOCK + self._root_bytes >= _SURE_PATH_BYTES:
            return False
        agreed = self._state.agreement(listed)
        return (
            agreed is not None
            and agreed.blocks + len(agreed.others) == listed.listed.objects
            and all(self._is_beyond_doubt(key, prefix) for key in agreed.others)
        )

    def _is_beyond_doubt(self, key: str, prefix: str) -> bool:
        """Return whether an object among blocks can be a file, whatever the blocks are."""
        is_metadata = key.removeprefix(prefix) in METADATA_NAMES
        return is_metadata and key_refusal(key, self._rules, root_bytes=self._root_bytes) is None

    def _with_aliases(self, steps: Iterable[Step], prefix: str) -> Iterator[Step]:
        """Yield the steps; what is not on the share but lies under an alias, in the right size, is to be adopted."""
        folders = {alias: _Folders(self, alias, prefix) for alias in self._aliases}
        for step in steps:
            folder, _, name = step.suffix.rpartition("/")
            is_there = step.kind is Kind.NEW and any(
                (sizes(folder) or {}).get(name) == step.size for sizes in folders.values()
            )
            yield step._replace(kind=Kind.ADOPT) if is_there else step

    def _keep(self, steps: Iterable[Step], tally: _Tallies) -> Iterator[Page]:
        batch: list[tuple[int, str, int, str, int]] = []
        for step in steps:
            tally.add(step)
            if step.kind in self._kinds:
                batch.append((int(step.kind), *step[1:]))
            if len(batch) == _PAGE_STEPS:
                yield self._spool.add(batch)
                batch = []
        if batch:
            yield self._spool.add(batch)

    def _possible(self, listed: ListedShard, beside: _Beside, known: Known) -> Iterator[Row]:
        """Yield the rows that are meant and can be files on the share; name those that cannot."""
        prefix = listed.shard.prefix
        clashes = self._clashes(listed, beside.folders)
        for row in _meant(self._spool.rows(listed.pages), listed.shard, known):
            key = prefix + row[0]
            if is_folder_marker(key):
                self._skipped.append(Skip(key, "is a folder marker"))
            elif self._exclude and self._exclude.has(key):
                self._skipped.append(Skip(key, EXCLUDED))
                self._note_gap(listed.shard.array, key)
            elif (refusal := self._refusal(listed.shard.array, key, beside.twins) or clashes.get(row[0])) is not None:
                self._refused.append(Skip(key, refusal.value))
                self._note_gap(listed.shard.array, key)
            else:
                yield row

    def _note_gap(self, array: Array | None, key: str) -> None:
        """Note that a level will lack a block, if the key is one."""
        if array is not None and _is_block(array, key):
            self._broken.add(array.prefix)

    def _refusal(self, array: Array | None, key: str, twins: frozenset[str]) -> Refusal | None:
        if any(key.startswith(twin) for twin in twins):
            return Refusal.CASE_TWIN
        if _is_block(array, key) and len(key) + self._root_bytes < _SURE_PATH_BYTES:
            return None
        return key_refusal(key, self._rules, root_bytes=self._root_bytes)

    def _clashes(self, listed: ListedShard, folders: tuple[str, ...]) -> Mapping[str, Refusal]:
        """Return the keys of a shard that cannot stand beside its others; blocks of a grid always can."""
        prefix, array = listed.shard.prefix, listed.shard.array
        if listed.shard.objects is None and (array is None or array.n5_facts is None):
            found = conflicts_in_order(self._keys(listed), is_case_blind=self._rules.is_case_blind)
            return conflicts(self._keys(listed), is_case_blind=self._rules.is_case_blind) if found is None else found
        rows = [key for key in self._keys(listed) if not _is_block(array, prefix + key)]
        if not rows:
            return {}
        if array is not None and listed.shard.objects is not None:
            # Files beside the grid's slabs, or a slab's rows: a folder's name may be one of theirs.
            rows += [f"{name}/" for name in listed.shard.folders]
        elif listed.shard.objects is not None:
            rows += [folder[len(prefix) :] for folder in folders if folder.startswith(prefix) and folder != prefix]
        elif array is not None:
            rows += self._keys(listed)
        return conflicts(rows, is_case_blind=self._rules.is_case_blind)

    def _keys(self, listed: ListedShard) -> Iterator[str]:
        return (row[0] for row in self._spool.rows(listed.pages))

    def folder_on_share(self, relative: str) -> Mapping[str, int] | None:
        """Return what lies in a folder of the share."""
        return self._share.folder(relative)


def _meant(rows: Iterator[Row], shard: Shard, known: Known) -> Iterator[Row]:
    """Return the rows that a shard means; where it says so, also those that the share has."""
    wanted = shard.wanted
    if wanted is None:
        return rows
    return (row for row in rows if shard.takes(row[0]) or (wanted.with_mirrored and known.get(row[0]) is not None))


class _Folders:
    """The share's folders of one shard, each read once."""

    def __init__(self, comparer: Comparer, place: str, prefix: str) -> None:
        self._comparer = comparer
        self._root = f"{place}/{prefix}"
        self._seen: dict[str, Mapping[str, int] | None] = {}
        self._is_absent: bool | None = None

    def __call__(self, folder: str) -> Mapping[str, int] | None:
        if folder not in self._seen:
            # A first mirror has none of the shard's folders: one look at the shard's own saves all the others.
            if self._is_absent is None:
                self._is_absent = self._comparer.folder_on_share(self._root) is None
            self._seen[folder] = None if self._is_absent else self._comparer.folder_on_share(self._root + folder)
        return self._seen[folder]


class _Tallies:
    """Counts a shard's steps by kind, and the folders that the fetched ones lie in."""

    def __init__(self) -> None:
        self._objects: Counter[Kind] = Counter()
        self._bytes: Counter[Kind] = Counter()
        self.folders: set[str] = set()

    def add(self, step: Step) -> None:
        self._objects[step.kind] += 1
        self._bytes[step.kind] += step.size
        if step.kind is Kind.NEW:
            self.folders.add(step.suffix.rpartition("/")[0])

    def by_kind(self) -> dict[Kind, Tally]:
        return {kind: Tally(n_objects, self._bytes[kind]) for kind, n_objects in sorted(self._objects.items())}


def works(
    comparison: Comparison, state: BucketState, spool: Spool, bucket_name: str, *, may_fetch: bool = True
) -> tuple[LevelWork, ...]:
    """Return the plan's work: first what lies outside arrays, then array by array, small ones first.

    Parameters
    ----------
    may_fetch
        False: files are only compared; then no metadata waits for its level, for it lies there already.

    A level that is small opens minutes after the start, not after the last byte of the largest.
    """
    by_array: dict[str, list[Compared]] = {}
    for compared in comparison.shards:
        if compared.pages:
            by_array.setdefault(_place_of_work(compared.listed.shard), []).append(compared)
    groups = sorted(by_array.items(), key=lambda entry: (entry[0] != "", _total_bytes(entry[1]), entry[0]))
    levels = tuple(
        replace(work, is_whole=prefix not in comparison.broken)
        for prefix, shards in groups
        for work in _works_of(_level_work(shards, state, spool, bucket_name), is_single=not prefix)
    )
    return levels if may_fetch else tuple(replace(work, publish_last=frozenset()) for work in levels)


def outdated_metadata(levels: Iterable[LevelWork]) -> Iterator[Item]:
    """Yield the metadata on the share that are to be replaced, of levels of which more than that is."""
    for level in levels:
        outdated: list[Item] = []
        has_blocks = False
        for item in level.items() if level.publish_last else ():
            if item.key not in level.publish_last:
                has_blocks = True
            elif item.kind in (Kind.CHANGED, Kind.REPLACE):
                outdated.append(item)
        if has_blocks:
            yield from outdated


def _works_of(work: LevelWork, *, is_single: bool) -> tuple[LevelWork, ...]:
    """Part from the single objects those with which a whole tree opens: they come when all else is there."""
    if not is_single:
        return (work,)

    def first() -> Iterator[Item]:
        return (item for item in work.items() if not _opens_a_tree(item.key))

    def last() -> Iterator[Item]:
        return (item for item in work.items() if _opens_a_tree(item.key))

    return replace(work, items=first), replace(work, items=last, comes_last=True)


def _opens_a_tree(key: str) -> bool:
    return key.rpartition("/")[2] in (".zmetadata", "info")


def _place_of_work(shard: Shard) -> str:
    """Return what belongs together: an array, a folder that is taken whole, or (empty) all single objects."""
    if shard.array is not None:
        return shard.array.prefix
    return shard.prefix if shard.objects is None else ""


def _level_work(shards: list[Compared], state: BucketState, spool: Spool, bucket_name: str) -> LevelWork:
    shard = shards[0].listed.shard
    array = shard.array
    array_id = state.array_ids.get(array.prefix) if array and holds_blocks(array) else None

    def items() -> Iterator[Item]:
        for compared in shards:
            prefix = compared.listed.shard.prefix
            for kind, suffix, size, etag, modified in spool.rows(compared.pages):
                key = prefix + suffix
                block = parse_block_key(key[len(array.prefix) :], 3) if array and array_id is not None else None
                yield Item(Kind(kind), key, f"{bucket_name}/{key}", size, etag, modified, array_id, block)  # type: ignore[arg-type]

    if array is not None:
        return LevelWork(items, frozenset(array.metadata_keys))
    if shard.objects is not None:
        return LevelWork(items)
    # A folder taken whole may be an array whose metadata could not be read: it must not open half, either.
    return LevelWork(items, frozenset(item.key for item in items() if _is_metadata(item.key)))


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2] in METADATA_NAMES


def _total_bytes(shards: list[Compared]) -> int:
    return sum(compared.listed.listed.bytes for compared in shards)


def _has_twin(prefix: str, twins: frozenset[str]) -> bool:
    return any(prefix.startswith(twin) or twin.startswith(prefix) for twin in twins)


def _is_block(array: Array | None, key: str) -> bool:
    facts = array.n5_facts if array is not None else None
    if array is None or facts is None:
        return False
    return parse_block_key(key[len(array.prefix) :], facts.ndim) is not None


def _place(listed: ListedShard) -> tuple[str, str]:
    """Return volume and level under which the plan shows a shard."""
    array = listed.shard.array
    if array is None:
        return "other files", ""
    if array.level_name is None:
        return array.path, ""
    return array.path.removesuffix(array.level_name).rstrip("/"), array.level_name
