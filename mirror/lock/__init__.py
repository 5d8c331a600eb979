"""The locks of datasets on a share: who holds one, the folder that is one, and who is shut out when it is stale.

`holder` is the document of who holds a lock, `folder` the protocol on the share, `fence` what is taken from a stale
run, `dataset` the lock that a run holds, `known` what others can learn of it.
"""

from mirror.lock.dataset import STALE_SECONDS, DatasetLock
from mirror.lock.holder import Holder, is_process_alive, seconds_of_process
from mirror.lock.known import check_held, is_held, live_tokens, live_tokens_now, read_holder, sweep_locks

__all__ = [
    "STALE_SECONDS",
    "DatasetLock",
    "Holder",
    "check_held",
    "is_held",
    "is_process_alive",
    "live_tokens",
    "live_tokens_now",
    "read_holder",
    "seconds_of_process",
    "sweep_locks",
]
