"""Metadata of zarr arrays in odd and rare shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import MalformedDocumentError
from mirror.formats.layout import ArrayFacts
from mirror.formats.zarr_array import read_v2_array, read_v3_array
from tests.mirror.formats.buckets import zarr_v2_document, zarr_v3_document

BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def v2(**fields: object) -> dict[str, Any]:
    """Return a `.zarray` of shape z,y,x 30,70,100 with some fields replaced."""
    return {**json.loads(zarr_v2_document([30, 70, 100])), **fields}


def v3(**fields: object) -> dict[str, Any]:
    """Return a `zarr.json` of shape z,y,x 30,70,100 with some fields replaced."""
    return {**json.loads(zarr_v3_document([30, 70, 100])), **fields}


def sharding(chunk: list[int], *codecs: object) -> dict[str, object]:
    """Return a sharding codec."""
    return {"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "codecs": codecs}}


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("<u2", "uint16"),
        (">f4", "float32"),
        ("|b1", "bool"),
        ("|S5", "|S5"),
        ("<U3", "<U3"),
        ("|O", "|O"),
        ("<M8[ns]", "datetime64[ns]"),
        ([["a", "<u2"], ["b", "<f4", [2]]], '[["a","<u2"],["b","<f4",[2]]]'),
        ("odd", "odd"),
    ],
)
def test_types_of_version_2(dtype: object, name: str) -> None:
    """Numpy's names, and what numpy has no plain name for as it is written."""
    assert read_v2_array(v2(dtype=dtype), "place")[0].facts.data_type == name


@pytest.mark.parametrize(
    ("data_type", "name", "n_bytes"),
    [
        ("float16", "float16", 2),
        ("r16", "r16", None),
        ({"name": "int8"}, "int8", 1),
        ({"name": "numpy.datetime64", "configuration": {"unit": "ns"}}, None, None),
    ],
)
def test_types_of_version_3(data_type: object, name: str | None, n_bytes: int | None) -> None:
    """A word stays a word; more than a word stays JSON."""
    facts = read_v3_array(v3(data_type=data_type), "place")[0].facts
    assert facts.data_type == (name or json.dumps(data_type, separators=(",", ":")))
    assert facts.raw_bytes == (None if n_bytes is None else 30 * 70 * 100 * n_bytes)


def test_shards_in_shards_are_opened_to_the_last() -> None:
    """What is compressed by itself is the innermost chunk."""
    inner = sharding([8, 8, 16], BYTES, {"name": "zstd", "configuration": {"level": 3}})
    read, _ = read_v3_array(v3(codecs=[sharding([32, 32, 32], inner)]), "place")
    assert read.facts == ArrayFacts((100, 70, 30), (64,) * 3, "uint16", {"type": "zstd", "level": 3}, (16, 8, 8))


def test_a_codec_without_configuration_may_be_a_word() -> None:
    """`"crc32c"` stands for `{"name": "crc32c"}`."""
    read, _ = read_v3_array(v3(codecs=["bytes", "gzip", "crc32c"]), "place")
    assert read.facts.compression == {"type": "gzip", "filters": [{"name": "crc32c"}]}


def test_an_unknown_codec_is_the_compression() -> None:
    """It is told under its own name, with its parameters."""
    codec = {"name": "numcodecs.lzma", "configuration": {"preset": 3}}
    assert read_v3_array(v3(codecs=[BYTES, codec]), "place")[0].facts.compression == {
        "type": "numcodecs.lzma",
        "preset": 3,
    }


def test_a_single_value_is_an_array_of_no_axes() -> None:
    """It has one chunk."""
    for read, _ in (
        read_v2_array(v2(shape=[], chunks=[]), "place"),
        read_v3_array(v3(shape=[], chunk_grid={"name": "regular", "configuration": {"chunk_shape": []}}), "place"),
    ):
        assert (read.facts.shape_xyz, read.block_keys.n_blocks) == ((), 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"chunk_grid": {"name": "rectilinear", "configuration": {"chunk_shapes": [[1, 2]] * 3}}},
        {"chunk_grid": None},
        {"chunk_key_encoding": {"name": "mine"}},
        {"codecs": [{"name": "transpose", "configuration": {"order": [0, 0, 1]}}, BYTES]},
        {"codecs": [{"name": "transpose", "configuration": {"order": [0, {}, 2]}}, BYTES]},
        {"codecs": [sharding([8, 8])]},
        {"codecs": [{"name": "sharding_indexed"}]},
        {"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": 7, "chunk_shape": [1, 1, 1]}}]},
        {"codecs": 7},
        {"shape": [1]},
        {"shape": [-1, 1, 1]},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_with_its_place(fields: dict[str, Any]) -> None:
    """Other grids, keys and codecs that do not fit: an error that says where and what."""
    with pytest.raises(MalformedDocumentError) as caught:
        read_v3_array(v3(**fields), "s3://b/zarr.json")
    assert caught.value.thing == "s3://b/zarr.json"
    assert caught.value.found


_names = st.text(max_size=6)
_values = st.none() | st.integers(-9, 9) | st.text(max_size=3) | st.lists(st.integers(0, 3), max_size=2)


@given(st.data(), st.booleans())
def test_neither_order_nor_unknown_fields_change_what_is_read(data: st.DataObject, is_version_3: bool) -> None:
    """Facts stay the same, and unknown fields come through the model as they were."""
    document = v3() if is_version_3 else v2()
    read = read_v3_array if is_version_3 else read_v2_array
    known = {*document, "dimension_names", "attributes", "dimension_separator"}
    extra = data.draw(st.dictionaries(_names.filter(lambda name: name not in known), _values, max_size=3))
    shuffled = dict(data.draw(st.permutations(list(document.items()))))
    found, model = read({**extra, **shuffled}, "place")
    assert found.facts == read(document, "place")[0].facts
    assert json.loads(model.model_dump_json(by_alias=True, exclude_unset=True)) == {**extra, **document}
