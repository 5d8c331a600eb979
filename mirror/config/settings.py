"""What can be configured, as values: the buckets, how bytes are fetched and written, the share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from catalog.config import check_url, default_catalog_url
from mirror.config.fields import SettingsTable, absolute, none_if_empty, split_at_commas
from mirror.config.mirrors import MirrorSettings
from mirror.config.notify import NotifySettings
from mirror.errors import ConfigError, UnknownNameError, UsageError, known_hint
from mirror.keys import S3Url
from mirror.quantities import Timetable, parse_duration, parse_timetable
from mirror.store.connection import Connection, Transport
from mirror.store.staging import FilePolicy, Fsync

PREFIX = "OOMIRROR_"
_ENDPOINT = re.compile(r"https?://[^/\s]+")
_BUCKET_NAME = r"^[a-z0-9][a-z0-9_-]*$"
"""Lower case, so that a variable of the environment can name it."""

BUILT_IN: Mapping[str, Any] = {
    "buckets": {
        "a": {"url": "s3://janelia-cosem-datasets", "aliases": ["janelia-cosem"]},
        "b": {"url": "s3://janelia-cosem-publications/heinrich-2021a"},
    }
}
"""The buckets that need no configuration. A key given elsewhere replaces that key alone."""


def _parse_url(value: object) -> object:
    return S3Url.parse(value) if isinstance(value, str) else value


def _parse_mode(value: object) -> object:
    """Return the mode that octal digits spell, None for the empty text."""
    if value in ("", None):
        return None
    if isinstance(value, str) and re.fullmatch(r"(0o)?[0-7]{3,5}", value):
        return int(value, 8)
    raise UsageError("not a file mode", expected='octal digits in quotes, as "0664"', found=repr(value))


def _parse_timetable(value: object) -> object:
    return parse_timetable(value) if isinstance(value, str) else value


def _parse_duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


class BucketSettings(SettingsTable):
    """One bucket, or a folder of one, and how it is reached."""

    url: Annotated[S3Url, BeforeValidator(_parse_url)]
    region: str = "us-east-1"
    anonymous: bool = True
    profile: str = ""
    """Name of an AWS profile; empty is AWS's default credential chain."""
    requester_pays: bool = False
    addressing_style: Literal["auto", "virtual", "path"] = "auto"
    endpoint_url: str = ""
    """Empty is AWS."""
    ca_bundle: Annotated[Path | None, BeforeValidator(none_if_empty)] = None
    read_timeout_seconds: float = Field(default=30.0, gt=0)
    """Longest silence in the middle of an answer."""
    aliases: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ()
    """Names under which the share's folders were filled before."""
    transport: Transport = Transport.AUTO

    @field_validator("endpoint_url")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        if "@" in value:
            # Endpoints are told in errors, reports and logs.
            raise UsageError(
                "an address of a server has no login in it",
                expected="https://HOST or http://HOST:PORT",
                found="a login, which is not shown",
                hint="Credentials belong into a profile of AWS, which `profile` names, or into the environment "
                "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY); with anonymous = false they sign the requests.",
            )
        if value and not _ENDPOINT.match(value):
            raise UsageError("not the address of a server", expected="https://HOST or http://HOST:PORT", found=value)
        return value

    @model_validator(mode="after")
    def _check_signing(self) -> Self:
        signed = "profile" if self.profile else "requester_pays" if self.requester_pays else ""
        if self.anonymous and signed:
            raise UsageError(
                f"{signed} needs signed requests", expected="anonymous = false beside it", found="anonymous = true"
            )
        return self

    def connection(self) -> Connection:
        """Return the value that every transport is made from.

        Raises
        ------
        UsageError
            The file of authorities is not there.
        """
        bundle = self.ca_bundle.expanduser() if self.ca_bundle else None
        if bundle and not bundle.is_file():
            raise UsageError("cannot read the ca_bundle", str(bundle), expected="a PEM file", found="no such file")
        return Connection(
            url=self.url,
            region=self.region,
            anonymous=self.anonymous,
            profile=self.profile or None,
            requester_pays=self.requester_pays,
            addressing_style=self.addressing_style,
            endpoint_url=self.endpoint_url or None,
            ca_bundle=str(bundle) if bundle else None,
            transport=self.transport,
            read_timeout_seconds=self.read_timeout_seconds,
        )


