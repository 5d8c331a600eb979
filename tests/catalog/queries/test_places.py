"""The share, buckets, arrays and documents."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.errors import OtherShareError
from catalog.records import HOW_MD5, ShareRecord
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, CONTAINER, START, at


def test_a_bucket_is_kept_once(connection: Connection) -> None:
    """The same URL is the same bucket; another URL is another one."""
    one = queries.bucket_id(connection, BUCKET_B)
    assert queries.bucket_id(connection, BUCKET_B) == one
    assert queries.find_bucket(connection, BUCKET_B) == one
    assert queries.bucket_id(connection, "s3://janelia-cosem-datasets") != one


@pytest.mark.parametrize(
    ("url", "prefix"),
    [(BUCKET_B, "heinrich-2021a/"), ("s3://janelia-cosem-datasets", ""), ("s3://b/x/y/", "x/y/")],
)
def test_the_prefix_of_a_bucket_is_what_its_url_names(connection: Connection, url: str, prefix: str) -> None:
    """Full keys start with the part of the URL after the bucket's name."""
    assert queries.bucket_prefix(connection, queries.bucket_id(connection, url)) == prefix


def test_there_is_no_share_at_first(connection: Connection) -> None:
    """A catalog that was just made knows no share."""
    assert queries.share(connection) is None


def test_a_share_that_moved_keeps_its_state(connection: Connection) -> None:
    """The same marker at another path is the same share: path new, date old."""
    queries.remember_share(connection, "u1", "/old", now=START)
    queries.remember_share(connection, "u1", "/new", now=at(1))
    assert queries.share(connection) == ShareRecord("u1", "/new", START)


def test_another_share_is_refused(connection: Connection) -> None:
    """The catalog of one share does not take another one unless told, and says both."""
    queries.remember_share(connection, "u1", "/one", now=START)
    with pytest.raises(OtherShareError, match=r"expected the share marked u1.*found one marked u2.*--new-share"):
        queries.remember_share(connection, "u2", "/two", now=at(1))


def test_replacing_the_share_forgets_what_was_mirrored_and_keeps_the_listing(
    connection: Connection, bucket: int
) -> None:
    """Mirror state belongs to one share; runs, arrays and documents do not."""
    run = builders.start_run(connection, bucket)
    array = queries.put_array(connection, builders.array_record(bucket))
    queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(3, array, run))
    queries.put_mirrored_objects(connection, [(bucket, "k", 1, b"e", None, HOW_MD5, run)])
    queries.remember_share(connection, "u1", "/one", now=START)
    queries.replace_share(connection, "u2", "/two", now=at(1))
    assert queries.share(connection) == ShareRecord("u2", "/two", at(1))
    assert list(queries.mirrored_blocks(connection, array)) == []
    assert list(queries.mirrored_objects(connection, bucket, "")) == []
    assert len(queries.arrays(connection, bucket, "")) == 1


def test_an_array_comes_back_as_it_was_put(connection: Connection, bucket: int) -> None:
    """Nothing of an array's description is lost."""
    record = builders.array_record(bucket)
    array = queries.put_array(connection, record)
    assert queries.arrays(connection, bucket, CONTAINER) == (replace(record, id=array),)


def test_an_array_that_changed_keeps_its_id(connection: Connection, bucket: int) -> None:
    """Bucket, container and path name an array; what is known of it is replaced."""
    array = queries.put_array(connection, builders.array_record(bucket))
    changed = replace(builders.array_record(bucket), data_type="uint16", attributes_hash=None)
    assert queries.put_array(connection, changed) == array
    assert queries.arrays(connection, bucket, "") == (replace(changed, id=array),)


def test_arrays_are_those_under_the_prefix(connection: Connection, bucket: int) -> None:
    """A dataset's arrays are not those of a dataset whose name only starts alike."""
    for dataset in ("jrc_hela-2", "jrc_hela-22"):
        prefix = f"heinrich-2021a/{dataset}/{dataset}.n5/"
        queries.put_array(connection, replace(builders.array_record(bucket), prefix=prefix))
    found = queries.arrays(connection, bucket, "heinrich-2021a/jrc_hela-2/")
    assert [record.prefix for record in found] == [CONTAINER]


@pytest.mark.parametrize(("path", "folder"), [("em/s0", "c.n5/em/s0/"), ("", "c.n5/")])
def test_an_arrays_folder_ends_with_a_slash(path: str, folder: str) -> None:
    """The folder of an array is its container's and its path; a container may itself be the array."""
    assert replace(builders.array_record(1), prefix="c.n5/", path=path).key_prefix == folder


def test_documents_are_kept_byte_for_byte_and_replaced(connection: Connection, bucket: int) -> None:
    """A document comes back as it was read last, with the ETag it had then."""
    key = f"{CONTAINER}attributes.json"
    queries.put_documents(connection, [(bucket, key, b"e1", b"{}", None), (bucket, "other", b"e", b"", None)])
    queries.put_documents(connection, [(bucket, key, b"e2", b'{"n5":\r\n"2.0.0"}\xff', b"h")])
    assert queries.documents(connection, bucket, CONTAINER) == {key: (b"e2", b'{"n5":\r\n"2.0.0"}\xff')}
