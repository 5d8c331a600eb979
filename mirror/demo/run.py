"""`oomirror demo`: the commands that a user would type, run for real on two sample buckets, one after the other."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mirror.demo.buckets import BUCKET_NAMES, sample_objects, upload_samples
from mirror.demo.paper import write_paper
from mirror.demo.server import SeaweedServer
from mirror.errors import ExitCode, MirrorError, UnsafeError, UsageError

Say = Callable[[str], None]
RunCommand = Callable[[tuple[str, ...], Mapping[str, str]], int]
"""Runs `oomirror` with these arguments and this environment, and returns its exit code."""
DATASET = "jrc_hela-2"
_CONFIG_NAME = "oomirror.toml"
_PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and what it is there to show."""

    why: str
    arguments: tuple[str, ...]


def demo_steps(share: Path) -> tuple[Step, ...]:
    """Return what the demo runs, in order."""
    choice = (DATASET, "--scales", "s0-s2")
    return (
        Step("Write a configuration, mark the share, make the catalog.", ("init", "--share", str(share))),
        Step("What would be fetched? A dry run writes nothing.", ("sync", *choice, "--dry-run")),
        *_crop_steps(share.parent),
        Step("The rest. Each object is verified before it gets its name.", ("sync", *choice)),
        Step("Again: only what is new or changed is fetched, so nothing.", ("sync", *choice)),
        Step("The EM of the other bucket.", ("sync", *choice, "--bucket", "a", "--volumes", "raw")),
        Step("List the whole dataset, not only what was chosen.", ("scan", DATASET)),
        Step("What the bucket has, and what the share has.", ("ls", DATASET, "--bucket", "b")),
        Step("All datasets.", ("ls",)),
        Step(
            "A slice of the EM, with a scale bar.",
            ("picture", f"{DATASET}/volumes/raw", "--level", "s1", "--z", "mid", "-o", str(share.parent / "raw.png")),
        ),
        Step("What the volumes show.", ("catalog", "volumes", DATASET, "--kind", "segmentation")),
        Step("Why is a block not there?", ("why", f"{DATASET}/{DATASET}.n5/volumes/raw/s3/0/0/0")),
        Step(
            "Why is the EM of one bucket larger than that of the other?",
            ("diff-buckets", DATASET, "--volumes", "raw", "--html", str(share.parent / "diff-buckets.html")),
        ),
    )


def _crop_steps(folder: Path) -> tuple[Step, ...]:
    """Return how a crop is found, mirrored and drawn, before anything else is on the share."""
    return (
        Step(
            "To begin with, only what crop 1 touches: its blocks of the EM, and its ground truth.",
            ("sync", DATASET, "--crops", "1", "--scales", "s0"),
        ),
        Step("What the paper's databases say, here from exported files.", ("import-mongo", str(folder / _PAPER))),
        Step("Which crops show mitochondria?", ("crops", "ls", "--label", "mito", "--state", "present_annotated")),
        Step("Where does crop 1 lie, and who says so?", ("crops", "locate", "1")),
        Step("The labels over the EM.", ("crops", "picture", "1", "-o", str(folder / "crop1.png"))),
    )


def run_demo(folder: Path, *, say: Say, run_command: RunCommand | None = None) -> int:
    """Serve the samples, run every step, and return 0 if each of them was.

    Parameters
    ----------
    folder
        Takes share, catalog and configuration; made where its parent exists. Run again there, the demo finds its own
        mirror and fetches nothing.
    run_command
        Else than `python -m oomirror` in a process of its own.

    Raises
    ------
    UnsafeError
        The folder holds something else.
    UsageError
        What the demo needs is not installed.
    MirrorError
        The server does not start.
    """
    check_installed()
    prepare(folder)
    write_paper(folder / _PAPER)
    say("Starting an S3 server on this machine and filling two sample buckets...")
    with SeaweedServer() as server:
        tally = upload_samples(server, sample_objects())
        say(f"It serves {tally.objects:,} objects at {server.endpoint_url}, to this machine only.")
        own = demo_variables(folder.absolute(), server.endpoint_url)
        say("These variables lead the commands to it, and away from your configuration:")
        for name, value in own.items():
            say(f"  {name}={shlex.quote(value)}")
        environment = {**_without_ours(os.environ), **own}
        for step in demo_steps(folder / "share"):
            say(f"\n# {step.why}\n$ oomirror {shlex.join(step.arguments)}")
            code = (run_command or run_oomirror)(step.arguments, environment)
            if code != ExitCode.DONE:
                say(f"That ended with exit code {code}, and should have ended with 0.")
                return int(ExitCode.FAILED)
    say(farewell(folder / "share"))
    return int(ExitCode.DONE)


