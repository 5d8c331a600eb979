"""`oomirror why`: one object's whole story, from the catalog and the share alone."""

from mirror.app.why.tell import why

__all__ = ["why"]
