"""Files of all forms, told by what they hold."""

from __future__ import annotations

import ast
import gzip
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import ImportFailedError, ImportUsageError, NothingToImportError
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.source import open_sources
from catalog.records import ImportKind
from tests.catalog.mongo.documents import (
    CROPS,
    EVALUATION,
    WRITERS,
    canonical,
    read,
    read_fields,
    write,
    write_csv,
)

_texts = st.text(max_size=12)
_names = st.text(min_size=1, max_size=6).filter(lambda name: name[0] != "$" and "\0" not in name and name != "_id")
_dates = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, fold=0)
)
_plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(2**31, 2**63 - 1).map(bson.Int64),
    st.floats(),
    _texts,
    st.binary(max_size=6),
    _dates,
    st.binary(min_size=12, max_size=12).map(bson.ObjectId),
    st.just(bson.Decimal128("1.50")),
)
_values = st.recursive(
    _plain, lambda one: st.lists(one, max_size=3) | st.dictionaries(_names, one, max_size=3), max_leaves=6
)
_crops = st.lists(
    st.fixed_dictionaries({"number": _texts, "labels": st.just({})}).flatmap(
        lambda known: st.dictionaries(_names, _values, max_size=3).map(lambda others: known | others)
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(crops=_crops, packed=st.booleans())
def test_documents_are_read_as_they_were(form: str, crops: list[dict[str, Any]], packed: bool, tmp_path: Path) -> None:
    """Whatever the form, no field, type or order is lost, packed or not."""
    file = write(tmp_path, WRITERS[form](crops), packed=packed)
    assert read_fields(file) == [canonical(crop) for crop in crops]


_cells = st.text(min_size=1, max_size=12).filter(lambda text: "\0" not in text)
_evaluations = st.lists(
    st.fixed_dictionaries(
        {
            "setup": _cells,
            "metric": _cells,
            "value": st.floats(),
            "crop": _cells,
        },
        optional={
            "iteration": st.integers(0, 500_000),
            "refined": st.booleans(),
            # Not x: `write_csv` takes what has one for coordinates, and spreads it over columns.
            "metric_params": st.dictionaries(_names.filter(lambda name: name != "x"), st.integers(0, 9) | _texts),
            "offset": st.fixed_dictionaries(dict.fromkeys("xyz", st.integers(-5, 5))),
        },
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(evaluations=_evaluations)
def test_rows_are_read_as_the_documents_were(evaluations: list[dict[str, Any]], tmp_path: Path) -> None:
    """A table of mongoexport gives numbers, truths, parts and lists back as what they were, text as text."""
    documents = read(write(tmp_path, write_csv(evaluations)))
    assert [_known(one.fields) for one in documents if isinstance(one, Document)] == list(map(_known, evaluations))


def _known(fields: Any) -> dict[str, Any]:
    return {name: repr(value) if isinstance(value, float) else value for name, value in fields.items()}


@pytest.mark.parametrize("form", [*WRITERS, "csv"])
def test_kind_and_keys_do_not_depend_on_the_form(form: str, tmp_path: Path) -> None:
    """The `_id` is the key in all forms; documents go on after any of them."""
    data = write_csv(CROPS) if form == "csv" else WRITERS[form](CROPS)
    file = write(tmp_path, data)
    with open_sources(str(file)) as found:
        (source,) = found.sources
        assert (source.kind, source.place, source.collection, source.version) == (ImportKind.CROPS, str(file), "", None)
    documents = read(file)
    keys = [one.key for one in documents if isinstance(one, Document)]
    assert keys == [f'{{"$oid":"5f0c5b1e2f3d4c5b6a79808{number}"}}' for number in (1, 2, 3)]
    assert [read(file, after=key) for key in keys] == [documents[1:], documents[2:], []]


def test_a_key_that_is_gone_begins_at_the_start(tmp_path: Path) -> None:
    """A file that was made anew is read as a whole: nothing is passed over for a key that it no longer has."""
    file = write(tmp_path, WRITERS["bson"](CROPS))
    assert read(file, after="elsewhere") == read(file)


def test_the_same_result_twice_is_two_documents(tmp_path: Path) -> None:
    """Without `_id` a result is named by all but its value; met again, by its place as well."""
    other = EVALUATION | {"value": 0.5}
    again, changed = EVALUATION | {"label": "er"}, EVALUATION | {"label": "er", "value": 0.1}
    documents = read(write(tmp_path, WRITERS["pairs-a-line"]([EVALUATION, other, again, changed])))
    keys = [one.key for one in documents if isinstance(one, Document)]
    assert keys[1] == f"{keys[0]} (line 2)"
    assert keys[3] == f"{keys[2]} (line 4)"
    assert len(set(keys)) == 4


@pytest.mark.parametrize("where", ["bson", "packed"])
def test_a_dump_that_is_cut_off_anywhere_gives_nothing(where: str, tmp_path: Path) -> None:
    """Cut at any byte but between two documents, it fails before its first document, and says what was expected."""
    whole = WRITERS["bson"](CROPS)
    ends = {len(bson.encode(CROPS[0])), len(bson.encode(CROPS[0])) * 2} if where == "bson" else set()
    data = whole if where == "bson" else gzip.compress(whole, mtime=0)
    for n_bytes in range(len(data)):
        file = write(tmp_path, data[:n_bytes])
        if n_bytes in ends:
            assert len(read(file)) == n_bytes // min(ends)
            continue
        with pytest.raises(ImportFailedError) as caught:
            _first(file)
        assert caught.value.found
        assert str(file) in caught.value.thing


def _first(file: Path) -> object:
    with open_sources(str(file)) as found:
        return next(found.sources[0].documents())


_MANY = CROPS * 20
_DAMAGED = {
    "bson": (WRITERS["bson"](_MANY)[:-9], r"a document of \d+ bytes at offset \d+, found the end"),
    "length": (WRITERS["bson"](_MANY) + b"\1\0\0\0", r"5 to \d+ bytes at offset \d+, found a length of 1"),
    "no zero": (WRITERS["bson"](CROPS)[:-1] + b"x", "a zero at the end of the document at offset"),
    "list": (WRITERS["json-v1-list"](_MANY)[:-2], "expected ] at the end of the list, found the end"),
    "after the list": (WRITERS["json-v1-list"](_MANY) + b"{}", "nothing after the end of the list"),
    "row": (WRITERS["json-pretty-in-a-row"](_MANY)[:-4], "the end of the document that begins on line"),
    "literals": (WRITERS["dicts-in-one-list"](_MANY)[:-1], "expected ] at the end of the list"),
    "quote": (write_csv(_MANY) + b'"4', "the end of the quoted cell that begins on line 62"),
    "gzip": (gzip.compress(WRITERS["json-v1-lines"](_MANY))[:-3], "the end of the gzip stream"),
    "utf-8": (WRITERS["json-v1-list"](_MANY)[:-2] + b',{"a": "\xff"}]', r"UTF-8, found byte 0xff at offset \d+"),
}


@pytest.mark.parametrize(("data", "words"), _DAMAGED.values(), ids=_DAMAGED)
def test_what_is_damaged_far_behind_gives_nothing(data: bytes, words: str, tmp_path: Path) -> None:
    """The whole is gone through before the first document, and the error tells what was expected where."""
    with pytest.raises(ImportFailedError, match=words):
        _first(write(tmp_path, data))


def test_a_packed_file_with_changed_bytes_gives_nothing(tmp_path: Path) -> None:
    """The checksum at the end is looked at first."""
    data = bytearray(gzip.compress(WRITERS["json-v1-lines"](CROPS)))
    data[-6] ^= 1
    with pytest.raises(ImportFailedError, match=r"damage after .*CRC check failed"):
        _first(write(tmp_path, bytes(data)))


_GOOD = WRITERS["json-v1-lines"](CROPS)
_PAIRS = WRITERS["pairs-a-line"](CROPS)
_LIST = WRITERS["json-v1-list"](CROPS)
_LITERALS = WRITERS["dicts-in-one-list"](CROPS)


_RUN = "code, which is never run: "
_UNREADABLE = {
    "no JSON": (_GOOD + b"nonsense\n", "line 4", "Extended JSON, found expecting value"),
    "first line cut": (b'{"number": "1", \n' + _GOOD, "line 1", "Extended JSON"),
    "no document": (_GOOD + b"[1]\n", "line 4", "a document in braces, found a list"),
    "no ObjectId": (_GOOD + b'{"_id": {"$oid": "5"}}\n', "line 4", "'5' is not a valid ObjectId"),
    "no date": (_GOOD + b'{"n": {"$date": "x"}}\n', "line 4", "Extended JSON"),
    "no UTF-8": (_GOOD + b'{"number": "\xff"}\n', "line 4", "UTF-8, found byte 0xff at column 13"),
    "half a pair": (_GOOD + b'{"number": "\\ud800"}\n', "line 4", "half of a surrogate pair"),
    "too deep": (_GOOD + b'{"a":' * 9000 + b"1" + b"}" * 9000, "line 4", "recursion"),
    "no JSON in a list": (_LIST[:-2] + b",{no: 1}]", "document 4 (line 1)", "Extended JSON"),
    "nothing in a list": (_LIST[:-2] + b",,{}]", "document 4 (line 1)", "Extended JSON"),
    "code": (_PAIRS + b"[('a', __import__('os').system('touch x'))]\n", "line 4", _RUN + "__import__"),
    "comprehension": (_PAIRS + b"[('a', [x for x in ()])]\n", "line 4", _RUN),
    "call": (_PAIRS + b"open('x', 'w')\n", "line 4", _RUN + "open"),
    "power": (_PAIRS + b"[('a', 2 ** 9 ** 9)]\n", "line 4", _RUN),
    "hidden code": (_PAIRS + b"[('a', ObjectId(open('x', 'w')))]\n", "line 4", _RUN + "open"),
    "code as name": (_PAIRS + b"[(open('x', 'w'), 1)]\n", "line 4", _RUN + "open"),
    "number as name": (_PAIRS + b"[('a', {1: 2})]\n", "line 4", "names of fields that are text, found 1"),
    "open bracket": (_PAIRS + b"[('a', 'b'\n", "line 4", "was never closed"),
    "no pairs": (_PAIRS + b"[1, 2]\n", "line 4", "a list of pairs, or a dict, found [1, 2]"),
    "half a pair of Python": (_PAIRS + b"[('a', '\\ud800')]\n", "line 4", "half of a surrogate pair"),
    "code in a list": (
        _LITERALS[:-1] + b",\n exec('x')]",
        f"document 4 (line {_LITERALS.count(10) + 2})",
        _RUN + "exec",
    ),
    "cells": (write_csv(CROPS) + b"1,2\n", "line 5", "8 cells, found 2"),
    "no UTF-8 in a table": (write_csv(CROPS)[:-4] + b"\xff\r\n", "line 4", "UTF-8"),
}


@pytest.mark.parametrize(("data", "place", "words"), _UNREADABLE.values(), ids=_UNREADABLE)
def test_one_document_that_is_none_hides_no_other(data: bytes, place: str, words: str, tmp_path: Path) -> None:
    """What cannot be read is told with its place and why; those before and after it are read."""
    found = read(write(tmp_path, data))
    (bad,) = (one for one in found if isinstance(one, Unreadable))
    assert bad.place == place
    assert words in f"{bad.expected}, found {bad.found}"
    numbers = [one.fields["number"] for one in found if isinstance(one, Document) and "number" in one.fields]
    assert numbers == ["1", "2", "3"][: len(numbers)]
    assert len(numbers) >= 2
    assert not (tmp_path / "x").exists()


def test_a_document_of_a_dump_that_is_no_text_hides_no_other(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 inside a document of BSON: the others are read."""
    data = WRITERS["bson"](CROPS)
    broken = data.replace(b"jrc_hela-2\0", b"jrc_hel\xff-2\0", 1)
    found = read(write(tmp_path, broken))
    assert [type(one) for one in found] == [Unreadable, Document, Document]
    assert "'utf-8' codec can't decode" in str(found[0])


def test_of_two_fields_of_one_name_the_last_counts(tmp_path: Path) -> None:
    """As in every driver, in BSON and in JSON alike."""
    one, other = (bson.encode({"number": number})[4:-1] for number in "12")
    body = one + other + bson.encode({"labels": {}})[4:]
    data = (len(body) + 4).to_bytes(4, "little") + body
    for text in (data, b'{"number": "1", "number": "2", "labels": {}}'):
        assert read_fields(write(tmp_path, text)) == [canonical({"number": "2", "labels": {}})]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"$numberLong": "5"}', bson.Int64(5)),
        ('{"$date": 86400000}', datetime(1970, 1, 2, tzinfo=UTC)),
        ('{"$date": "1970-01-02T00:00:00.000+0000"}', datetime(1970, 1, 2, tzinfo=UTC)),
        ('{"$date": {"$numberLong": "86400000"}}', datetime(1970, 1, 2, tzinfo=UTC)),
        ('{"$date": {"$numberLong": "999999999999999"}}', DatetimeMS(999999999999999)),
        ('{"$numberDouble": "-Infinity"}', -math.inf),
        ("-Infinity", -math.inf),
        ('{"$numberDecimal": "0.1"}', bson.Decimal128("0.1")),
        ('{"$binary": "AAE=", "$type": "00"}', b"\0\1"),
        ('{"$regex": "a", "$options": "i"}', bson.Regex("a", "i")),
        ('{"$undefined": true}', None),
        ('{"x": 4.0}', {"x": 4.0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_extended_json_of_both_versions(text: str, value: object, tmp_path: Path) -> None:
    """Types that JSON lacks are what the database has."""
    (one,) = read(write(tmp_path, f'{{"number": "1", "labels": {{}}, "value": {text}}}'.encode()))
    assert isinstance(one, Document)
    assert one.fields["value"] == value
    assert type(one.fields["value"]) is type(value)


_CELLMAP = b"crop_name,dataset,class_label,translation\n1,jrc_hela-2,ecs,[1]\n"
_NONE_OF_THEM = {
    "utf-16": ('[{"number": "1"}]'.encode("utf-16"), "UTF-16, which is not understood. Change it by `iconv"),
    "utf-16 without mark": ('[{"number": "1"}]'.encode("utf-16-le"), "UTF-16, which is not understood"),
    "archive": (b"\x6d\xe2\x99\x81rest", "Make the dump with --out instead of --archive"),
    "zip": (b"PK\3\4" + b"\0" * 30, "found a file of bytes: 50 4b 03 04"),
    "html": (b"<html>\n", "found a text that begins with '<html>"),
    "other documents": (b'{"a": 1, "b": 2}', "found documents with a, b"),
    "cellmap": (_CELLMAP, "The cellmap table is imported by `oomirror crops import-manifest`"),
    "other table": (b"a,b\n1,2\n", "expected crops with number, dimensions, labels"),
}


@pytest.mark.parametrize(("data", "words"), _NONE_OF_THEM.values(), ids=_NONE_OF_THEM)
def test_what_is_none_of_the_forms_is_said_so(data: bytes, words: str, tmp_path: Path) -> None:
    """The error tells what was found and what would do."""
    with pytest.raises(ImportUsageError) as caught:
        read(write(tmp_path, data))
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


_EMPTY = {
    "no byte": b"",
    "blanks": b"\n \n",
    "packed": gzip.compress(b""),
    "list": b"[]",
    "table": b"number,labels\r\n",
}


@pytest.mark.parametrize("data", _EMPTY.values(), ids=_EMPTY)
def test_a_file_without_documents_is_said_so(data: bytes, tmp_path: Path) -> None:
    """Nothing to import is a failure, so that an empty export is not taken for a successful one."""
    with pytest.raises(NothingToImportError, match="there is no document to import"):
        read(write(tmp_path, data))


@pytest.mark.samples
@pytest.mark.parametrize("crlf", [False, True], ids=["as it is", "crlf"])
@pytest.mark.parametrize("name", ["training", "validation"])
def test_the_labs_own_dumps_lose_nothing(name: str, crlf: bool, samples: Path, tmp_path: Path) -> None:
    """All documents are read, with all fields, and each value is the one that Python's own literals give."""
    text = (samples / f"crops/{name}_crops.txt").read_text()
    file = write(tmp_path, text.replace("\n", "\r\n").encode() if crlf else text.encode())
    if name == "training":
        expected = [dict(ast.literal_eval(line)) for line in text.splitlines()]
        assert len(expected) == 49
    else:
        expected = ast.literal_eval(text)
    found = read(file)
    assert [dict(one.fields) for one in found if isinstance(one, Document)] == expected
    assert len({one.key for one in found if isinstance(one, Document)}) == len(expected) == len(found)
