"""README.md of a dataset as the nested object that README.json would be: headings are sections, bullets are fields."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

Sections = dict[str, dict[str, str]]

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*")
_SUMMARY = re.compile(r"\s*<summary>(.*?)</summary>\s*", re.IGNORECASE)
_TABLE_ROW = re.compile(r"\s*\|([^|]+)\|([^|]+)\|.*")
_MARKS = "*_` \t"
_FIELD = re.compile(r"([^:|]{1,60}?)\s*[*_`]{0,3}\s*:\s*[*_`]{0,3}\s*(\S.*)")
_BULLET = re.compile(r"\s*(?:[-*+]\s+|<li>\s*)(.*)", re.IGNORECASE)
_BOLD = re.compile(r"\s*(?:\*\*|__)(?!\s)(.*)")
_LICENCE = re.compile(r"\bCC0\b(?:[ -]1\.0)?|\bCC[ -]BY(?:[ -](?:NC|ND|SA))*(?:[ -][0-9]\.[0-9])?", re.IGNORECASE)
TITLE, PROSE, LICENCE = "Title", "Description", "License"


def parse_readme(text: str) -> Sections:
    r"""Return the fields below each heading; those above all headings, the title and the licence lie in section "".

    A section's first paragraph is its `Description`. Later paragraphs are not fields, and are passed over.

    >>> parse_readme("# HeLa 2\nA cell.\n\n## Acquisition\n- **Bias (V)**: 500\n")
    {'': {'Title': 'HeLa 2', 'Description': 'A cell.'}, 'Acquisition': {'Bias (V)': '500'}}
    """
    sections: Sections = {"": {}}
    section = ""
    for is_heading, content in _parts(text):
        if is_heading:
            # The first heading is the dataset's name, and opens nothing.
            section = content if TITLE in sections[""] else ""
            sections.setdefault(section, {})
            if content:
                sections[""].setdefault(TITLE, content)
            continue
        field = _field_of(content)
        name, value = field if field is not None else (PROSE, plain_text(content))
        if value:
            sections[section].setdefault(name, value)
    licence = _LICENCE.search(text)
    if licence is not None:
        sections[""].setdefault(LICENCE, licence[0])
    return {name: fields for name, fields in sections.items() if fields or not name}


def plain_text(text: str) -> str:
    """Return the text without tags of HTML and without the marks of Markdown around it.

    >>> plain_text("**2% OsO<sub>4</sub> &amp; water**")
    '2% OsO4 & water'
    """
    return html.unescape(_TAG.sub("", text)).strip(_MARKS + "\r\n")


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Yield headings, fields and whole paragraphs in their order."""
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        heading = _HEADING.fullmatch(line) or _SUMMARY.fullmatch(line)
        is_own = heading is not None or _field_of(line) is not None
        if (is_own or not _TAG.sub("", line).strip()) and paragraph:
            yield False, " ".join(paragraph)
            paragraph = []
        if heading is not None:
            yield True, plain_text(heading[1])
        elif is_own:
            yield False, line
        elif _TAG.sub("", line).strip():
            paragraph.append(line.strip())


def _field_of(line: str) -> tuple[str, str] | None:
    """Return name and value of a bullet, a bold line or a row of a table, or None for prose."""
    row = _TABLE_ROW.fullmatch(line)
    if row is not None:
        name, value = plain_text(row[1]), plain_text(row[2])
        return (name, value) if name.strip("-: ") and value.strip("-: ") else None
    marked = _BULLET.fullmatch(line) or _BOLD.fullmatch(line)
    field = _FIELD.fullmatch(_TAG.sub("", marked[1]).strip()) if marked is not None else None
    return None if field is None else (plain_text(field[1]), plain_text(field[2]))
