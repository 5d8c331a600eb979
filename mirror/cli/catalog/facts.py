"""`oomirror catalog facts`."""

from __future__ import annotations

from mirror.cli import options


def facts(
    dataset: options.DatasetIfAny = None,
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """List what documents and manifests say of datasets: title, licence, sample, ..., each with its source."""
    from mirror.app.listings import list_facts
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import FactLine
    from mirror.report.text.catalog import render_facts

    lines = list_facts(load_settings(config), dataset)
    put_listing(FactLine, lines, lambda: render_facts(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE
