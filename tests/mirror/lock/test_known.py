"""What the locks of a share tell those who hold none."""

from __future__ import annotations

import pytest

from mirror.errors import LockedError, UnsafeError
from mirror.lock import Holder, check_held, live_tokens, live_tokens_now, sweep_locks
from mirror.store.share import MARKER, Share
from tests.mirror.lock.labs import dead_here, far_away, lock, write_holder
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


def test_locks_of_the_dead_are_swept(share: Share) -> None:
    """Those of processes that are known to be dead, and their drafts; of others of which nothing is known, none."""
    kept = {"far": far_away(), "near": Holder.of_this_process()}
    for name, holder in {**kept, "dead": dead_here(), f"draft.lock.{'a' * 16}.new": dead_here()}.items():
        folder = share.own / "locks" / ".trash" / (name if name.endswith(".new") else f"{name}.lock")
        folder.mkdir(parents=True)
        (folder / holder.token).write_bytes(holder.to_json())
    sweep_locks(share)
    assert {path.name for path in (share.own / "locks" / ".trash").iterdir()} == {f"{name}.lock" for name in kept}
    assert live_tokens(share).keys() == {holder.token for holder in kept.values()}