def check_installed() -> None:
    """Check that what makes the samples' voxels, and draws them, is there.

    Raises
    ------
    UsageError
        It is not.
    """
    from importlib.util import find_spec

    packages = {"numpy": "numpy", "PIL": "pillow", "tensorstore": "tensorstore"}
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            "cannot make the samples and draw pictures of them",
            ", ".join(missing),
            found="none",
            hint="Install with: pip install 'oomirror[demo]'",
        )


def prepare(folder: Path) -> None:
    """Make the folder, or take it if it is a demo's.

    Raises
    ------
    UnsafeError
        It holds something else, or cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise UnsafeError("cannot make the folder of the demo", str(folder), found=str(error.strerror)) from error
    if names and not {_CONFIG_NAME, "share"} & names:
        hint = "Name another one with --dir, or remove it."
        raise UnsafeError("the folder holds something else than a demo", str(folder), found=min(names), hint=hint)
    (folder / "share").mkdir(exist_ok=True)


def demo_variables(folder: Path, endpoint_url: str) -> dict[str, str]:
    """Return the environment that leads `oomirror` to the demo's share, catalog and server."""
    variables = {
        "OOMIRROR_CONFIG": str(folder / _CONFIG_NAME),
        "OOMIRROR_CATALOG": f"sqlite:///{folder / 'catalog.db'}",
    }
    return variables | {f"OOMIRROR_BUCKETS__{letter.upper()}__ENDPOINT_URL": endpoint_url for letter in BUCKET_NAMES}


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the user's own settings of the mirror, and without proxies to the world."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith("OOMIRROR_") and not name.upper().endswith("_PROXY")
    }


def run_oomirror(arguments: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run the command in a process of its own, on this terminal; return its exit code."""
    import oomirror

    home = str(Path(oomirror.__file__).parent)
    paths = [home, *filter(None, [environment.get("PYTHONPATH")])]
    # -P: a folder named `mirror` or `catalog` where the user stands must not be taken for ours.
    command = [sys.executable, "-P", "-m", "oomirror", *arguments]
    try:
        return subprocess.run(
            command, env={**environment, "PYTHONPATH": os.pathsep.join(paths)}, check=False
        ).returncode
    except OSError as error:
        raise MirrorError("cannot run a step of the demo", shlex.join(command), found=str(error.strerror)) from error


def farewell(share: Path) -> str:
    """Return where the files lie, and how they are opened."""
    container = share / "janelia-cosem-publications" / "heinrich-2021a" / DATASET / f"{DATASET}.n5"
    lines: Iterable[str] = (
        "",
        "Done. The mirror is made of plain files, and opens as the bucket does. With",
        "zarr 2 (pip install 'zarr<3' fsspec):",
        "",
        "  import zarr",
        f'  store = zarr.N5FSStore("{container}")',
        '  raw = zarr.open(store, mode="r")["volumes/raw/s2"]',
        "  print(raw.shape, raw[raw.shape[0] // 2].mean())",
        "",
        "From Python, with the places of crops and an error for what is missing:",
        "examples/hello_data.ipynb and docs/python.md. All commands find the",
        "configuration of this mirror after",
        "",
        f"  export OOMIRROR_CONFIG={shlex.quote(str(share.parent.absolute() / _CONFIG_NAME))}",
        "",
        f"All of it lies in {share.parent}; remove that folder when you have seen enough.",
        "The sample server has ended: commands that only read work on; those that list or",
        "fetch would ask the real buckets.",
    )
    return "\n".join(lines)
