"""`oomirror diff-buckets` as one page that needs no other file, no network and no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mirror.explain.causes import Cause
from mirror.report.answer import TITLES
from mirror.report.earlier import earlier_words
from mirror.report.explanation import CauseTotal, DiffReport
from mirror.report.html.charts import (
    axis_svg,
    cause_class,
    histogram_svg,
    stacked_axis,
    stacked_svg,
    swatch_svg,
    waterfall_svg,
)
from mirror.report.html.environment import make_environment, read
from mirror.report.html.pictures import Evidence, EvidenceHistogram, evidence_of
from mirror.report.level import blocks_words, side_words
from mirror.report.numbers import (
    Units,
    format_amount,
    format_bytes,
    format_difference,
    format_ratio,
    format_signed_share,
    plural,
)
from mirror.report.waterfall import Axis, waterfall_bars

_FEW = 3
"""So many datasets are shown unfolded."""
_MOST = 12
"""So many places of a dataset are shown unfolded."""
_MOST_OF_PAIR = 4
_COLUMNS = (
    ("voxels", "voxels"),
    ("bytes_per_voxel", "bytes a voxel"),
    ("compression", "compression"),
    ("headers", "headers"),
    ("one_sided_blocks", "one-sided blocks"),
    ("edge_padding", "edge padding"),
)
"""The fields of `Contributions`, and what they are called above a column."""


def render_explanation_page(
    report: DiffReport, *, made_at: datetime, version: str, evidence: Sequence[Evidence] = ()
) -> str:
    """Return the report as HTML: every number of it as text too, and every byte's exact number as `<data value>`.

    Parameters
    ----------
    evidence
        Pictures and histograms, shown with their datasets.

    Raises
    ------
    ValueError
        Evidence is of a dataset that the report does not have.
    """
    names = {one.dataset for one in report.datasets}
    for one in evidence:
        if one.dataset not in names:
            raise ValueError(f"evidence is of {one.dataset}, which the report does not have")
    environment = make_environment(
        {
            "difference": format_difference,
            "earlier": earlier_words,
            "ratio": format_ratio,
            "number": lambda value: "-" if value is None else f"{value:,.6g}",
        }
    )
    return environment.get_template("explanation.html.j2").render(
        report=report,
        made_at=made_at,
        version=version,
        style=read("base.css") + read("explanation.css"),
        is_short=len(report.datasets) <= _FEW,
        most=_MOST,
        most_of_pair=_MOST_OF_PAIR,
        share=format_signed_share,
        titles=TITLES,
        causes=shown_causes(report),
        gib=lambda n_bytes: format_bytes(n_bytes, Units.IEC),
        plural=plural,
        bars=waterfall_bars,
        waterfall_axis=Axis.of_waterfall,
        waterfall_svg=waterfall_svg,
        stacked_axis=stacked_axis([one.causes_total for one in report.datasets]),
        stacked_svg=stacked_svg,
        axis_svg=axis_svg,
        swatch=swatch_svg,
        cause_class=cause_class,
        evidence=lambda dataset: evidence_of(dataset, evidence),
        is_histogram=lambda one: isinstance(one, EvidenceHistogram),
        histogram_svg=histogram_svg,
        words=side_words,
        blocks=blocks_words,
        columns=_COLUMNS,
        amount=format_amount,
        lost=[(dataset.dataset, one) for dataset in report.datasets for one in dataset.unexplained],
        nameless=lambda some: [("", one) for one in some],
        bytes_of=bytes_of,
    )


def shown_causes(report: DiffReport) -> tuple[Cause, ...]:
    """Return the causes that any dataset has, in their order of the closed list; what is unexplained first."""
    known = {total.cause for dataset in report.datasets for total in dataset.causes_total}
    return tuple(sorted(known, key=lambda cause: (cause is not Cause.UNEXPLAINED, list(Cause).index(cause))))


def bytes_of(totals: Sequence[CauseTotal], cause: Cause) -> int:
    """Return what one cause makes of a difference, 0 where it makes nothing."""
    return sum(total.bytes for total in totals if total.cause is cause)
