"""The demo: which commands it runs, in which world, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mirror.cli.main import main, make_app
from mirror.demo.paper import write_paper
from mirror.demo.run import DATASET, demo_steps, demo_variables, farewell, prepare, run_oomirror
from mirror.demo.specimen import Scale
from mirror.errors import UnsafeError
from tests.labs import Lab


def test_the_steps_are_what_the_readme_tells() -> None:
    """The demo makes a lab, mirrors a crop and draws it, mirrors the rest, lists, and asks what it has and why."""
    commands = [step.arguments[0] for step in demo_steps(Path("demo/share"))]
    crop = ["sync", "import-mongo", "crops", "crops", "crops"]
    asked = ["scan", "ls", "ls", "picture", "catalog", "why", "diff-buckets"]
    assert commands == ["init", "sync", *crop, "sync", "sync", "sync", *asked]
    assert ("sync", DATASET, "--scales", "s0-s2") in [step.arguments for step in demo_steps(Path("demo/share"))]


def test_every_step_is_a_command_line_that_parses() -> None:
    """No step uses a command or an option that does not exist."""
    from typer.main import get_command

    group = get_command(make_app())
    for step in demo_steps(Path("demo/share")):
        group_or_command, words = group.commands[step.arguments[0]], list(step.arguments[1:])  # type: ignore[attr-defined]
        while hasattr(group_or_command, "commands"):
            group_or_command = group_or_command.commands[words.pop(0)]
        group_or_command.make_context(step.arguments[0], words)


def test_the_commands_meet_the_samples(tmp_path: Path) -> None:
    """Configuration, catalog and both buckets are the demo's own."""
    assert demo_variables(tmp_path, "http://127.0.0.1:1") == {
        "OOMIRROR_CONFIG": f"{tmp_path}/oomirror.toml",
        "OOMIRROR_CATALOG": f"sqlite:///{tmp_path}/catalog.db",
        "OOMIRROR_BUCKETS__A__ENDPOINT_URL": "http://127.0.0.1:1",
        "OOMIRROR_BUCKETS__B__ENDPOINT_URL": "http://127.0.0.1:1",
    }


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """A folder that holds anything but a demo is left as it is."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UnsafeError, match="something else"):
        prepare(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_folder_of_an_earlier_demo_is_taken(tmp_path: Path) -> None:
    """A demo may be run again where it was run before."""
    prepare(tmp_path / "demo")
    (tmp_path / "demo" / "catalog.db").touch()
    prepare(tmp_path / "demo")
    assert (tmp_path / "demo" / "share").is_dir()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """Where the parent is missing, that is told and nothing is made."""
    with pytest.raises(UnsafeError, match="No such file"):
        prepare(tmp_path / "none" / "demo")


@pytest.mark.parametrize(("words", "code"), [(("--version",), 0), (("verify",), 2)])
def test_a_step_is_run_for_real(
    words: tuple[str, ...], code: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A step runs this very oomirror in a process of its own, and its exit code comes back."""
    environment: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    assert run_oomirror(words, environment) == code
    assert "oomirror" in "".join(capfd.readouterr())


def test_the_crop_comes_first(empty_lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Its steps, in the demo's order, need nothing that comes later; both sources agree, and no document is odd."""
    folder = empty_lab.root.parent
    write_paper(folder / "paper", scale=Scale.TINY)
    config = ("--config", str(empty_lab.config))
    for step in demo_steps(folder / "share")[2:7]:
        assert main((*step.arguments, *config)) == 0, step
    said = capsys.readouterr().out
    assert "6 documents" in said
    assert "mongo_offset agrees" in said
    assert (folder / "crop1.png").stat().st_size > 10_000
    assert main(("catalog", "issues", *config)) == 0
    assert main(("catalog", "findings", *config)) == 0
    assert "crop-" not in capsys.readouterr().out


def test_the_farewell_names_the_container() -> None:
    """The user is told where the N5 container lies, by the layout of the share."""
    words = farewell(Path("demo/share"))
    assert '"demo/share/janelia-cosem-publications/heinrich-2021a/jrc_hela-2/jrc_hela-2.n5"' in words
    # Lines without paths of this machine fit a terminal.
    assert all(len(line) <= 80 for line in words.splitlines() if "/share" not in line and "=" not in line)
