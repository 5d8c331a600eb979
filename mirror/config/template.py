"""The commented configuration that `oomirror init` writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mirror.errors import ConfigError

_TEMPLATE = """\
# The configuration of oomirror. What is commented out shows the default.
# Each value can also be given by the environment: OOMIRROR_SHARE, OOMIRROR_TRANSFER__CONCURRENCY,
# OOMIRROR_BUCKETS__A__ENDPOINT_URL, ... A flag beats the environment, which beats this file.

# The root of the lab's share; s3://BUCKET/KEY is mirrored to <share>/BUCKET/KEY.
# share = ""

# Where the catalog lies: any SQLAlchemy URL. Never on the share: SQLite over a network file system corrupts.
# Empty is a file in the user's data folder.
# catalog = ""

# The bucket that is meant where a command names none.
# default_bucket = "b"

# Buckets a and b are built in. Give a key to change that key alone; more buckets go under [buckets.NAME].
# [buckets.a]
# url = "s3://janelia-cosem-datasets"
# region = "us-east-1"
# anonymous = true                 # false: AWS's default credential chain, or `profile`
# profile = ""
# requester_pays = false
# addressing_style = "auto"        # auto | virtual | path
# endpoint_url = ""                # empty is AWS
# ca_bundle = ""                   # PEM file of authorities to trust
# read_timeout_seconds = 30.0      # longest silence in the middle of an answer
# aliases = ["janelia-cosem"]      # names under which the share's folders were filled before
# transport = "auto"               # fast: the fast path alone | careful: aioboto3 alone, at ten times the CPU

# [buckets.b]
# url = "s3://janelia-cosem-publications/heinrich-2021a"

# [transfer]
# concurrency = 0                  # requests in flight; 0 adapts itself
# max_bandwidth = ""               # as "200MB/s", or by local time "08:00-18:00 50MB/s, else off"
# max_outage = "10m"               # how long a server that was there may be out of reach
# keep_replaced = false            # true: the old file of an object that changed goes to the trash
# fsync = "batch"                  # off | batch | each; off can lose committed files at a power cut
# checksum = "auto"                # auto: all that the bucket offers to compare with | size
# file_mode = ""                   # as "0664"; empty: 0666 less umask, so that the lab can read
# dir_mode = ""                    # as "2775"; empty: 0777 less umask
# group = ""                       # name or number of the group of new files

# What `oomirror refresh` keeps up to date: one such table for each mirror. But `dataset`, all can be left out.
#   [[mirrors]]
#   dataset = "jrc_hela-2"
#   bucket = "b"                   # else default_bucket
#   scales = "s3-"                 # else all
#   volumes = ["raw", "labels/*_seg"]  # else all
#   exclude = ["jrc_hela-2/old"]   # full keys, or globs of them, that are left out and are no failure
#   # also formats, unscaled, bucket_files, checksum and verify_share: the options of `oomirror sync`

# Who is told what a refresh came to. Addresses and commands are never shown, logged or kept.
# [notify]
# on = "failure"                   # failure | change | always: when webhook and command are told
# webhook = ""                     # https://HOST/PATH: gets a JSON document by POST
# command = ""                     # a line for the shell, or a list of words: gets it on its standard input
# healthcheck = ""                 # https://HOST/PATH: asked after each refresh, with /fail where it was not well
# metrics = ""                     # as "/var/lib/node_exporter/oomirror.prom": a text file for Prometheus

# What `oomirror import-mongo` without SOURCE reads. OOMIRROR_MONGO__URI keeps a password out of this file.
# [mongo]
# uri = ""                         # as "mongodb://USER:PASSWORD@HOST:PORT/?tls=true"

# Volumes that diff-buckets lays side by side against its own rules: path in bucket a = path in bucket b.
# [pairs]
# "em/fibsem-uint8" = "volumes/raw"   # "" where it has no partner
"""


def write_template(file: Path, share: Path | None = None, catalog: str | None = None) -> bool:
    """Write a commented configuration and return True; return False, and touch nothing, where a file is.

    The file appears whole or not at all. Its folder is made.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    if file.exists():
        return False
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _write_new(file, _template(share, catalog))
    except (OSError, UnicodeEncodeError) as error:
        found = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            "cannot write the configuration", str(file), expected="a folder that can be written", found=str(found)
        ) from error


def _write_new(file: Path, text: str) -> bool:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.link(temporary, file)  # Unlike a rename, it fails where a file has come meanwhile.
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _template(share: Path | None, catalog: str | None) -> str:
    text = _TEMPLATE
    for key, value in (("share", share), ("catalog", catalog)):
        if value is not None:
            text = text.replace(f'# {key} = ""\n', f"{key} = {_quoted(str(value))}\n")
    return text


def _quoted(text: str) -> str:
    """Return the text as a TOML string."""
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        if character in '"\\':
            yield f"\\{character}"
        elif character < " " or character == "\x7f":
            yield f"\\u{ord(character):04x}"
        else:
            yield character
