"""The ground of models of documents that others wrote: unknown fields kept, odd parts told and passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from mirror.errors import MalformedDocumentError
from mirror.formats.layout import Finding, FindingCode, Severity


class Foreign(BaseModel):
    """Part of a document that others wrote. Fields without a place in the model are in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")


class ForeignDocument(Foreign):
    """A whole document."""

    faults: tuple[str, ...] = Field(default=(), exclude=True, alias="\0faults")
    """Parts that were left empty because they could not be read. Not in the document."""

    @classmethod
    def read(cls, document: Mapping[str, Any], place: str, expected: str) -> Self:
        """Return the document as this model.

        Parameters
        ----------
        place
            Its full address, for the error.
        expected
            What it should be, for the error.

        Raises
        ------
        MalformedDocumentError
            A part that others depend on is absent or odd.
        """
        faults: list[str] = []
        try:
            parsed = cls.model_validate(document, context=faults)
        except ValidationError as error:
            raise MalformedDocumentError(
                "cannot read the metadata", place, expected=expected, found=first_fault(error)
            ) from error
        return parsed.model_copy(update={"faults": tuple(faults)}) if faults else parsed

    def odd_parts(self, place: str) -> list[Finding]:
        """Return a finding for each part that could not be read."""
        expected = "a part that can be read"
        return [Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, expected, fault) for fault in self.faults]


def _note_fault(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Leave a part that nothing depends on empty where it is odd: an odd `units` must not hide an array."""
    try:
        return handler(value)
    except ValidationError as error:
        if isinstance(info.context, list):
            info.context.append(f"{info.field_name}: {first_fault(error)}")
        return None


_T = TypeVar("_T")
Tolerated = Annotated[_T | None, WrapValidator(_note_fault)]
"""Read if it can be, else None with a line in `faults`."""


def first_fault(error: ValidationError) -> str:
    """Return the first thing that does not fit a model, in words with the value."""
    fault = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    value = repr(fault["input"])
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f"{field + ': ' if field else ''}{fault['msg']} ({shown})"
