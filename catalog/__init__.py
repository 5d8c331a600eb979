"""The catalog: what the buckets have, what the share has, and how each object was verified.

Nothing is imported here, so that a command which needs no database does not pay for one:
`catalog.session` opens a catalog, `catalog.queries` reads and writes it, `catalog.records` are its values.
"""

__all__: list[str] = []
