"""`oomirror init`: a configuration, a marked share, a catalog; what is there already is left as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog import queries
from catalog.config import shown_url
from catalog.session import open_catalog
from mirror.app.workplace import refuse_catalog_on_share, utc_now
from mirror.config import Settings, new_config, write_template
from mirror.errors import UnsafeError
from mirror.store.probe import probe_rules
from mirror.store.share import Marker, Share


@dataclass(frozen=True, slots=True)
class InitReport:
    """What `oomirror init` found and made."""

    config_file: Path
    config_written: bool
    share: Path
    share_made: bool
    share_uuid: str
    marked: bool
    catalog: str


def init(
    settings: Settings, *, config: Path | None = None, new_share: bool = False, force_catalog: bool = False
) -> InitReport:
    """Make what a first run needs, and return what was made. Running it again changes nothing.

    Parameters
    ----------
    new_share
        Mark the share anew, or take it though the catalog knows another one: what the catalog knew of a share is
        forgotten, and files are compared and adopted again.

    Raises
    ------
    UnsafeError
        The share's parent folder is not there, it cannot be written, the catalog lies on it, or it is another share
        than the catalog knows.
    """
    share = Share(settings.share_root())
    refuse_catalog_on_share(settings, share, force=force_catalog)
    if not share.root.parent.is_dir():
        raise UnsafeError(
            "cannot make the share: its parent folder is not there", str(share.root), hint="Is it mounted?"
        )
    is_new = not share.root.exists()
    file = new_config(config)
    with open_catalog(settings.catalog) as catalog:
        with catalog.read() as connection:
            known = queries.share(connection)
        found = share.marker()
        _check_same(share, known.uuid if known else None, found, new_share=new_share)
        marker = found if found and not new_share else share.write_marker(probe_rules(share))
        with catalog.begin() as connection:
            if known is not None and known.uuid != marker.uuid:
                queries.replace_share(connection, marker.uuid, str(share.root), now=utc_now())
            else:
                queries.remember_share(connection, marker.uuid, str(share.root), now=utc_now())
    written = write_template(file, share.root, settings.catalog)
    return InitReport(file, written, share.root, is_new, marker.uuid, marker is not found, shown_url(settings.catalog))


def _check_same(share: Share, known: str | None, found: Marker | None, *, new_share: bool) -> None:
    if new_share or known is None or (found is not None and found.uuid == known):
        return
    raise UnsafeError(
        "this is not the share that the catalog knows",
        str(share.root),
        expected=f"marker {known}",
        found=f"marker {found.uuid}" if found else "no marker",
        hint="Mount the right share, or give --new-share if the change is meant.",
    )
