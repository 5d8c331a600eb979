"""The options that the commands of `oomirror schedule` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

EVERY_NIGHT = "0 3 * * *"

Expression: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="EXPRESSION",
        help="When, as cron has it: minute, hour, day of the month, month, day of the week; or @daily and the like.",
    ),
]
LogFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Where the job logs; turned over at 1 MB, as FILE.1 to FILE.9.",
        show_default="refresh.log in your folder for logs",
    ),
]
Print: TypeAlias = Annotated[
    bool,
    typer.Option("--print", help="Only print the job: systemd's service and timer, and the line of the crontab."),
]
