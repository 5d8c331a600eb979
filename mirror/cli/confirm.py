"""The plan on its way to the user: shown, and asked about where it is large and someone is there to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from mirror.cli.output import put_result, result_width, words_width
from mirror.cli.question import ask, can_ask
from mirror.cli.talk import Talk
from mirror.errors import ExitCode, UsageError
from mirror.objects import Tally
from mirror.plan import Plan
from mirror.report.model import SyncReport
from mirror.report.numbers import Units, format_amount, plural
from mirror.report.text.plan import render_plan
from mirror.report.text.results import render_problems, render_sync


def confirm_repair(talk: Talk, *, yes: bool) -> Callable[[Plan], bool]:
    """Return what asks whether a repair shall fetch so much, where it is much and someone is there to answer."""

    def confirm(plan: Plan) -> bool:
        talk.pause()
        if yes or not plan.is_large or not can_ask():
            return True
        return ask(f"Fetch {format_amount(plan.to_fetch, talk.manner.units)} to mend what is damaged or lost?")

    return confirm


class Confirmation:
    """Called with the plan, which of a dry run is the result; afterwards knows what was said to it."""

    def __init__(self, talk: Talk, *, is_dry_run: bool, yes: bool) -> None:
        self._talk = talk
        self._is_dry_run = is_dry_run
        self._yes = yes
        self.exit_code: ExitCode | None = None
        """Set where the user said no."""

    def __call__(self, plan: Plan) -> bool:
        """Return whether the plan shall be run."""
        talk = self._talk
        talk.pause()
        fields = {"to_fetch": plan.to_fetch, "to_adopt": plan.to_adopt, "up_to_date": plan.up_to_date}
        if plan.deletion is not None:
            fields["to_delete"] = plan.to_delete
        talk.note("planned", {name: asdict(tally) for name, tally in fields.items()})
        if self._is_dry_run:
            # Now, and not with the report: a plan that is refused has none.
            if not talk.manner.as_json:
                put_result(self._text(plan, result_width()))
            return True
        if plan.to_fetch.objects or plan.to_adopt.objects or plan.to_delete.objects or plan.refused:
            talk.words(self._text(plan, words_width()))
        if self._yes or not plan.is_large or not can_ask():
            return True
        units = talk.manner.units
        also = f", and delete {format_amount(plan.to_delete, units)}" if plan.to_delete.objects else ""
        if not ask(f"Fetch {format_amount(plan.to_fetch, units)}{also}?"):
            self.exit_code = ExitCode.FAILED
            return False
        return True

    def as_text(self, report: SyncReport) -> str:
        """Return what was done; when quiet, only what failed; of a dry run nothing: its plan was shown."""
        if self._is_dry_run:
            return ""
        if self._talk.manner.quiet:
            return render_problems(report)
        return render_sync(report, units=self._talk.manner.units)

    def _text(self, plan: Plan, width: int | None) -> str:
        return render_plan(plan, units=self._talk.manner.units, width=width)


class Removal:
    """Asks whether something shall be removed for good; afterwards knows whether the user said no."""

    def __init__(self, *, yes: bool, units: Units) -> None:
        self._yes = yes
        self._units = units
        self.is_refused = False

    def __call__(self, total: Tally, n_runs: int) -> bool:
        """Return whether it shall be. Raises UsageError where nobody is there to answer."""
        if self._yes:
            return True
        if not can_ask():
            raise UsageError("nobody can be asked whether this is meant", "trash empty", hint="Add --yes.")
        self.is_refused = not ask(f"Remove {format_amount(total, self._units)} of {plural(n_runs, 'run')} for good?")
        return not self.is_refused
