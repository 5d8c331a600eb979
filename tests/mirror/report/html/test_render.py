"""The page: every dataset, volume, level and number is there; nothing from a bucket is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from mirror.objects import Tally
from mirror.report.html.page import (
    Checked,
    Container,
    Dataset,
    Example,
    InBucket,
    Level,
    Oddity,
    Page,
    Volume,
    Wholeness,
)
from mirror.report.html.render import format_span, format_ways, link, render_page, script_hash

AT = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
CHECKED = Checked(AT, AT, md5=14)
RAW = Volume(
    path="volumes/raw",
    shows="EM",
    levels=(
        Level("s0", Wholeness.NONE, Tally(), 470_000),
        Level("s1", Wholeness.PARTIAL, Tally(10, 1_500_000), 40),
        Level("s2", Wholeness.WHOLE, Tally(4, 500_000), 4),
    ),
    shape_zyx=(6368, 1600, 12000),
    voxel_size_nm_zyx=(5.24, 4.0, 4.0),
    checked=CHECKED,
)
MASK = Volume("masks/foreground", "mask", (Level("", Wholeness.UNKNOWN, Tally(2, 700), None),), (), (), CHECKED)
N5 = Container("jrc_hela-2.n5", "pub/jrc_hela-2/jrc_hela-2.n5", "n5", (RAW, MASK), ("labels/er_seg",))
ZARR = Container("jrc_hela-2.zarr", "pub/jrc_hela-2/jrc_hela-2.zarr", "zarr", (), ("recon-1/em",))
IN_B = InBucket("s3://pub/jrc_hela-2", "pub/jrc_hela-2", (N5, ZARR), Tally(3, 900), Checked(), AT)
HELA = Dataset(
    name="jrc_hela-2",
    title="Interphase HeLa cell",
    organism="Homo sapiens",
    voxel_size_nm_zyx=(5.24, 4.0, 4.0),
    thumbnail="pub/jrc_hela-2/thumbnail.jpg",
    buckets=(IN_B,),
    oddities=(Oddity("warning", "permuted-axes", "volumes/raw/s1", "x,y,z", "y,z,x"),),
    example=Example("pub/jrc_hela-2/jrc_hela-2.n5", "/mnt/lab/pub/jrc_hela-2/jrc_hela-2.n5", "raw/s2", "import zarr"),
    is_running=False,
)
JURKAT = replace(HELA, name="jrc_jurkat-1", title="", buckets=(), thumbnail=None, example=None, oddities=())
PAGE = Page("/mnt/lab", r"\\nas\lab", AT, "node1", "0.1.0", (HELA, JURKAT))
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;\x1b[31m\u202e"


def parsed(page: Page) -> html.HtmlElement:
    """Return the page as a browser reads it."""
    return html.fromstring(render_page(page))


def found(root: html.HtmlElement, path: str) -> list[str]:
    """Return the texts or attributes that a path finds, as they are."""
    return [str(one) for one in cast("list[str]", root.xpath(path))]


def elements(root: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    """Return the elements that a path finds."""
    return cast("list[html.HtmlElement]", root.xpath(path))


def texts(root: html.HtmlElement, path: str) -> list[str]:
    """Return the texts of elements, blanks joined."""
    return [" ".join(one.text_content().split()) for one in elements(root, path)]


def test_the_head_says_what_this_is() -> None:
    """Where the share is, when and by whom it was published, and what is here all in all."""
    root = parsed(PAGE)
    (lead,) = texts(root, "//p[@class='lead']")
    assert "Published 2026-11-24 03:30 UTC by node1, oomirror 0.1.0." in lead
    assert texts(root, "//dl[@class='where']/dd")[1:] == [r"\\nas\lab", "/mnt/lab"]
    assert texts(root, "//ul[@class='tiles']/li") == [
        "1dataset here",
        "2.0 MBin 19 files",
        "1level whole, 1 partial",
        "MD5verified, 2026-11-24",
        "1finding about the data",
    ]


def test_each_volume_is_a_row_with_its_levels() -> None:
    """Path, what it shows, each level with its state in words, voxels, bytes, when and how verified."""
    root = parsed(PAGE)
    rows = [texts(row, "./td") for row in elements(root, "//table[@class='vol']/tbody/tr")]
    voxels = "6368 \u00d7 1600 \u00d7 12000 5.24 \u00d7 4 \u00d7 4 nm"
    assert rows == [
        ["volumes/raw", "EM", "s0s1 25 %s2", voxels, "2.0 MB", "2026-11-24, MD5"],
        ["masks/foreground", "mask", "all ?", "", "700 B", "2026-11-24, MD5"],
    ]
    marks = [(one.get("class"), one.get("title")) for one in elements(root, "//table//i")]
    assert marks == [
        ("n", None),
        ("p", "10 of 40"),
        ("w", "whole, 500.0 kB"),
        ("u", "2 here, 700 B; the bucket was never listed"),
    ]


def test_a_dataset_has_its_picture_its_findings_and_how_to_open_it() -> None:
    """All of it without a script; what the bucket has besides is named."""
    root = parsed(PAGE)
    assert found(root, "//img/@src") == ["../pub/jrc_hela-2/thumbnail.jpg"]
    (summary,) = texts(root, "//details[@class='ds']/summary/div/p")
    voxel = "voxel 5.24 \u00d7 4 \u00d7 4 nm (z, y, x)"
    levels = "1 whole level, 1 partial, 1 not compared"
    assert summary.split(" \u00b7 ") == ["jrc_hela-2", "Homo sapiens", voxel, levels, "1 finding"]
    # Words are not broken for the sake of the keys beside them.
    assert texts(root, "//td[starts-with(@class, 'word')]") == ["warning", "permuted-axes"]
    assert "td.word{overflow-wrap:normal}" in "".join(texts(root, "//style"))
    assert ["warning", "permuted-axes", "volumes/raw/s1", "x,y,z", "y,z,x"] in [
        texts(row, "./td") for row in elements(root, "//details[@class='more']//tr")
    ]
    absent = ["jrc_hela-2.n5/labels/er_seg", "jrc_hela-2.zarr/recon-1/em"]
    assert texts(root, "//div[@class='body']//ul[@class='names']/li") == absent
    assert r"\\nas\lab\pub\jrc_hela-2\jrc_hela-2.n5" in texts(root, "//dl[@class='how']/dd")
    assert "https://openorganelle.janelia.org/datasets/jrc_hela-2" in found(root, "//a/@href")
    assert texts(root, "//main/details[@class='more']//li") == ["jrc_jurkat-1"]


def test_the_page_asks_nothing_of_any_network() -> None:
    """Styles and script are in it, its policy allows that script and no request; only links are addresses."""
    text = render_page(PAGE)
    root = html.fromstring(text)
    (script,) = found(root, "//script/text()")
    (policy,) = found(root, "//meta[@http-equiv='Content-Security-Policy']/@content")
    assert f"script-src '{script_hash(script)}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not elements(root, "//link[not(@href='data:,')] | //script[@src] | //iframe | //form | //*[@onclick]")
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", text)
    assert all(
        one.startswith(("../", "https://openorganelle.janelia.org/")) for one in found(root, "//a/@href | //img/@src")
    )


def hostile(text: str) -> Page:
    """Return a page on which everything that a bucket names has this name."""
    volume = replace(RAW, path=text, shows=text, levels=(Level(text, Wholeness.WHOLE, Tally(1, 1), 1),))
    container = Container(text, text, text, (volume,), (text,))
    bucket = InBucket(text, text, (container,), Tally(1, 1), CHECKED, None)
    dataset = Dataset(
        name=text,
        title=text,
        organism=text,
        voxel_size_nm_zyx=(),
        thumbnail=text,
        buckets=(bucket,),
        oddities=(Oddity(text, text, text, text, text),),
        example=Example(text, text, text, text),
        is_running=True,
    )
    return Page(text, text, AT, text, text, (dataset, replace(dataset, buckets=())))


def skeleton(root: html.HtmlElement) -> list[tuple[str, list[str]]]:
    """Return the page's elements with the names of their attributes, but for breaks inside of paths."""
    return [(one.tag, sorted(one.attrib)) for one in root.iter() if isinstance(one.tag, str) and one.tag != "wbr"]


