"""`oomirror doctor`."""

from __future__ import annotations

from mirror.cli import options


def doctor(
    *,
    bucket: options.BucketAll = None,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Look at all that a run needs, and say what to do about what is found. Exit code 3 with a problem.

    That is share, catalog, buckets and machine, the mirrors to refresh, and who is told of them. Nothing is changed,
    nobody is told of it; on the share a few files are made and removed in a folder of ours.
    """
    from mirror.app.doctor import checks_of, examine
    from mirror.cli.output import put_result
    from mirror.cli.signals import run
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.doctor import render_doctor

    report = run(examine(checks_of(load_settings(config), bucket=bucket)))
    put_result(document(report) if as_json else render_doctor(report))
    return ExitCode.DIFFERENCES if report.problems else ExitCode.DONE
