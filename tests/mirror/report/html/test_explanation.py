"""The page of a difference: its numbers are the report's, its names are text, it asks nothing of any network."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from mirror.report.explanation import DatasetReport, DiffReport
from mirror.report.html.explanation import render_explanation_page
from mirror.report.html.pictures import Evidence, EvidenceHistogram, EvidencePicture
from mirror.report.json import document
from mirror.report.png import encode_png
from tests.mirror.report.differences import HOSTILE, equal_report, realistic_report

AT = datetime(2026, 11, 24, 3, 40, tzinfo=UTC)
REPORT = realistic_report()
JSON = json.loads(document(REPORT))
PICTURE = EvidencePicture(
    "jrc_hela-2", "em/fibsem-uint16/s2, z 100", "the same slice in A", encode_png(np.zeros((3, 4)))
)


def parsed(report: DiffReport = REPORT, *evidence: Evidence) -> html.HtmlElement:
    """Return the page as a browser reads it."""
    return html.fromstring(render_explanation_page(report, made_at=AT, version="0.1.0", evidence=evidence))


def elements(root: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    """Return the elements that a path finds."""
    return cast("list[html.HtmlElement]", root.xpath(path))


def numbers(root: html.HtmlElement, path: str) -> list[int]:
    """Return the exact numbers of the elements that a path finds."""
    return [int(str(one)) for one in cast("list[str]", root.xpath(f"{path}/@value"))]


def texts(root: html.HtmlElement, path: str) -> list[str]:
    """Return the texts of elements, blanks joined."""
    return [" ".join(one.text_content().split()) for one in elements(root, path)]


def test_the_whole_s_numbers_are_the_json_s() -> None:
    """Both sizes, the difference, what is unexplained, and each step from B's size to A's."""
    root = parsed()
    tiles = [JSON["a"]["bytes"], JSON["b"]["bytes"], JSON["difference_bytes"], JSON["unexplained_bytes"]]
    assert numbers(root, "//ul[@class='tiles']//data") == tiles
    steps = numbers(root, "//section//table[contains(@class,'waterfall')]//tr[@data-cause]//data")
    assert steps == [step["bytes"] for step in JSON["waterfall"]]
    assert sum(steps) == JSON["difference_bytes"]


@pytest.mark.parametrize("number", range(len(JSON["datasets"])))
def test_a_dataset_s_numbers_are_the_json_s(number: int) -> None:
    """Causes place by place sum with what is unexplained to the difference, on the page as in the JSON."""
    told = JSON["datasets"][number]
    (part,) = elements(parsed(), f"//details[@id='d{number + 1}']")
    causes = numbers(part, ".//table[@class='causes places']/tbody/tr/td[@class='n']/data")
    lost = numbers(part, "./div/div[@class='lost']//li/data")
    assert causes == [cause["bytes"] for cause in told["causes"]]
    assert lost == [one["bytes"] for one in told["unexplained"]]
    assert sum(causes) + sum(lost) == told["difference_bytes"]
    assert numbers(part, "./summary/p[@class='sum']//data") == [told["difference_bytes"]]
    steps = numbers(part, ".//table[contains(@class,'waterfall')]//tr[@data-cause]//data")
    assert sum(steps) == told["difference_bytes"]


@pytest.mark.parametrize("number", range(len(JSON["datasets"])))
def test_a_level_s_numbers_are_the_json_s(number: int) -> None:
    """Each level of each pair: sizes, difference and all contributions; the latter sum to the difference."""
    told = [level for pair in JSON["datasets"][number]["pairs"] for level in pair["levels"]]
    (part,) = elements(parsed(), f"//details[@id='d{number + 1}']")
    rows = elements(part, ".//tr[@data-level]")
    assert len(rows) == len(told)
    for row, level in zip(rows, told, strict=True):
        sizes = numbers(row, "./td[not(@data-cause)]/data")
        assert sizes == [level["a_bytes"], level["b_bytes"], level["difference_bytes"]]
        contributions = {
            str(cell.get("data-cause")): numbers(cell, "./data")[0] for cell in elements(row, "./td[@data-cause]")
        }
        assert contributions == {**level["contributions"], "unexplained": level["unexplained_bytes"]}
        assert sum(contributions.values()) == level["difference_bytes"]


def test_every_bar_has_words() -> None:
    """A drawing has a title, a stacked bar also a description, and all its numbers stand in a table as well."""
    root = parsed()
    drawings = elements(root, "//td[@class='bar']/svg")
    assert drawings
    assert all(elements(one, "./title") for one in drawings)
    (stacked,) = elements(root, "//table[@class='chart stacked']/tbody")
    hela = JSON["datasets"][0]
    assert f"{hela['causes_total'][0]['title']} +29.7 MB" in texts(stacked, ".//desc")[0]
    rows = elements(root, "//table[@class='cards bydataset']/tbody/tr")
    for row, told in zip(rows, JSON["datasets"], strict=True):
        assert sum(numbers(row, "./td[@data-cause]/data")) == told["difference_bytes"]


def test_unexplained_is_first() -> None:
    """Before every cause: a note under the answer, with its dataset; the first step; the first colour."""
    root = parsed()
    (note,) = texts(root, "//header/div[@class='lost']")
    assert note.startswith("+2.1 MB unexplained.")
    assert "jrc_macrophage-2, em/fibsem-uint16/s4 with volumes/raw/s4: metadata cannot be read" in note
    (first, *_) = elements(root, "//section//table[contains(@class,'waterfall')]//tr[@data-cause]")
    assert first.get("data-cause") == "unexplained"
    assert texts(root, "//p[@class='key']/span")[0] == "unexplained"
    assert not elements(parsed(equal_report()), "//*[@class='lost']")


def test_one_dataset_needs_no_overview() -> None:
    """It is unfolded, and nothing is told twice."""
    one = REPORT.model_copy(update={"datasets": REPORT.datasets[:1]})
    root = parsed(one)
    assert not elements(root, "//section")
    assert len(elements(root, "//details[@class='ds'][@open]")) == 1


def test_many_datasets_are_folded() -> None:
    """So that a dozen of them are a list that can be read."""
    many = REPORT.model_copy(update={"datasets": REPORT.datasets * 2})
    assert not elements(parsed(many), "//details[@class='ds'][@open]")


def test_listings_are_named() -> None:
    """Where the numbers come from, and of when they are."""
    (first,) = elements(parsed(), "//details[@id='d1']//dl")
    assert texts(first, "./dd") == [
        "s3://janelia-cosem-datasets/jrc_hela-2 listed 2026-11-24T03:30:00Z, snapshot 12",
        "s3://janelia-cosem-publications/heinrich-2021a/jrc_hela-2 listed 2026-11-24T03:10:00Z, snapshot 11",
    ]


def test_pictures_are_in_the_page() -> None:
    """With size, caption and words for who cannot see them, in their dataset alone."""
    root = parsed(REPORT, PICTURE)
    (picture,) = elements(root, "//img")
    assert str(picture.get("src")).startswith("data:image/png;base64,iVBOR")
    assert (picture.get("width"), picture.get("height")) == ("4", "3")
    assert picture.get("alt") == "the same slice in A"
    assert texts(root, "//details[@id='d1']//figcaption") == ["the same slice in A"]
    with pytest.raises(ValueError, match="evidence is of jrc_x, which the report does not have"):
        parsed(REPORT, EvidencePicture("jrc_x", "", "", encode_png(np.zeros((1, 1)))))


def test_a_histogram_is_drawn_by_the_page() -> None:
    """Beside the pictures of its place: a column for each step that occurs, the values' ends and number as text."""
    root = parsed(REPORT, PICTURE, EvidenceHistogram("jrc_hela-2", PICTURE.where, "values in A", (1, 0, 4), -3, 65535))
    assert len(elements(root, "//details[@id='d1']//figure")) == 2
    (drawn,) = elements(root, "//div[@class='histogram']/svg")
    assert [(one.get("x"), one.get("y")) for one in elements(drawn, "./rect")] == [
        ("0.000%", "75.0%"),
        ("66.667%", "0.0%"),
    ]
    assert texts(root, "//figcaption")[1] == "values in A: -3 to 65,535, 5 voxels"