def test_hostile_names_are_text() -> None:
    """Tags, quotes, braces and control characters stay what they are: no element and no attribute comes of them."""
    root = parsed(hostile(HOSTILE))
    assert skeleton(root) == skeleton(parsed(hostile("plain")))
    assert "\x1b" not in root.text_content()
    assert "49" not in elements(root, "//h2")[0].text_content()
    assert "<script>alert(1)</script>" in elements(root, "//h2")[0].text_content()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=20).filter(str.strip))
def test_any_name_can_be_shown(text: str) -> None:
    """Whatever Unicode holds: the page is made, has the same elements, and is UTF-8 once it is written."""
    page = render_page(hostile(text)).encode("utf-8", "backslashreplace")
    assert skeleton(html.fromstring(page)) == skeleton(parsed(hostile("plain")))


def test_an_empty_mirror_says_so() -> None:
    """There is a page before there is a mirror."""
    root = parsed(replace(PAGE, datasets=()))
    assert texts(root, "//main/p") == ["Nothing has been mirrored yet."]


@pytest.mark.parametrize(
    ("n", "is_open"), [pytest.param(4, True, id="a-few-are-unfolded"), pytest.param(5, False, id="many-are-folded")]
)
def test_many_datasets_are_folded(n: int, is_open: bool) -> None:
    """So that 75 of them are a list that can be read."""
    root = parsed(replace(PAGE, datasets=tuple(replace(HELA, name=f"jrc_{i}") for i in range(n))))
    assert len(elements(root, "//details[@class='ds'][@open]")) == (n if is_open else 0)


def test_how_things_were_verified() -> None:
    """One way is named, several have their shares, adopted files are counted, days are a span."""
    assert format_ways(Checked()) == "not verified"
    assert format_ways(Checked(md5=2, adopted=2)) == "MD5; adopted"
    assert format_ways(Checked(md5=1, multipart_etag=1, checksum=1, size_only=1)).count("25 %") == 4
    assert format_span(Checked(AT, AT.replace(day=26), md5=1)) == "2026-11-24 to 2026-11-26"
    assert format_span(Checked(size_only=1)) == "never"


def test_a_link_leads_to_the_file() -> None:
    """Every character that means something in an address is spelled out."""
    assert link("b/a#b?c%d.jpg") == "../b/a%23b%3Fc%25d.jpg"
