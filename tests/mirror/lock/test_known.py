"""What the locks of a share tell those who hold none."""

from __future__ import annotations

import pytest

from mirror.errors import LockedError, UnsafeError
from mirror.lock import check_held, live_tokens, live_tokens_now
from mirror.store.share import MARKER, Share
from tests.mirror.lock.labs import far_away, lock, write_holder
from tests.shim import Ways, shim


def test_a_lock_that_a_listing_does_not_show_yet_is_seen_when_it_matters(share: Share) -> None:
    """Who would sweep the room of a run that lives asks so that the server itself answers."""
    with shim(share.root, ways=Ways(n_late_listings=2)), lock(share, far_away()):
        assert live_tokens(share) == {}
        assert set(live_tokens_now(share)) == {far_away().token}


def test_a_lock_that_is_lost_and_a_share_that_is_are_told_apart(share: Share) -> None:
    """6 where another run took over, 5 where nothing is there any more."""
    write_holder(share, far_away())
    check_held(share, far_away().token)
    with pytest.raises(LockedError, match="lost its lock"):
        check_held(share, "0" * 16)
    (share.own / MARKER).unlink()
    with pytest.raises(UnsafeError, match="went away"):
        check_held(share, "0" * 16)
