"""`oomirror refresh`: every `[[mirrors]]` entry, each as a sync of its own."""

from mirror.app.refresh.entries import Entry, entries_of
from mirror.app.refresh.run import RefreshRequest, RefreshRunsError, refresh
from mirror.app.refresh.tell import refresh_and_tell

__all__ = ["Entry", "RefreshRequest", "RefreshRunsError", "entries_of", "refresh", "refresh_and_tell"]
