"""What went wrong, to the user: one sentence on stderr, or one JSON document on stdout; and the exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeGuard

from mirror.cli.output import UnwrittenResultError, put_result, put_words
from mirror.errors import ExitCode, MirrorError

_LINE = "\n"


class Told(Protocol):
    """An error that carries its parts: MirrorError, and CatalogError, which is no relative of it."""

    what: str
    thing: str
    expected: str
    found: str
    hint: str

    @property
    def exit_code(self) -> int:
        """Exit code of the process."""


class UnexpectedError(MirrorError):
    """A fault of the program, not of its user."""


class BadCommandLineError(MirrorError):
    """The command line cannot be understood."""

    exit_code = ExitCode.USAGE


def is_told(error: BaseException) -> TypeGuard[Told]:
    """Return whether the error says its parts."""
    return all(hasattr(error, part) for part in ("what", "thing", "expected", "found", "hint", "exit_code"))


def told(error: BaseException) -> Told:
    """Return the error as one that carries its parts."""
    if is_told(error):
        return error
    if isinstance(error, KeyboardInterrupt):
        from mirror.cli.signals import InterruptedRunError

        return InterruptedRunError("stopped by SIGINT")
    if (message := getattr(error, "format_message", None)) is not None:
        return _usage(str(message()).rstrip("."), getattr(error, "ctx", None))
    return UnexpectedError(
        "something unexpected happened, a fault of oomirror",
        found=f"{type(error).__name__}: {str(error).partition(_LINE)[0]}",
        hint="Run it again with -v for the traceback, and report it, please.",
    )


def _usage(message: str, context: object) -> BadCommandLineError:
    command = getattr(context, "command_path", "oomirror")
    hint = f"`{command} --help` says what there is."
    if message.endswith("?"):  # click asks whether another command was meant
        message, _, question = message.rpartition(". ")
        hint = f"{question} {hint}"
    return BadCommandLineError(message[:1].lower() + message[1:], hint=hint)


def tell(error: BaseException, arguments: Sequence[str]) -> int:
    """Tell the user of the error, as the command line asked for it, and return the exit code."""
    if is_unexpected(error) and is_verbose(arguments):
        put_words(traceback_text(error))
    parts = told(error)
    if not (wants_json(arguments) and _is_put(parts)):
        from mirror.report.text.table import plain

        put_words(f"oomirror: {plain(sentence(parts))}")
    return int(parts.exit_code)


def _is_put(parts: Told) -> bool:
    """Write the error to stdout, as JSON; return whether it is there, and nothing need be said on stderr."""
    from mirror.report.json import error_document

    if isinstance(parts, UnwrittenResultError):
        return False
    try:
        put_result(error_document(parts))
    except UnwrittenResultError:
        return False
    return True


def sentence(parts: Told) -> str:
    """Return the error in one sentence, and the hint."""
    return str(parts)


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the command line asks for JSON; looked up in the words, since they may not parse."""
    return "--json" in _options(arguments)


def is_verbose(arguments: Sequence[str]) -> bool:
    """Return whether the command line asks for tracebacks, as `-v`, `-nv` or `--verbose`."""
    return any(word == "--verbose" or re.fullmatch(r"-[a-z]*v[a-z]*", word) for word in _options(arguments))


def _options(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: list(arguments).index("--")] if "--" in arguments else arguments


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an error."""
    import traceback

    return "".join(traceback.format_exception(error))


def is_unexpected(error: BaseException) -> bool:
    """Return whether the error is a fault of ours, whose traceback someone will want."""
    return not (is_told(error) or hasattr(error, "format_message") or isinstance(error, KeyboardInterrupt))
