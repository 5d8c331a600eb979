"""Finding a dataset's volumes by LIST with a delimiter: folders are walked, blocks are never listed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from mirror.checksum import Proof, proof_of_etag
from mirror.engine.careful import verdict
from mirror.engine.events import EventSink, FolderFound, ignore
from mirror.engine.lists_in_flight import MOST, ListSlots
from mirror.engine.pages import Pages
from mirror.engine.retry import Retrier
from mirror.errors import BrokenTransferError, MirrorError, ObjectNotFoundError, UnknownNameError, UnreachableError
from mirror.formats.folder import Folder, documents_beside, folders_to_visit, wanted_about, wanted_documents
from mirror.objects import RemoteObject
from mirror.store.base import Body, BulkReader, CarefulReader, Lister, ListPage

PROBE_SECONDS = 8.0
"""How long the first answer may take, so that three tries end within 30 s."""

DocumentCache = Callable[[str, str], bytes | None]
"""(key, ETag) to the document's bytes, if they are known from an earlier run."""


@dataclass(frozen=True, slots=True)
class Document:
    """A metadata document as it was read."""

    key: str
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Discovery:
    """All folders of a dataset that were walked, and the documents that had to be fetched for it."""

    folders: dict[str, Folder]
    fetched: tuple[Document, ...]


class Walker:
    """Walks the folders of one bucket; a walker discovers once.

    Parameters
    ----------
    reader, careful
        Give the readers when a document must be fetched, and not before.
    slots
        Those of the bucket, where others list it too.
    """

    def __init__(
        self,
        lister: Lister,
        reader: Callable[[], BulkReader],
        careful: Callable[[], Awaitable[CarefulReader]],
        retrier: Retrier,
        *,
        known: DocumentCache = lambda _key, _etag: None,
        slots: ListSlots | None = None,
        sink: EventSink = ignore,
    ) -> None:
        self._lister = lister
        self._reader = reader
        self._careful = careful
        self._retrier = retrier
        self._known = known
        self._sink = sink
        self._slots = slots or ListSlots()
        # The loop's own threads are a handful, and its end waits for them.
        self._readers = ThreadPoolExecutor(MOST, thread_name_prefix="oomirror-discovery")

    async def discover(self, prefix: str) -> Discovery:
        """Return the folders below a dataset's prefix, as far as volumes may lie there.

        Raises
        ------
        MirrorError
            A folder could not be listed after all tries. Documents that cannot be read are left out of their folder.
        """
        folders: dict[str, Folder] = {}
        fetched: list[Document] = []

        async def visit(place: str) -> None:
            """Look at one folder, and see to it that those below it are looked at."""
            folder = await self._read_folder(place, fetched, is_dataset=place == prefix)
            if beside := documents_beside(folder, prefix):
                folder = replace(folder, documents=await self._read_beside(folder, beside, fetched))
            folders[place] = folder
            self._sink(FolderFound(len(folders)))
            for below in folders_to_visit(folder, prefix):
                group.create_task(visit(below))

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(visit(prefix))
        finally:
            # Not waited for: a thread that hangs in a silent server must not hold back a user's Ctrl-C.
            self._readers.shutdown(wait=False, cancel_futures=True)
        return Discovery(folders, tuple(sorted(fetched, key=lambda document: document.key)))

    async def list_folder(self, prefix: str) -> tuple[tuple[str, ...], tuple[RemoteObject, ...]]:
        """Return the names of the child folders, sorted, and the objects directly inside."""
        names: set[str] = set()
        files: dict[str, RemoteObject] = {}
        async for page in Pages(self._lister, self._retrier, prefix, delimiter="/", slots=self._slots):
            names |= {folder.removeprefix(prefix)[:-1] for folder in page.folders}
            files |= {one.key: one for one in page.objects}
        return tuple(sorted(names)), tuple(files.values())

    async def _read_folder(self, prefix: str, fetched: list[Document], *, is_dataset: bool) -> Folder:
        names, files = await self.list_folder(prefix)
        by_name = {file.key.rpartition("/")[2]: file for file in files}
        documents: dict[str, bytes] = {}
        wanted = wanted_documents(files) + (wanted_about(files) if is_dataset else ())
        for name in wanted:
            body = await self._document(by_name[name], fetched)
            if body is not None:
                documents[name] = body
        return Folder(prefix, names, files, documents)

    async def _read_beside(self, folder: Folder, keys: tuple[str, ...], fetched: list[Document]) -> dict[str, bytes]:
        """Return a folder's documents with those at other keys, each found by a LIST of nothing but itself."""

        async def read(key: str) -> tuple[str, bytes | None]:
            """Return the key below the folder, and the document if there is one."""
            _, files = await self.list_folder(key)
            found = [file for file in files if file.key == key and wanted_documents([file])]
            return key.removeprefix(folder.prefix), await self._document(found[0], fetched) if found else None

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(key)) for key in keys]
        read_now = dict(task.result() for task in tasks)
        return {**folder.documents, **{name: body for name, body in read_now.items() if body is not None}}

    async def _document(self, file: RemoteObject, fetched: list[Document]) -> bytes | None:
        if (known := self._known(file.key, file.etag)) is not None:
            return known
        try:
            body = await self._retrier.run(file.key, lambda: self._slots.run(lambda: self._read(file)))
        except MirrorError:
            # What cannot be read is told by the transfer, which tries it as any other object, and by a finding.
            return None
        document = Document(file.key, body.etag, bytes(body.data))
        fetched.append(document)
        return document.body

    async def _read(self, file: RemoteObject) -> Body:
        """Return a document that nothing proves wrong: it is kept, and the level would be mistaken for ever."""
        body = await asyncio.get_running_loop().run_in_executor(self._readers, self._get, file.key)
        if body.etag == file.etag and len(body.data) != file.size:
            raise BrokenTransferError(
                "the document has another length than was listed",
                file.key,
                expected=f"{file.size} B",
                found=f"{len(body.data)} B",
            )
        if proof_of_etag(lambda: (body.data,), body.size, body.etag)[0] is Proof.DIFFERS:
            # Damage, or an encryption that makes its own ETags: HEAD tells.
            head = await (await self._careful()).head(file.key)
            verdict(lambda: (body.data,), body.size, body.etag, head, file.key)
        return body

    def _get(self, key: str) -> Body:
        return self._reader().get(key)


