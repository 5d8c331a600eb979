"""`oomirror certify`: what the catalog knows of a dataset on the share, written as a file that goes anywhere."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_SIZE_ONLY, ArrayRecord, RunKind
from mirror import __version__
from mirror.app.lookup import Place, find_places
from mirror.app.reading import catalog_for_reading
from mirror.app.verify.choice import Chosen
from mirror.app.verify.parts import parts_of
from mirror.app.verify.rows import PAGE_ROWS, Claim
from mirror.app.verify.told import left_unchecked
from mirror.app.whole_files import whole_file
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode, MirrorError, UnknownNameError, UsageError
from mirror.objects import Tally, Verification, unpack_etag
from mirror.report.certificate import CertifiedObject, Header, line_of, write_certificate
from mirror.report.model import Amount
from mirror.report.verification import CertifyReport

if TYPE_CHECKING:
    from sqlalchemy import Connection


def certify(settings: Settings, dataset: str, file: Path, *, bucket: str | None = None) -> CertifyReport:
    """Write the certificate of a dataset as it is on the share, and return what is in it.

    It tells what the catalog has: no file is looked at. What is known to be damaged or lost is left out.

    Parameters
    ----------
    file
        Packed by gzip where its name ends in `.gz`; one that is there is replaced.
    bucket
        As the configuration names it; None: the one that it was mirrored from.

    Raises
    ------
    UnknownNameError
        The catalog knows no such dataset, or nothing of it is on the share.
    UsageError
        It was mirrored from several buckets, and none of them is the default.
    CatalogError
        There is no catalog, or it cannot be read.
    MirrorError
        The catalog is a published one, without rows of blocks; the file cannot be written.
    """
    # os.path: what the system says of a name that cannot be is said by who writes it.
    if not file.name or (os.path.exists(file) and not os.path.isfile(file)):
        # Renaming would put a file in the place of a device.
        raise MirrorError("cannot write the certificate", str(file), expected="a file", found="something else")
    with catalog_for_reading(settings) as catalog, catalog.read() as connection, TemporaryFile() as body:
        if catalog.is_published:
            hint = "Run it on the machine that mirrors."
            raise MirrorError("a published catalog has no rows of blocks", catalog.url, hint=hint)
        place = _place(connection, settings, dataset, bucket)
        written = _write_body(connection, place, body)
        header = _header(connection, place, written).sealed()
        body.seek(0)
        with whole_file(file, "the certificate") as unfinished:
            write_certificate(unfinished, header, body, is_packed=file.name.endswith(".gz"))
    return CertifyReport(
        file=str(file),
        bucket=place.bucket,
        dataset=dataset,
        certified=Amount.of(written.tally),
        without_hash=header.without_hash,
        size_only=header.size_only,
        damaged=header.damaged,
        sha256=header.sha256,
    )


def exit_code_of(report: CertifyReport) -> ExitCode:
    """Return the exit code that a report stands for: of what is damaged there is no certificate."""
    return ExitCode.DIFFERENCES if report.damaged else ExitCode.DONE


def _place(connection: Connection, settings: Settings, dataset: str, bucket: str | None) -> Place:
    places = find_places(connection, settings, bucket=bucket, dataset=dataset)
    there = [one for one in places if next(_claims(connection, one), None) is not None]
    if not there:
        raise UnknownNameError("nothing of it is on the share", dataset, hint=f"`oomirror sync {dataset}` mirrors it.")
    default = [one for one in there if one.bucket == settings.default_bucket]
    if len(there) > 1 and not default:
        names = ", ".join(one.bucket for one in there)
        raise UsageError("it was mirrored from several buckets", dataset, found=names, hint="Name one: --bucket NAME.")
    return (default or there)[0]


@dataclass(slots=True)
class _Written:
    """What is in the body."""

    tally: Tally = field(default_factory=Tally)
    without_hash: int = 0
    size_only: int = 0
    damaged: int = 0
    """Objects that are left out: not those that a sync has fetched anew since, nor what came so from the bucket."""
    sha256: str = ""


def _write_body(connection: Connection, place: Place, body: IO[bytes]) -> _Written:
    written, digest = _Written(), hashlib.sha256()
    damaged = {one.key for one in queries.damaged_objects(connection, place.bucket_id, place.prefix)}
    for claim in _claims(connection, place):
        how = claim.how % HOW_ADOPTED
        line = line_of(
            CertifiedObject(
                key=claim.key,
                size=claim.size,
                etag=unpack_etag(claim.etag),
                xxh3=None if claim.hash is None else claim.hash.hex(),
                verified_by=Verification(how).word,
            )
        )
        digest.update(line)
        body.write(line)
        damaged.discard(claim.key)
        written.tally = written.tally.plus(claim.size)
        written.without_hash += claim.hash is None
        written.size_only += how == HOW_SIZE_ONLY
    written.damaged = len(damaged)
    written.sha256 = digest.hexdigest()
    return written


def _header(connection: Connection, place: Place, written: _Written) -> Header:
    arrays = queries.arrays(connection, place.bucket_id, place.prefix)
    chosen = Chosen(place, arrays, tuple(sorted(one.key_prefix for one in arrays)), None)
    parts = parts_of(connection, [chosen], depth=Depth.FULL)
    _, oldest = left_unchecked(connection, [chosen], parts, Depth.FULL)
    return Header(
        dataset=place.dataset,
        url=place.url,
        prefix=place.prefix,
        made_at=utc_now().isoformat(),
        version=__version__,
        selection=_selection(connection, place),
        objects=written.tally.objects,
        bytes=written.tally.bytes,
        without_hash=written.without_hash,
        size_only=written.size_only,
        damaged=written.damaged,
        checked_in_full_since=None if oldest is None else oldest.isoformat(),
        body_sha256=written.sha256,
    )


def _selection(connection: Connection, place: Place) -> dict[str, object]:
    for run in queries.runs(connection, None):
        if run.kind is RunKind.SYNC and run.bucket_id == place.bucket_id and place.dataset in run.datasets:
            choice = run.selection.get(place.dataset)
            return dict(choice) if isinstance(choice, dict) else {}
    return {}


def _claims(connection: Connection, place: Place) -> Iterator[Claim]:
    """Yield what is on the share, in the order of the keys' bytes; a slab in memory at a time."""
    arrays = sorted(queries.arrays(connection, place.bucket_id, place.prefix), key=lambda one: one.key_prefix)
    groups: list[list[ArrayRecord]] = []
    for array in arrays:
        # One that lies inside another, as where a group was an array for a while, is merged with it.
        if groups and array.key_prefix.startswith(groups[-1][0].key_prefix):
            groups[-1].append(array)
        else:
            groups.append([array])
    blocks = chain.from_iterable(_merged([_blocks(connection, one) for one in group]) for group in groups)
    return _merged([blocks, _objects(connection, place)])


def _merged(streams: Sequence[Iterator[Claim]]) -> Iterator[Claim]:
    return heapq.merge(*streams, key=_spelled)


def _spelled(claim: Claim) -> bytes:
    return claim.key.encode("utf-8", "surrogateescape")


def _blocks(connection: Connection, array: ArrayRecord) -> Iterator[Claim]:
    slabs = queries.slab_sums(connection, array.id) if array.id is not None else ()
    for x in sorted((slab.x for slab in slabs), key=lambda x: f"{x}/"):
        claims: list[Claim] = []
        after: tuple[int, int] | None = None
        while page := queries.blocks_to_check(connection, array.id or 0, x, after=after, limit=PAGE_ROWS):
            claims += [Claim(f"{array.key_prefix}{x}/{row[0]}/{row[1]}", *row[2:]) for row in page]
            after = page[-1][0], page[-1][1]
        yield from sorted(claims, key=_spelled)


def _objects(connection: Connection, place: Place) -> Iterator[Claim]:
    (keys,) = queries.ranges_without(place.prefix, ())
    after: str | None = None
    while page := queries.objects_to_check(connection, place.bucket_id, keys, after=after, limit=PAGE_ROWS):
        yield from (Claim(*row) for row in page)
        after = page[-1][0]
