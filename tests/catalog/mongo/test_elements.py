"""Texts cut into documents by their brackets."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import ImportFailedError
from catalog.mongo import elements
from catalog.mongo.elements import JSON_SYNTAX, PYTHON_SYNTAX, Layout
from catalog.mongo.file_bytes import CHUNK_BYTES, FileBytes, open_bytes
from catalog.mongo.parsed import DOCUMENT_LIMIT_BYTES, Parsed

_trees = st.recursive(
    st.text(max_size=6) | st.integers(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
    max_leaves=8,
)


class InChunks(io.BytesIO):
    """Bytes of which no more than a few are given at once."""

    def __init__(self, data: bytes, chunk_bytes: int) -> None:
        super().__init__(data)
        self._chunk_bytes = chunk_bytes

    def read(self, size: int | None = -1) -> bytes:
        """Return the next few."""
        return super().read(min(size or self._chunk_bytes, self._chunk_bytes))

    def peek(self, size: int = 0) -> bytes:
        """Return what comes without going past it."""
        return self.getvalue()[self.tell() :][:size]


def pieces(text: str, layout: Layout, chunk_bytes: int = CHUNK_BYTES) -> list[str]:
    """Return the text of each document."""
    stream = FileBytes(Path("file"), InChunks(text.encode(), chunk_bytes), is_packed=False)
    readings = list(elements.read(stream, PYTHON_SYNTAX, layout, lambda text: {"text": text}))
    return [one.fields["text"] for one in readings if isinstance(one, Parsed)]


@settings(max_examples=50, deadline=None)
@given(trees=st.lists(st.lists(_trees, min_size=1), min_size=1, max_size=5), chunk_bytes=st.integers(1, 40))
def test_documents_are_cut_where_their_brackets_close(trees: list[list[object]], chunk_bytes: int) -> None:
    """Whatever stands in their texts, and wherever a chunk of the file ends."""
    texts = [repr(tree) for tree in trees]
    assert pieces(f"[{', '.join(texts)}]", Layout.IN_ONE_LIST, chunk_bytes) == texts
    assert pieces("\n".join(texts), Layout.ONE_AFTER_ANOTHER, chunk_bytes) == texts


def test_a_large_file_takes_no_more_memory_than_a_chunk(tmp_path: Path) -> None:
    """What was read is forgotten: the peak is that of a few chunks, and a fraction of the file."""
    document = '{"number": "1", "labels": {"present_annotated": [[3, "' + "Mito membrane" * 5000 + '"]]}},\n'
    (tmp_path / "list").write_text("[" + document * (16 * CHUNK_BYTES // len(document)) + "{}]")
    tracemalloc.start()
    with open_bytes(tmp_path / "list") as stream:
        elements.check(stream, JSON_SYNTAX, Layout.IN_ONE_LIST)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 6 * CHUNK_BYTES


def test_a_document_without_end_is_given_up(tmp_path: Path) -> None:
    """A bracket that is never closed must not take all memory."""
    (tmp_path / "list").write_text("[{" + '"a": 1, ' * (DOCUMENT_LIMIT_BYTES // 6))
    with open_bytes(tmp_path / "list") as stream, pytest.raises(ImportFailedError, match="which begins on line 1"):
        elements.check(stream, JSON_SYNTAX, Layout.IN_ONE_LIST)


def test_comments_of_python_hold_no_brackets() -> None:
    """A dump that someone wrote notes into is read as Python reads it."""
    text = "[{'a': 1},  # the first ]\n {'a': '#'}]"
    assert pieces(text, Layout.IN_ONE_LIST) == ["{'a': 1}", "# the first ]\n {'a': '#'}"]