async def probe(
    retrier: Retrier, lister: Lister, root: str, *, thing: str = "", seconds: float = PROBE_SECONDS
) -> None:
    """Make one small LIST, so that an endpoint that does not answer is said at once.

    Parameters
    ----------
    root
        Key prefix under which all datasets lie.
    thing
        `s3://` URL of it, for errors.
    seconds
        Longest wait for each answer.

    Raises
    ------
    UnknownNameError
        There is no such bucket, or nothing under its prefix.
    UnreachableError, AccessDeniedError
        As the server, or its absence, gives cause.
    """
    thing = thing or root
    try:
        page = await retrier.run(thing, lambda: _first_page(lister, root, thing, seconds))
    except ObjectNotFoundError as error:
        raise UnknownNameError(
            "no such bucket", thing, found=error.found, hint="Check the bucket's url in the configuration."
        ) from error
    if root and not page.objects:
        raise UnknownNameError(
            "the bucket has nothing under its prefix", thing, hint="Check the bucket's url in the configuration."
        )


async def has_any(retrier: Retrier, lister: Lister, prefix: str, *, thing: str, seconds: float = PROBE_SECONDS) -> bool:
    """Return whether anything lies under a prefix, by one small LIST; False also where there is no such bucket.

    Parameters as those of `probe`, which says why there is nothing.
    """
    try:
        page = await retrier.run(thing, lambda: _first_page(lister, prefix, thing, seconds))
    except ObjectNotFoundError:
        return False
    return bool(page.objects)


async def _first_page(lister: Lister, root: str, thing: str, seconds: float) -> ListPage:
    try:
        async with asyncio.timeout(seconds):
            return await lister.list_page(root, max_keys=1)
    except TimeoutError as error:
        raise UnreachableError(
            "the endpoint does not answer",
            thing,
            expected=f"an answer within {seconds:g} s",
            hint="Check the network, the proxy settings and endpoint_url.",
        ) from error
