"""LIST answers: what several services send, and that the fast way says what the careful one says."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mirror.errors import BrokenTransferError, MirrorError, StoreError
from mirror.objects import RemoteObject
from mirror.store.base import ListPage
from mirror.store.list_answer import parse_any_page, parse_page, parse_plain_page

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
MD5 = "9b2cf535f27731c974343645a3985328"
OBJECT = RemoteObject("d/s0/0/0/0", 123456, MD5, 1_616_161_616)


def entry(
    key: str = OBJECT.key,
    time: str = "2021-03-19T13:46:56.000Z",
    etag: str = f"&quot;{MD5}&quot;",
    size: str = "123456",
    *,
    before_size: str = "",
    after_size: str = "<StorageClass>STANDARD</StorageClass>",
) -> str:
    """Return one entry of a page."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>{etag}</ETag>{before_size}"
        f"<Size>{size}</Size>{after_size}</Contents>"
    )


def page(*entries: str, more: str = "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>") -> bytes:
    """Return a page of the entries."""
    return f"{HEAD}<Name>b</Name><Prefix></Prefix>{more}{''.join(entries)}</ListBucketResult>".encode()


OWNER = "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
NAMED_OWNER = "<Owner><ID>02d6176db174dc93cb1b899f7c6078f08654445f</ID><DisplayName>minio</DisplayName></Owner>"
CHECKSUM = "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
CLASS = "<StorageClass>STANDARD</StorageClass>"
PLAIN: dict[str, tuple[bytes, RemoteObject]] = {
    "AWS": (page(entry()), OBJECT),
    "AWS with a checksum": (page(entry(before_size=CHECKSUM)), OBJECT),
    "SeaweedFS": (page(entry(time="2021-03-19T13:46:56Z", after_size=CLASS)), OBJECT),
    "with an owner": (page(entry(after_size=OWNER + CLASS)), OBJECT),
    "MinIO": (page(entry(after_size=NAMED_OWNER + CLASS)), OBJECT),
    "quotes as they are": (page(entry(etag=f'"{MD5}"', after_size="")), OBJECT),
    "a multipart ETag": (page(entry(etag=f"&quot;{MD5}-17&quot;")), OBJECT._replace(etag=f"{MD5}-17")),
    "an encoded key": (page(entry("a%2Fb+%C3%BC%0A")), OBJECT._replace(key="a/b ü\n")),
    "a key as it is": (page(entry("100%+"), more="<IsTruncated>false</IsTruncated>"), OBJECT._replace(key="100%+")),
    "microseconds": (page(entry(time="2021-03-19T13:46:56.999999Z")), OBJECT),
    "no object": (page(entry(size="0")), OBJECT._replace(size=0)),
}


@pytest.mark.parametrize(("body", "found"), PLAIN.values(), ids=PLAIN.keys())
def test_what_services_send_is_plain(body: bytes, found: RemoteObject) -> None:
    """The entries of AWS, SeaweedFS and MinIO are read the fast way, and rightly."""
    assert parse_plain_page(body, "s3://b/") == parse_any_page(body, "s3://b/") == ListPage((found,), (), None)


def test_token_and_folders_stand_around_the_objects() -> None:
    """A page that is cut has its token, and folders beside objects are found."""
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>"
    body = page(entry(), entry("e"), "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>", more=more)
    assert parse_plain_page(body, "") == ListPage((OBJECT, OBJECT._replace(key="e")), ("d/",), "a&b")


