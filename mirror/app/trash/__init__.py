"""`oomirror trash`: what lies in the share's trash, back to its place, or gone for good."""

from mirror.app.trash.emptying import empty
from mirror.app.trash.restoring import restore
from mirror.app.trash.runs import list_trash, list_trashed_files

__all__ = ["empty", "list_trash", "list_trashed_files", "restore"]
