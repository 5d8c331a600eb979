"""`oomirror catalog import-manifest`: the project's manifest.json documents, as notes to what LIST found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from typing import Literal

from catalog import queries
from catalog.records import AnnotationRecord, FactRecord, ManifestRecord
from catalog.session import Catalog, open_catalog
from mirror.app.datasets import plain_errors
from mirror.app.described import MANIFEST, compare_with_manifests
from mirror.app.given import given_documents
from mirror.app.workplace import utc_now
from mirror.checksum import xxh3
from mirror.config import BucketSettings, Settings
from mirror.errors import MalformedDocumentError
from mirror.formats.manifest import Manifest, ManifestVolume, parse_manifest
from mirror.report.model import ManifestLine

_State = Literal["new", "changed", "unchanged", "failed"]


async def import_manifests(settings: Settings, sources: Iterable[str]) -> tuple[ManifestLine, ...]:
    """Import manifests into the catalog; return one line for each document, in the order they were read.

    Parameters
    ----------
    sources
        Files, folders (all `*.json` below them), `https://` addresses, or `s3://` ones in a bucket that is configured.

    Raises
    ------
    UsageError
        A source that is not there, or an address of another kind.
    StoreError
        A document that cannot be read from its server.
    CatalogError
        The catalog is locked, damaged or newer.

    A document that is no manifest is a `failed` line and changes nothing; one that was imported before, and is as it
    was, changes nothing either. Each document is imported whole or not at all.
    """
    lines = []
    async with plain_errors():
        with ExitStack() as stack:
            # Made by the first manifest: a machine that only reads has no catalog after a document that is none.
            opened = cache(lambda: stack.enter_context(open_catalog(settings.catalog)))
            for source in sources:
                async for place, body in given_documents(settings, source, suffix=".json"):
                    lines.append(import_manifest(opened, settings.buckets, place, body))
    return tuple(lines)


def import_manifest(
    opened: Callable[[], Catalog], buckets: Mapping[str, BucketSettings], place: str, body: bytes
) -> ManifestLine:
    """Import one document; return what came of it. A document that is no manifest changes nothing."""
    aliases = {alias: bucket.url.bucket for bucket in buckets.values() for alias in bucket.aliases}
    try:
        manifest = parse_manifest(body, place, aliases)
    except MalformedDocumentError as error:
        return ManifestLine(source=place, dataset=None, state="failed", volumes=0, findings=0, reason=str(error))
    if manifest.dataset is None:
        reason = "it does not say of which dataset it is"
        return ManifestLine(source=place, dataset=None, state="failed", volumes=0, findings=0, reason=reason)
    state, n_findings = _put(opened(), buckets, manifest, body)
    return ManifestLine(
        source=place, dataset=manifest.dataset, state=state, volumes=len(manifest.volumes), findings=n_findings
    )


def _put(
    catalog: Catalog, buckets: Mapping[str, BucketSettings], manifest: Manifest, body: bytes
) -> tuple[_State, int]:
    name, digest = manifest.dataset or "", xxh3(body)
    with catalog.begin() as connection:
        before = queries.manifests(connection, name)
        is_same = bool(before) and (before[0].hash, before[0].source) == (digest, manifest.place)
        if not is_same:
            record = ManifestRecord(name, manifest.place, utc_now(), body, digest)
            queries.put_manifest(connection, record, [_annotation(one, buckets) for one in manifest.volumes if one.url])
            facts = [FactRecord(name, fact.name, f"{MANIFEST} {fact.source}", fact.value) for fact in manifest.facts]
            queries.put_facts(connection, name, MANIFEST, facts)
        n_findings = sum(
            compare_with_manifests(connection, str(one.url), name, one.aliases) for one in buckets.values()
        )
    return ("unchanged" if is_same else "changed" if before else "new"), n_findings


def _annotation(volume: ManifestVolume, buckets: Mapping[str, BucketSettings]) -> AnnotationRecord:
    if volume.url is None:
        raise TypeError("an address that is none on S3 belongs to no volume")
    key = f"{volume.url.key}/"
    ours = [
        str(bucket.url)
        for bucket in buckets.values()
        if bucket.url.bucket == volume.url.bucket and key.startswith(bucket.url.prefix)
    ]
    return AnnotationRecord(
        manifest_id=0,
        bucket_url=ours[0] if ours else volume.url.bucket_url,
        prefix=key,
        name=volume.name,
        format=volume.format,
        content_type=volume.content_type,
        sample_type=volume.sample_type,
        description=volume.description,
        is_mirrored_y=volume.is_mirrored_y,
    )
