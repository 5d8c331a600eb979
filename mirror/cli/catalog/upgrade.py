"""`oomirror catalog upgrade`."""

from __future__ import annotations

from mirror.cli import options


def upgrade(
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Bring a catalog of an older oomirror to the tables of this one. Run again, it does nothing.

    A SQLite file of less than 100 MB is copied beside itself first.
    """
    from mirror.app.upkeep import upgrade as run_upgrade
    from mirror.cli.output import put_listing
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import UpgradeLine
    from mirror.report.text.catalog import render_upgrade

    line = run_upgrade(load_settings(config))
    put_listing(UpgradeLine, (line,), lambda: render_upgrade(line), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE
