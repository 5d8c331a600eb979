"""What is odd about documents."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import ImportIssue, ImportKind, ImportSource
from tests.catalog.builders import START, at


@pytest.fixture
def source(connection: Connection) -> int:
    """Return the id of a source."""
    record = ImportSource(ImportKind.CROPS, "lab", "", "0003", 1, None, START, None, 0)
    return queries.put_import_source(connection, record)


def issue(source: int, key: str, code: str, found: str = "x") -> ImportIssue:
    """Return an issue."""
    return ImportIssue(source, key, code, "alias", "text", found)


def shown(connection: Connection) -> list[tuple[str, str, str, object]]:
    """Return what is there."""
    return [(one.document_key, one.code, one.found, one.first_seen_at) for one in queries.import_issues(connection)]


def test_issues_are_replaced_by_document_and_code(connection: Connection, source: int) -> None:
    """What stays odd keeps its date; other codes and other documents stay as they are."""
    codes = {"odd", "rare"}
    first = {"a": [issue(source, "a", "odd"), issue(source, "a", "rare")], "b": [issue(source, "b", "odd")]}
    queries.replace_issues(connection, source, first, codes, now=at(1))
    queries.replace_issues(connection, source, {"a": [issue(source, "a", "other")]}, {"other"}, now=at(2))
    queries.replace_issues(connection, source, {"a": [issue(source, "a", "odd", "y")], "c": []}, codes, now=at(3))
    assert shown(connection) == [("a", "odd", "y", at(1)), ("a", "other", "x", at(2)), ("b", "odd", "x", at(1))]
    assert queries.count_issues(connection, source) == {"odd": 2, "other": 1}
    assert queries.issue_keys(connection, source, "odd") == {"a", "b"}
    assert len(queries.import_issues(connection, source_id=source, document_keys=["b", "z"])) == 1
    assert queries.import_issues(connection, source_id=source + 1) == ()
