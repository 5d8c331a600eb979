"""What may be odd about a foreign document: a closed list of codes, each with how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IssueCode(StrEnum):
    """What is odd, in a word."""

    NOT_UNDERSTOOD = "not-understood"
    """The document lacks what names its subject: it is kept, and nothing is made of it."""
    UNREADABLE = "unreadable"
    """It could not be decoded; only its place is known."""
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    """A value that is not of the kind its field has; it is kept among the others."""
    NUMBER_AS_TEXT = "number-as-text"
    """Read as the number that it spells."""
    TEXT_AS_NUMBER = "text-as-number"
    """A number where there should be text; read as its digits."""
    NOT_WHOLE = "not-whole"
    TOO_LARGE = "too-large"
    """More than the catalog's columns hold."""
    NOT_POSITIVE = "not-positive"
    NOT_FINITE = "not-finite"
    ODD_TEXT = "odd-text"
    """Text with characters that no database holds; they are escaped."""
    UNKNOWN_STATE = "unknown-state"
    LABEL_WITHOUT_ID = "label-without-id"
    LABEL_TWICE = "label-twice"
    LABEL_IN_TWO_STATES = "label-in-two-states"
    LABEL_MISSING = "label-missing"
    """The crop says nothing of one of the paper's labels."""
    LABEL_NAME = "label-name"
    """The label has another name in the catalog."""
    OTHER_PARENT = "other-parent"
    """`parent` and `dataset_id` name different datasets."""
    DUPLICATE_CROP = "duplicate-crop"
    """Another document of this source has its number and version."""
    DOCUMENTS_DISAGREE = "documents-disagree"
    """A newer document of the same crop says otherwise, and counts."""
    UNKNOWN_DATASET = "unknown-dataset"
    """No bucket that was scanned has the dataset."""


NOTES = frozenset({IssueCode.LABEL_MISSING, IssueCode.NUMBER_AS_TEXT, IssueCode.TEXT_AS_NUMBER})
"""Those that lose nothing and leave nothing in doubt; all others are warnings."""

OF_CROPS = frozenset({IssueCode.LABEL_NAME, IssueCode.DUPLICATE_CROP, IssueCode.DOCUMENTS_DISAGREE})
"""Those that only show when all documents of a crop are seen together."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Something odd about one document."""

    code: IssueCode
    field: str
    """Path inside the document; empty for the document as a whole."""
    expected: str
    found: str


def severity_of(code: str) -> str:
    """Return `note` or `warning`.

    >>> severity_of("label-missing"), severity_of("not-whole")
    ('note', 'warning')
    """
    return "note" if code in NOTES else "warning"
