"""Servers of MongoDB's protocol, and databases of a test's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

_numbers = itertools.count(1)


@pytest.fixture
def database(mongo_uri: str) -> Iterator[Database[Any]]:
    """A database without collections, dropped afterwards."""
    with MongoClient[Any](mongo_uri) as client:
        name = f"oomirror_test_{next(_numbers)}"
        client.drop_database(name)
        yield client[name]
        client.drop_database(name)
