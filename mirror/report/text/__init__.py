"""Reports as text for people: 80 columns are enough."""

from mirror.report.text.inventory import render_datasets, render_levels
from mirror.report.text.plan import render_plan
from mirror.report.text.results import render_scans, render_sync, render_syncs

__all__ = ["render_datasets", "render_levels", "render_plan", "render_scans", "render_sync", "render_syncs"]
