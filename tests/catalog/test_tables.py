"""The columns' own types."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from catalog.tables import JsonText, UtcText, metadata

DIALECT = sqlite.dialect()


def test_a_moment_is_stored_in_utc() -> None:
    """A moment of another time zone is stored as the same moment in UTC, so that texts sort as moments do."""
    local = datetime(2026, 7, 1, 2, 0, tzinfo=timezone(timedelta(hours=2)))
    assert UtcText().process_bind_param(local, DIALECT) == "2026-07-01T00:00:00.000000+00:00"


def test_a_moment_comes_back_as_it_was() -> None:
    """What is read is the moment that was written."""
    moment = datetime.fromisoformat("2026-11-24T00:41:31.000250+00:00")
    text = UtcText().process_bind_param(moment, DIALECT)
    assert UtcText().process_result_value(text, DIALECT) == moment


def test_a_moment_without_a_time_zone_is_refused() -> None:
    """A naive moment could be anything and is not stored."""
    with pytest.raises(ValueError, match="without a time zone"):
        UtcText().process_bind_param(datetime(2026, 11, 24), DIALECT)  # noqa: DTZ001 - the case


def test_equal_json_values_are_equal_texts() -> None:
    """The order of a mapping's keys does not change the text."""
    texts = {JsonText().process_bind_param(value, DIALECT) for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1})}
    assert texts == {'{"a":1,"b":2}'}


def test_every_constraint_has_a_name() -> None:
    """SQLite can change a constraint later only if it has a name."""
    constraints = [constraint for table in metadata.sorted_tables for constraint in table.constraints]
    assert [constraint for constraint in constraints if constraint.name is None] == []
