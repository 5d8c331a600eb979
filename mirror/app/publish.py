"""After each run: a sealed copy of the catalog and a page of what is here, on the share, for all who read it."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from catalog import queries
from catalog.config import is_sqlite
from catalog.errors import CatalogError
from catalog.publish import write_sealed_copy
from catalog.records import MirrorState, Seal
from catalog.sealed import open_sealed
from catalog.session import Catalog
from mirror import __version__
from mirror.app.page import THUMBNAIL, page_of
from mirror.app.reading import CATALOG_FILE, published_file
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.errors import MirrorError
from mirror.keys import OWN_FOLDER
from mirror.lock import check_held
from mirror.report.html.render import render_page
from mirror.store.mounts import unc_of
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Fsync, Staging

PAGE_FILE = "index.html"
_KEPT_NAMES = (THUMBNAIL, "README.json", "README.md", "index.json")


@dataclass(frozen=True, slots=True)
class Publisher:
    """What publishes the catalog on a share. Two that do so at once hinder each other not: the later one stays."""

    catalog: Catalog
    share: Share
    policy: FilePolicy
    room: str
    """Name of the folder under `tmp/` in which the files are written; nobody else's."""
    check_held: Callable[[], object] = lambda: None
    """Raises where the run whose room it is has lost its lock."""

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, share: Share, *, room: str | None = None) -> Publisher:
        """Return the publisher of a run.

        Parameters
        ----------
        room
            Token of the run whose lock keeps the room from being swept, if it holds one.
        """
        policy = settings.transfer.file_policy()
        # The rest of the share need not be forced to the disk for two small files.
        each = policy if policy.fsync is Fsync.OFF else replace(policy, fsync=Fsync.EACH)
        if room is None:
            return cls(catalog, share, each, secrets.token_hex(8))
        return cls(catalog, share, each, room, partial(check_held, share, room))

    def publish(self) -> tuple[str, ...]:
        """Publish catalog and page; return a sentence for each that could not be. Never raises for such a reason.

        Each file is whole at every instant, the old one or the new one. The mirror itself is not touched by a failure,
        and the next run tries again.
        """
        try:
            with TemporaryDirectory(prefix="oomirror-") as folder:
                return tuple(self._publish(Path(folder) / CATALOG_FILE))
        except (CatalogError, MirrorError, OSError) as error:
            return (_not_published("The catalog", error),)
        except Exception as error:  # noqa: BLE001  whatever a bucket's names do to the page, the mirror was made
            return (_not_published("The catalog", f"{type(error).__name__}: {error}"),)

    def _publish(self, copy: Path) -> Iterator[str]:
        now = utc_now()
        sealed = Seal(now, socket.gethostname(), __version__, origin_of(self.catalog))
        counted = write_sealed_copy(self.catalog, copy, sealed, kept_names=_KEPT_NAMES)
        self._keep(counted)
        with open_sealed(copy) as catalog:
            page = page_of(catalog, self.share.root, unc_of(self.share.root))
        with Staging(self.share, self.room, self.policy, check_held=self.check_held) as staging:
            html = render_page(page).encode("utf-8", "backslashreplace")
            for name, data in ((CATALOG_FILE, copy.read_bytes()), (PAGE_FILE, html)):
                try:
                    staging.publish(staging.write(data), f"{OWN_FOLDER}/{name}", int(time.time()))
                except MirrorError as error:
                    # Over SMB, for one, nothing can be renamed over what a Windows program has open.
                    yield _not_published(str(self.share.own / name), error)

    def _keep(self, counted: tuple[MirrorState, ...]) -> None:
        """Keep the sums that were counted, so that the next run need not: after an upgrade there are none yet."""
        if counted:
            with self.catalog.begin() as connection:
                queries.keep_sums(connection, counted)


def publish_where_ours(settings: Settings, catalog: Catalog) -> tuple[str, ...]:
    """Publish where a share is configured that this catalog mirrors to; return what could not be, as sentences.

    For runs that do not write on the share. Of a share that is not mounted nothing is said, and what another catalog
    published is left as it is: that one may know more of the share than this.
    """
    if settings.share is None:
        return ()
    share = Share(settings.share)
    try:
        marker = share.marker()
        with catalog.read() as connection:
            known = queries.share(connection)
        if marker is None or known is None or marker.uuid != known.uuid or _is_of_another(catalog, share):
            return ()
    except MirrorError:
        return ()
    return Publisher.of(settings, catalog, share).publish()


def _is_of_another(catalog: Catalog, share: Share) -> bool:
    try:
        with open_sealed(published_file(share.root)) as published:
            return published.seal.origin != origin_of(catalog)
    except CatalogError:
        return False  # None, or one that nobody can read: any is better.


def origin_of(catalog: Catalog) -> str:
    """Return words that tell a catalog from others: a file is another one on each machine."""
    return f"{socket.gethostname()}: {catalog.url}" if is_sqlite(catalog.url) else catalog.url


def _not_published(thing: str, error: object) -> str:
    return f"{thing} could not be published on the share; the next run tries again. The reason: {error}"
