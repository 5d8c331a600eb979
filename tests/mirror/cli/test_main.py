"""The command line as a whole: what exists, what does not, what errors look like."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mirror.cli.main import COMMANDS, main
from oomirror import __version__

ERROR_SCHEMA = json.loads(Path("docs/schemas/error.json").read_text())


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the user's configuration out."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{tmp_path}/catalog.db")


def test_version_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version to stdout and exits with 0."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"oomirror {__version__}\n"


def test_nothing_asked_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the help goes to stderr, with the exit code of a usage error."""
    assert main([]) == 2
    assert "Exit codes:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["verify"], id="command of a later time"),
        pytest.param(["sync"], id="no dataset"),
        pytest.param(["sync", "x", "--crops", "1"], id="crops are not built"),
        pytest.param(["sync", "x", "--delete"], id="deleting is not built"),
        pytest.param(["sync", "x", "--max-bandwidth", "1MB/s"], id="bandwidth is not built"),
        pytest.param(["sync", "x", "--concurrency", "0"], id="nothing in flight"),
        pytest.param(["sync", "x", "--checksum", "crc"], id="unknown checksum"),
        pytest.param(["sync", "x", "--scales", "s3-s1"], id="backward scales"),
        pytest.param(["sync", "x", "--formats", "tiff"], id="unknown format"),
        pytest.param(["sync", "x", "--max-duration", "5"], id="time without a unit"),
        pytest.param(["sync", "x", "--max-age", "soon"], id="no time at all"),
        pytest.param(["sync", "x", "--bucket", "c"], id="unknown bucket"),
        pytest.param(["sync", "x", "--log-json", "/nowhere/at/all"], id="log that cannot be written"),
        pytest.param(["sync", "x", "--config", "/nowhere.toml"], id="no such configuration"),
        pytest.param(["--config", "/nowhere.toml", "sync", "x"], id="configuration before the command"),
        pytest.param(["sync", "x"], id="no share"),
        pytest.param(["scan", "x", "--bucket", "c"], id="scan of an unknown bucket"),
        pytest.param(["adopt", "--check", "sha"], id="unknown check"),
        pytest.param(["ls", "one", "two"], id="too many words"),
        pytest.param(["ls", "nothing-such"], id="dataset never seen"),
    ],
)
class TestBadUsage:
    """What a user can get wrong on the command line."""

    def test_is_one_sentence_and_exit_2(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """It is told in one line on stderr, without a traceback, and stdout stays empty."""
        assert main(words) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert re.fullmatch(r"oomirror: [^\n]+\n", said.err)
        assert "Traceback" not in said.err

    def test_is_a_document_with_json(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """With --json it is one document on stdout that fits the published schema, and stderr stays empty."""
        assert main([*words, "--json"]) == 2
        said = capsys.readouterr()
        document = json.loads(said.out)
        Draft202012Validator(ERROR_SCHEMA).validate(document)
        assert document["schema"] == 1
        assert document["error"]["exit"] == 2
        assert document["error"]["what"]
        assert said.err == ""


def test_a_missing_share_is_unsafe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A share that is not there is exit 5."""
    monkeypatch.setenv("OOMIRROR_SHARE", str(tmp_path / "gone"))
    assert main(["sync", "x"]) == 5
    assert str(tmp_path / "gone") in capsys.readouterr().err


@pytest.mark.parametrize("command", [command.__name__.replace("_", "-") for command in COMMANDS])
def test_every_option_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option and argument of each command says what it does."""
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^ {2}(?:-\w, )?--?[a-z][^\n]*", text, re.MULTILINE)
    # A line that names an option has its help beside it, or below it where the name is long.
    bare = re.findall(r"^ {2}(?:-\w, )?(--[a-z-]+)[^\n]{0,60}\n(?! {20,}\S)(?=  -|\n)", text, re.MULTILINE)
    assert [name for name in bare if not re.search(rf"{name}[^\n]*  \S", text)] == []


@pytest.mark.parametrize("words", [["--help"], ["sync", "--help"], ["--version"], ["sync", "--crops"]], ids=" ".join)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """Help, version and usage errors come without database, network, arrays or rich being imported."""
    heavy = ["sqlalchemy", "alembic", "boto3", "botocore", "aiohttp", "obstore", "lxml", "numpy", "rich", "catalog"]
    # Not pydantic: typer itself takes it to read the arguments of a command.
    heavy += ["pydantic_settings", "asyncio", "ssl", "sqlite3", "xxhash", "mirror.app", "mirror.config"]
    program = (
        f"import sys; from mirror.cli import main; main({words!r}); print([n for n in {heavy!r} if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help of the whole lists each exit code once."""
    from mirror.errors import ExitCode

    main(["--help"])
    listed = re.findall(r"^ {4}(\d+)  ", capsys.readouterr().out, re.MULTILINE)
    assert listed == [str(int(code)) for code in ExitCode]


def test_completion_knows_the_commands() -> None:
    """Typing `oomirror s` and the completion key offers the commands that begin so."""
    import os

    asked = {"_OOMIRROR_COMPLETE": "complete_bash", "COMP_WORDS": "oomirror s", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "oomirror"], capture_output=True, text=True, check=True, env={**os.environ, **asked}
    )
    assert done.stdout.split() == ["sync", "scan", "schedule"]
