"""The configuration, read once: flags beat the environment, which beats the file, which beats what is built in."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from mirror.config.faults import Origins, config_error
from mirror.config.mirrors import MirrorSettings
from mirror.config.settings import BUILT_IN, PREFIX, Settings
from mirror.errors import ConfigError, known_hint

FILE_NAME = "oomirror.toml"
FILE_VARIABLE = f"{PREFIX}CONFIG"
_NOT_SETTINGS = re.compile(rf"{FILE_VARIABLE}$|{PREFIX}TEST_|{PREFIX}NOTICE_")


def find_config(config: Path | None = None) -> Path | None:
    """Return the file that is read: `config`, $OOMIRROR_CONFIG, ./oomirror.toml, the user's; None if there is none.

    Raises
    ------
    ConfigError
        A file that was asked for by name is not there.
    """
    asked = config or _asked_by_variable()
    if asked is None:
        return next((file for file in (Path(FILE_NAME), user_config()) if file.is_file()), None)
    if not asked.is_file():
        origin = "--config" if config else FILE_VARIABLE
        raise ConfigError(
            "cannot read the configuration",
            str(asked),
            expected=f"the file that {origin} names",
            found="a folder" if asked.is_dir() else "no such file",
            hint="`oomirror init` writes one.",
        )
    return asked


def new_config(config: Path | None = None) -> Path:
    """Return where `oomirror init` writes the configuration: `config`, $OOMIRROR_CONFIG, the user's config folder."""
    return config or _asked_by_variable() or user_config()


def user_config() -> Path:
    """Return the path of the user's own configuration."""
    from platformdirs import user_config_path

    return user_config_path("oomirror", appauthor=False) / FILE_NAME


def _asked_by_variable() -> Path | None:
    value = os.environ.get(FILE_VARIABLE)
    return Path(value).expanduser() if value else None


def load_settings(
    config: Path | None = None, overrides: Mapping[str, Any] | None = None, *, may_be_absent: bool = False
) -> Settings:
    """Return the configuration of this run.

    Parameters
    ----------
    config
        The file to read instead of the ones that are looked for.
    overrides
        What flags say, nested as the file is: `{"transfer": {"concurrency": 8}}`.
    may_be_absent
        A file that was asked for by name and is not there yet is no error: `init` is about to write it.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value in any of the sources cannot be used.
    """
    asked = config or _asked_by_variable()
    file = None if may_be_absent and asked is not None and not asked.exists() else find_config(config)
    text = {} if file is None else _read_toml(file)
    flags = dict(overrides or {})
    origins = Origins(flags, os.environ, file)
    _check_variables(os.environ)
    try:
        read = _reader_over(text)(**flags)
    except ValidationError as error:
        raise config_error(error, origins) from error
    # The class that read belongs to this one call; its values, already checked, do not.
    settings = Settings.model_construct(**dict(read))
    if settings.default_bucket not in settings.buckets:
        thing = origins.name(("default_bucket",))
        hint = known_hint(settings.default_bucket, settings.buckets)
        raise ConfigError("cannot use the setting", thing, found=repr(settings.default_bucket), hint=hint)
    _check_mirrors(settings, origins)
    return settings


def _check_mirrors(settings: Settings, origins: Origins) -> None:
    """Raise if an entry names no bucket, or is another one once more."""
    seen: dict[MirrorSettings, int] = {}
    for number, entry in enumerate(settings.mirrors):
        if entry.bucket and entry.bucket not in settings.buckets:
            thing = origins.name(("mirrors", str(number), "bucket"))
            raise ConfigError(
                "unknown bucket", thing, found=entry.bucket, hint=known_hint(entry.bucket, settings.buckets)
            )
        whole = entry.model_copy(update={"bucket": entry.bucket or settings.default_bucket})
        if (first := seen.setdefault(whole, number)) != number:
            thing = origins.name(("mirrors", str(number)))
            raise ConfigError("the same mirror twice", thing, found=f"it is number {first + 1} once more")


def _reader_over(text: dict[str, Any]) -> type[Settings]:
    class Reader(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file, built_in = (InitSettingsSource(settings_cls, dict(layer)) for layer in (text, BUILT_IN))
            return init_settings, env_settings, file, built_in

    return Reader


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError("cannot read the configuration", str(file), expected="TOML", found=str(found)) from error


def _check_variables(environ: Mapping[str, str]) -> None:
    """Raise if a variable of ours names no setting; pydantic-settings passes over those of the first level."""
    for variable in sorted(environ):
        name = variable.upper()
        if not name.startswith(PREFIX) or _NOT_SETTINGS.match(name):
            continue
        key = name.removeprefix(PREFIX).partition("__")[0].lower()
        if key not in Settings.model_fields:
            known = {f"{PREFIX}{field.upper()}": field for field in Settings.model_fields}
            raise ConfigError("unknown setting", variable, hint=known_hint(name, known))
