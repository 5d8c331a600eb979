"""Mirrors N5, zarr and precomputed datasets from S3 to a share.

Nothing is imported here: each module loads what it needs when it is used. ARCHITECTURE.md draws the rings.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