class TransferSettings(SettingsTable):
    """How bytes are fetched and written."""

    concurrency: int = Field(default=0, ge=0, le=1024)
    """Requests in flight; 0 adapts itself."""
    max_bandwidth: Annotated[Timetable, BeforeValidator(_parse_timetable)] = Timetable()
    """Bytes a second, by local time."""
    max_outage: Annotated[float, BeforeValidator(_parse_duration)] = 600.0
    """Seconds that a server which was there may be out of reach before the run ends."""
    fsync: Fsync = Fsync.BATCH
    checksum: Literal["auto", "size"] = "auto"
    keep_replaced: bool = False
    """Whether the old file of an object that changed goes to the trash, and is not overwritten."""
    file_mode: Annotated[int | None, BeforeValidator(_parse_mode)] = None
    dir_mode: Annotated[int | None, BeforeValidator(_parse_mode)] = None
    group: str = ""
    """Name or number of the group that new files belong to; empty leaves it to the folder."""

    def file_policy(self) -> FilePolicy:
        """Return modes, group and durability of new files.

        Raises
        ------
        UsageError
            This machine knows no such group.
        """
        group_id = _group_id(self.group) if self.group else None
        return FilePolicy(self.fsync, self.file_mode, self.dir_mode, group_id, keeps_replaced=self.keep_replaced)


def _group_id(group: str) -> int:
    if group.isdecimal():
        return int(group)
    import grp  # not on every system, and rarely asked for

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise UsageError(
            "cannot give files to the group", group, found="no such group here", hint="Its number is understood, too."
        ) from None


class MongoSettings(SettingsTable):
    """Where the paper's databases are."""

    uri: SecretStr = SecretStr("")
    """Address of the server, with its login: never printed. Empty: a command names its source."""


class Settings(BaseSettings):
    """All of the configuration. Constructed directly it reads nothing; `load_settings` reads."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        # Text stays text: our validators read lists, and say better what is wrong than a JSON decoder.
        enable_decoding=False,
    )

    share: Annotated[Path | None, BeforeValidator(none_if_empty)] = None
    catalog: str = Field(default_factory=default_catalog_url, repr=False)
    """Any SQLAlchemy URL; may hold a password, so it is never printed whole."""
    buckets: dict[Annotated[str, Field(pattern=_BUCKET_NAME)], BucketSettings] = Field(default_factory=dict)
    default_bucket: str = "b"
    transfer: TransferSettings = Field(default_factory=TransferSettings)
    mirrors: tuple[MirrorSettings, ...] = ()
    """What `refresh` keeps up to date."""
    notify: NotifySettings = Field(default_factory=NotifySettings)
    mongo: MongoSettings = Field(default_factory=MongoSettings)
    pairs: dict[str, str] = Field(default_factory=dict)
    """For `diff-buckets`: path of a volume in bucket A to that of its partner in B; empty: it has none."""

    @field_validator("share")
    @classmethod
    def _check_share(cls, value: Path | None) -> Path | None:
        return None if value is None else absolute(value)

    @field_validator("catalog")
    @classmethod
    def _check_catalog(cls, value: str) -> str:
        return check_url(value) if value else default_catalog_url()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the built-in buckets below what is given, and nothing from outside."""
        return init_settings, InitSettingsSource(settings_cls, dict(BUILT_IN))

    def bucket(self, name: str | None = None) -> BucketSettings:
        """Return the bucket of that name, `default_bucket` without one.

        Raises
        ------
        UnknownNameError
            No bucket is called so.
        """
        name = self.default_bucket if name is None else name
        if name not in self.buckets:
            raise UnknownNameError("unknown bucket", name, hint=known_hint(name, self.buckets))
        return self.buckets[name]

    def with_transport(self, transport: Transport | None) -> Settings:
        """Return the configuration with that transport for all buckets; as it is, without one."""
        if transport is None:
            return self
        buckets = {name: one.model_copy(update={"transport": transport}) for name, one in self.buckets.items()}
        return self.model_copy(update={"buckets": buckets})

    def share_root(self) -> Path:
        """Return the root of the lab's share.

        Raises
        ------
        ConfigError
            None is configured.
        """
        if self.share is None:
            raise ConfigError(
                "no share is configured",
                hint="Run `oomirror init --share DIR`, or set OOMIRROR_SHARE, to the root of the lab's share.",
            )
        return self.share
