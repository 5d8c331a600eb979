"""What all tables of the catalog share: names of constraints, and how moments, JSON values and keys are stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, MetaData, Text, TypeDecorator

from catalog.errors import CatalogDamagedError

if TYPE_CHECKING:
    from sqlalchemy import Dialect

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)


class UtcText(TypeDecorator[datetime]):
    """A moment, stored as text `2026-11-24T00:41:31.250000+00:00`: sorts as it reads, on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the text of a moment; a naive one is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value.isoformat()}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the moment of a text."""
        moment: datetime | None = _read(datetime.fromisoformat, value)
        return moment


class JsonText(TypeDecorator[Any]):
    """A JSON value, stored as text with sorted keys: equal values are equal texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the text of a value; None stays NULL."""
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as SQLAlchemy calls it
        """Return the value of a text."""
        return _read(json.loads, value)


def _read(parse: Callable[[str], Any], text: str | None) -> Any:
    try:
        return None if text is None else parse(text)
    except (ValueError, TypeError) as error:
        raise CatalogDamagedError("the catalog is damaged", found=f"a value that is none: {text!r:.80}") from error


KeyText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes, as S3 lists keys: a prefix is then a range."""


def key_to(target: str, *, cascades: bool = False) -> ForeignKey:
    """Return a reference to a row of another table, with which this one goes where it `cascades`."""
    return ForeignKey(target, ondelete="CASCADE" if cascades else None)
