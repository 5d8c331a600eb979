"""Does README.md say what `--help` says? `python -m tests.readme_check` is silent if so, else lists what differs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
_OPTIONS_OF_HELP = re.compile(r"^\s+(?:-\w, )?(--[a-z][a-z-]+)", re.MULTILINE)
_COMMANDS_OF_HELP = re.compile(r"^  ([a-z][a-z-]+)  ", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\| `(--[a-z-]+)[^|]*\|([^|]*)\|", re.MULTILINE)
_EVERYWHERE = {"--help"}


def help_of(*command: str) -> str:
    """Return what `oomirror COMMAND --help` prints."""
    words = [sys.executable, "-m", "oomirror", *command, "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def commands_of(text: str) -> tuple[str, ...]:
    """Return the commands that the help of the whole lists."""
    return tuple(_COMMANDS_OF_HELP.findall(text.partition("Commands:")[2].partition("Exit codes:")[0]))


def options_of(text: str) -> frozenset[str]:
    """Return the options that a command's help lists."""
    return frozenset(_OPTIONS_OF_HELP.findall(text)) - _EVERYWHERE


def options_in_table(readme: str) -> Mapping[str, frozenset[str]]:
    """Return the options of README's table, each with the commands that it says have it."""
    return {option: frozenset(re.findall(r"[a-z]+", commands)) for option, commands in _TABLE_ROW.findall(readme)}


def differences(readme: str, helps: Mapping[str, str]) -> Iterator[str]:
    """Yield what README and the helps do not agree about.

    Parameters
    ----------
    helps
        Command to its help; that of the whole under the empty name.
    """
    table = options_in_table(readme)
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
    whole = help_of()
    helps = {"": whole} | {command: help_of(command) for command in commands_of(whole)}
    faults = list(differences((ROOT / "README.md").read_text(encoding="utf-8"), helps))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
