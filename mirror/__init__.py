"""Mirrors N5, zarr and precomputed datasets from S3 to a share.

Nothing is imported here: each module loads what it needs when it is used. ARCHITECTURE.md draws the rings.
"""

__all__: list[str] = []