ODD: dict[str, bytes] = {
    "nothing listed": page(),
    "another order": page(f"<Contents><Size>1</Size>{entry()[10:]}"),
    "something unknown in an entry": page(entry(after_size="<Nova>x</Nova>")),
    "a tag twice": page(entry(after_size="<Size>7</Size>")),
    "an entity in a key": page(entry("a&amp;b")),
    "an entity in a key beside an ETag without quotes": page(entry("a&quot;b", etag=MD5) + entry("&quot;")),
    "quotes of two kinds": page(entry(), entry("f", etag=f'"{MD5}"')),
    "a quote in a key": page(entry('a"')),
    "an ETag without quotes": page(entry(etag=MD5)),
    "a key that is not encoded": page(entry("ü")),
    "indented": page(" " + entry()),
    "a comment": page(f"<!-- {entry()} -->"),
    "between comments": page(f"<!-- {entry()} --><!--{entry()} -->"),
    "CDATA": page(f"<Odd><![CDATA[{entry()}]]></Odd>"),
    "a level deeper": page(f"<Odd>{entry()}</Odd>"),
    "an entry with an attribute": page(entry(), entry("x").replace("<Contents>", '<Contents a="b">')),
    "another namespace": page(entry()).replace(b"<Contents>", b'<Contents xmlns="x">'),
    "UTF-16": page(entry()).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "before 1970": page(entry(time="1969-12-31T23:59:59.500Z")),
    "another time zone": page(entry(time="2021-03-19T13:46:56+01:00")),
    "a week": page(entry(time="2021-W11-5T13:46:56Z")),
    "a carriage return": page(entry("a\rb")),
    "a size with blanks": page(entry(size=" 12 ")),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_what_is_not_plain_is_read_the_careful_way(body: bytes) -> None:
    """The fast way either declines or says the same."""
    assert parse_plain_page(body, "s3://b/") in (None, parse_any_page(body, "s3://b/"))
    assert parse_page(body, "s3://b/") == parse_any_page(body, "s3://b/")


BROKEN: dict[str, tuple[bytes, type[MirrorError]]] = {
    "nothing": (b"", BrokenTransferError),
    "cut among the entries": (page(entry(), entry())[:-200], BrokenTransferError),
    "cut at the end": (page(entry())[:-2], BrokenTransferError),
    "cut, and sewn together": (page(entry()) + page(entry()), BrokenTransferError),
    "no listing": (page(entry()).replace(b"ListBucketResult", b"Html"), StoreError),
    "no token": (page(entry(), more="<IsTruncated>true</IsTruncated>"), BrokenTransferError),
    "no number": (page(entry(size="many")), BrokenTransferError),
    "no size": (page(entry().replace("<Size>123456</Size>", "")), BrokenTransferError),
    "no day": (page(entry(time="2021-02-30T13:46:56.000Z")), BrokenTransferError),
    "no minute": (page(entry(time="2021-03-19T13:61:56.000Z")), BrokenTransferError),
    "a control character": (page(entry("a\x02b")), BrokenTransferError),
    "]]>": (page(entry("]]>")), BrokenTransferError),
}


@pytest.mark.parametrize(("body", "error"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_said(body: bytes, error: type[MirrorError]) -> None:
    """An answer that is cut or no listing is an error, whichever way it is read."""
    with pytest.raises(error):
        parse_any_page(body, "s3://b/")
    with pytest.raises(error):
        parse_page(body, "s3://b/")


_texts = st.text(st.sampled_from("ab/0%2+ \"'&;<>]-\t\r\nü\x02"), max_size=6) | st.sampled_from(
    ["&quot;", "&amp;", "]]>"]
)
_times = st.sampled_from(["2021-03-19T13:46:56.000Z", "2021-03-19T13:46:56Z", "1970-01-01T00:00:00.9Z"]) | _texts
_etags = st.sampled_from([f"&quot;{MD5}&quot;", f'"{MD5}"', MD5, ""]) | _texts
_sizes = st.integers(0, 1 << 60).map(str) | st.sampled_from(["", "-1", " 1", "1_0", "\u0663"])
_more = st.sampled_from(["", CLASS, OWNER, NAMED_OWNER, CHECKSUM, "<Odd/>", " "])
_entries = st.builds(entry, _texts, _times, _etags, _sizes, before_size=_more, after_size=_more) | st.builds(
    entry, st.text(st.sampled_from("ab/0%"), max_size=6)
)
_between = st.sampled_from(["", "", "", "\n", "x", "<!--", "-->", "<Odd>", "</Odd>", "<![CDATA[", "]]>", entry()])


@given(st.lists(st.tuples(_entries, _between), max_size=4), st.sampled_from(["", "<EncodingType>url</EncodingType>"]))
@example([(entry("&quot;&quot;", etag="&quot;"), "")], "")
@example([(entry("&quot;", etag=f'"{MD5}&quot;'), "")], "")
def test_the_fast_way_declines_or_agrees(parts: list[tuple[str, str]], more: str) -> None:
    """Whatever an answer holds, the fast way never says anything else than the careful one."""
    body = page(*("".join(part) for part in parts), more=more)
    try:
        expected: ListPage | None = parse_any_page(body, "s3://b/")
    except BrokenTransferError:
        expected = None
    assert parse_plain_page(body, "s3://b/") in (None, expected)
