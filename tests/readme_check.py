"""Does README.md say what `--help` says? `python -m tests.readme_check` is silent if so, else lists what differs."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

from mirror.cli.main import main as oomirror

ROOT = Path(__file__).parent.parent
_OPTIONS_OF_HELP = re.compile(r"^\s+(?:-\w, )?(--[a-z][a-z-]+)", re.MULTILINE)
_COMMANDS_OF_HELP = re.compile(r"^  ([a-z][a-z-]+)  ", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\| `(--[a-z-]+)[^|]*\|([^|]*)\|", re.MULTILINE)
_EVERYWHERE = {"--help"}


def help_of(*command: str) -> str:
    """Return what `oomirror COMMAND --help` prints."""
    # In this process: a start of its own for each of them is most of the time of `make check`.
    with redirect_stdout(io.StringIO()) as shown:
        oomirror([*command, "--help"])
    return shown.getvalue()


def helps_of_all() -> Mapping[str, str]:
    """Return the help of each command by its words, that of the whole under the empty name, groups too."""
    helps = {"": help_of()}
    for command in commands_of(helps[""]):
        helps[command] = help_of(command)
        helps |= {f"{command} {one}": help_of(command, one) for one in commands_of(helps[command])}
    return helps


def commands_of(text: str) -> tuple[str, ...]:
    """Return the commands that the help of the whole, or of a group, lists."""
    return tuple(_COMMANDS_OF_HELP.findall(text.partition("Commands:")[2].partition("Exit codes:")[0]))


def options_of(text: str) -> frozenset[str]:
    """Return the options that a command's help lists."""
    return frozenset(_OPTIONS_OF_HELP.findall(text)) - _EVERYWHERE


def options_in_table(readme: str, commands: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return the options of README's table, each with the commands that it says have it.

    Parameters
    ----------
    commands
        All that there are: `catalog *` in the table stands for those of two words that begin with `catalog`.
    """
    return {
        option: frozenset(one for cell in cells.split(",") for one in _commands_in(cell.strip(), commands))
        for option, cells in _TABLE_ROW.findall(readme)
    }


def _commands_in(cell: str, commands: Collection[str]) -> tuple[str, ...]:
    if not cell.endswith(" *"):
        return (cell,)
    return tuple(command for command in commands if command.startswith(cell[:-1])) or (cell,)


def differences(readme: str, helps: Mapping[str, str]) -> Iterator[str]:
    """Yield what README and the helps do not agree about.

    Parameters
    ----------
    helps
        Command to its help; that of the whole under the empty name.
    """
    table = options_in_table(readme, helps)
    has = {command: options_of(text) for command, text in helps.items()}
    for command in filter(None, helps):
        if f"`oomirror {command}" not in readme:
            yield f"README.md does not name the command {command}"
    for option in sorted(frozenset().union(*has.values()) | table.keys()):
        by_help = frozenset(command or "oomirror" for command, options in has.items() if option in options)
        if by_help != table.get(option, frozenset()):
            said = ", ".join(sorted(table.get(option, ()))) or "none"
            yield f"{option}: commands that have it are {', '.join(sorted(by_help)) or 'none'}; README.md says {said}"
    for code in re.findall(r"^\s+(\d+)  ", helps[""].partition("Exit codes:")[2], re.MULTILINE):
        if not re.search(rf"^\| [\d, ]*\b{code}\b[\d, ]* \|", readme, re.MULTILINE):
            yield f"exit code {code} is not in the table of README.md"


def main() -> int:
    """Compare, and return an exit code."""
    faults = list(differences((ROOT / "README.md").read_text(encoding="utf-8"), helps_of_all()))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
