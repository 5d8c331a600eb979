"""PostgreSQL: how its connections are made, how its transactions begin, and what its errors mean."""

from catalog.postgresql.connection import begin, make_engine
from catalog.postgresql.errors import error_of

__all__ = ["begin", "error_of", "make_engine"]
