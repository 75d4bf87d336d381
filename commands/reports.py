"""How did calls go in a period?"""

from datetime import date
from pathlib import Path

import click

from commands import report_documents, report_texts
from commands.entry import at_desk
from commands.lazy import json_option, wants_json
from commands.moments import read_day
from commands.output import emit_json
from commands.plain import legible, say
from config.loader import PLANS
from workflow.desk import Desk
from workflow.errors import InputError, TamperedError
from workflow.services import folders, reports
from workflow.services.reports import Report, Wanted

_FORMATS = ("text", "json", "csv", "html")


@click.command("report")
@click.argument("calls", metavar="[CALL]...", nargs=-1)
@click.option(
    "--from",
    "first",
    metavar="YYYY-MM-DD",
    callback=read_day,
    help="First civil day of Rome; the beginning, if nothing is said.",
)
@click.option(
    "--to",
    "last",
    metavar="YYYY-MM-DD",
    callback=read_day,
    help="Last civil day of Rome, itself within; now, if nothing is said.",
)
@click.option(
    "--plan",
    metavar="FILE",
    help="A plan of indicators to put beside it: a path, or the name of one that "
    "comes with the program.",
)
@click.option(
    "--format",
    "form",
    metavar="WORD",
    type=click.Choice(_FORMATS),
    help=f"One of: {', '.join(_FORMATS)}. An HTML page stands by itself.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it into this new file.",
)
@json_option
@click.pass_context
@at_desk
def report_command(  # noqa: PLR0913 - the options of the command
    desk: Desk,
    context: click.Context,
    *,
    calls: tuple[str, ...],
    first: date | None,
    last: date | None,
    plan: str | None,
    form: str | None,
    out: Path | None,
) -> None:
    """Tell how calls went in a period, by the register alone (monitoraggio).

    How many were submitted, admitted, refused and granted, and how much; how long
    each step took against its term; who was overtaken, under which act; which terms
    were missed, by whom. Without CALL, of all of them.

    The period is of civil days of Rome, its first and its last day within. An entry
    belongs to the day on which it was written: what is told of days that are over
    never changes. Nobody is named in it. It exits with 5 if the ledger of movements
    does not say what the entries do.

    \b
    Example:
        sportello report RLF12025051244 --from 2026-01-01 --to 2026-01-19
        sportello report --plan ricerca-innovazione-2025
    """
    _refuse_two_forms(form, out)
    form = form or ("json" if wants_json() else "text")
    indicators = PLANS.load(PLANS.find(plan)) if plan is not None else None
    made = reports.report(desk, Wanted(calls, first, last, indicators))
    if out is None:
        click.echo(_written(made, form), nl=False)
    else:
        content = _written(made, form).encode(errors="backslashreplace")
        folders.put(out, content)
        _answer(out, form, len(content))
    if made.faults:
        context.exit(TamperedError.exit_code)


def _refuse_two_forms(form: str | None, out: Path | None) -> None:
    if wants_json() and out is None and form not in {None, "json"}:
        raise InputError(
            "report.two_forms",
            f"--json answers with JSON, --format {form} with something else: leave one "
            "out, or name a file for the other with --out",
        )


def _written(report: Report, form: str) -> str:
    if form == "json":
        return report_documents.as_text(report)
    if form == "csv":
        return report_documents.as_csv(report)
    if form == "html":
        # Only a page needs what makes pages.
        from commands import report_pages  # noqa: PLC0415 - see above

        return report_pages.as_html(report)
    return "".join(f"{line}\n" for line in report_texts.lines(report))


def _answer(out: Path, form: str, size: int) -> None:
    if wants_json():
        emit_json({"written": {"file": str(out), "format": form, "bytes": size}})
    else:
        say(legible(f"written to {out}"))
