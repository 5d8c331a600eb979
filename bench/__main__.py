"""`python -m bench`: the tools side by side; `python -m bench bars`: all that is claimed of them.

`python -m bench profile`: where one run's time goes; `python -m bench catalog`: the catalog at real size.
`python -m bench diffing`: two buckets compared from their listings; `python -m bench imports`: a million documents.
`python -m bench scrub`: a share read to its end.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import bars, catalog, diffing, imports, profiles, reports, scrub
from bench.compare import compare
from bench.origins import Depot
from bench.table import render_comparison
from mirror.errors import MirrorError

_PROGRAMS = {
    "bars": bars.main,
    "profile": profiles.main,
    "catalog": catalog.main,
    "diffing": diffing.main,
    "imports": imports.main,
    "scrub": scrub.main,
}


def main(arguments: Sequence[str]) -> int:
    """Run the program that the first argument names, else compare as the arguments say; 1 if a tool fails."""
    program = _PROGRAMS.get(arguments[0]) if arguments else None
    try:
        return program(arguments[1:]) if program else _compare(arguments)
    except MirrorError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)


def _compare(arguments: Sequence[str]) -> int:
    with Depot() as depot:
        comparison = compare(arguments, depot)
    reports.keep([comparison])
    print(render_comparison(comparison))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