def test_the_page_asks_nothing_of_any_network() -> None:
    """No script and no address but its own parts and pictures; its policy forbids both."""
    text = render_explanation_page(REPORT, made_at=AT, version="0.1.0", evidence=[PICTURE])
    root = html.fromstring(text)
    (policy,) = cast("list[str]", root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content"))
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert not elements(root, "//script | //link[not(@href='data:,')] | //iframe | //form | //object | //use")
    assert not re.search(r"url\(|@import|fetch\(", text)
    addresses = cast("list[str]", root.xpath("//@href | //@src"))
    assert all(one.startswith(("#d", "data:")) for one in addresses)
    assert not [name for one in root.iter() for name in one.attrib if str(name).startswith("on")]


def named(text: str) -> DiffReport:
    """Return the report of one dataset in which everything that a bucket names has this name."""
    made = document(REPORT.model_copy(update={"datasets": (REPORT.datasets[1],)}))

    def renamed(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: renamed(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [renamed(one, key) for one in value]
        return text if isinstance(value, str) and key in _NAMES else value

    return DiffReport.model_validate(renamed(json.loads(made)))


_NAMES = {"answer", "dataset", "where", "evidence", "reason", "a_volume", "b_volume", "data_type", "code", "text"}
_NAMES |= {"level", "examples", "group", "title"}


def skeleton(root: html.HtmlElement) -> list[tuple[str, list[str]]]:
    """Return the page's elements with the names of their attributes, but for breaks inside of paths."""
    return [(one.tag, sorted(one.attrib)) for one in root.iter() if isinstance(one.tag, str) and one.tag != "wbr"]


def test_hostile_names_are_text() -> None:
    """Tags, quotes, braces and control characters stay what they are: no element and no attribute comes of them."""
    root = parsed(named(HOSTILE))
    assert skeleton(root) == skeleton(parsed(named("plain")))
    assert "\x1b" not in root.text_content()
    assert "<script>alert(1)</script>" in elements(root, "//h2")[0].text_content()


@settings(deadline=None, max_examples=20)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=20).filter(str.strip))
def test_any_name_can_be_shown(text: str) -> None:
    """Whatever Unicode holds: the page is made, has the same elements, and is UTF-8 once it is written."""
    page = render_explanation_page(named(text), made_at=AT, version="0.1.0")
    assert page.encode("utf-8", "backslashreplace")
    assert skeleton(html.fromstring(page)) == skeleton(parsed(named("plain")))


def test_nothing_compared() -> None:
    """There is a page for no dataset too."""
    empty: tuple[DatasetReport, ...] = ()
    nothing = REPORT.model_copy(
        update={"datasets": empty, "a": equal_report().a, "b": equal_report().b, "waterfall": (), "difference_bytes": 0}
    )
    assert "No dataset was compared." in texts(parsed(nothing), "//main/p")
