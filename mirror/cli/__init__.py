"""The command line: one file a command, and the conversation with the user."""

from mirror.cli.main import main
from mirror.cli.signals import program

__all__ = ["main", "program"]
