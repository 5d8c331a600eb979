"""`[[mirrors]]`: what `oomirror refresh` keeps up to date, an entry for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from mirror.config.fields import SettingsTable, split_at_commas
from mirror.errors import UsageError

if TYPE_CHECKING:
    from mirror.selection import KeyFilter, SelectionSpec

EXAMPLE = """\
[[mirrors]]
dataset = "jrc_hela-2"
bucket = "b"
scales = "s3-"
volumes = ["raw"]"""
"""An entry to paste."""


class MirrorSettings(SettingsTable):
    """One entry: a dataset, and what of it is mirrored; the fields are options of `sync`."""

    dataset: str = Field(min_length=1)
    bucket: str = ""
    """As the configuration names it; empty is `default_bucket`."""
    scales: str = "all"
    volumes: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ()
    """Paths and globs; none is all."""
    exclude: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ()
    """Full keys and globs of keys that are left out; what is refused there is no failure."""
    formats: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ()
    """None is N5, or zarr where there is no N5."""
    unscaled: bool = True
    """Arrays without levels, too."""
    bucket_files: bool = False
    checksum: Literal["", "auto", "size"] = ""
    """Empty is `transfer.checksum`."""
    verify_share: bool = False

    @field_validator("dataset")
    @classmethod
    def _check_dataset(cls, value: str) -> str:
        if "/" in value:
            raise UsageError("not the name of a dataset", expected="a folder of the bucket, as jrc_hela-2", found=value)
        return value

    @field_validator("scales")
    @classmethod
    def _check_scales(cls, value: str) -> str:
        from mirror.selection import parse_scales

        parse_scales(value)
        return value

    @field_validator("volumes")
    @classmethod
    def _check_volumes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from mirror.selection import parse_volumes

        parse_volumes(value)
        return value

    @field_validator("exclude")
    @classmethod
    def _check_exclude(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from mirror.selection import KeyFilter

        KeyFilter.parse(value)
        return value

    @field_validator("formats")
    @classmethod
    def _check_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from mirror.selection import parse_formats

        if value:
            parse_formats(",".join(value))
        return value

    def spec(self) -> SelectionSpec:
        """Return what is chosen of the dataset."""
        from mirror.selection import SelectionSpec, parse_formats, parse_scales, parse_volumes

        return SelectionSpec(
            scales=parse_scales(self.scales),
            volumes=parse_volumes(self.volumes),
            formats=parse_formats(",".join(self.formats)) if self.formats else None,
            with_unscaled=self.unscaled,
        )

    def excluded(self) -> KeyFilter:
        """Return which keys are left out."""
        from mirror.selection import KeyFilter

        return KeyFilter.parse(self.exclude)
