"""How is a report told to people, in lines that fit on a page?"""

import textwrap
from collections.abc import Iterable, Iterator

from commands import report_rows
from commands.output import Table, civil, clean
from config.schema import Conflict
from workflow.register import act_of
from workflow.reports.comparisons import Compared, Line, rounded, written
from workflow.rules.calendar import italian_date
from workflow.services.reports import CallReport, Figures, Report

WIDTH = 100


def lines(report: Report) -> Iterator[str]:
    """Return the lines of a report, none of them wider than a page."""
    for line in _lines(report):
        yield from _fitted(line)


def period(report: Report) -> str:
    """Say which days a report is about."""
    first = italian_date(report.first) if report.first else "the beginning"
    last = italian_date(report.last) if report.last else "now"
    return f"from {first} to {last} (civil days of Rome, both within)"


def _fitted(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent) or [line]


def _lines(report: Report) -> Iterator[str]:
    yield f"Report {period(report)}"
    yield f"entries written by {civil(report.at)}"
    if not report.calls:
        yield "no call has an entry by then"
    elif len(report.calls) > 1:
        yield from _listed(report)
    for one in report.calls:
        yield ""
        yield f"{one.call}  {clean(one.title)}"
        yield f"  {one.state}, up to entry {one.cut.seq}"
        yield from _figures(one.figures, one)
    if len(report.calls) > 1:
        yield ""
        yield f"All {len(report.calls)} calls (totale)"
        yield from _figures(report.total, None)
    if report.compared:
        yield from _plan(report.compared)
    yield from _conflicts(report.conflicts)
    for fault in report.faults:
        yield ""
        yield f"IT DOES NOT ADD UP: {fault}; run `sportello log verify`"


def _listed(report: Report) -> list[str]:
    table = Table(
        ("call", "state", "submitted>", "admitted>", "refused>", "grants>", "granted>")
    )
    for one in report.calls:
        flows, money = one.figures.flows, dict(_values(one.figures))
        given = (money.get("grants"), money.get("granted", "no money"))
        said = (flows.submitted, flows.admitted, report_rows.refused(flows))
        table.add(one.call, one.state, *said, *given)
    return ["", *table.lines()]


def _values(figures: Figures) -> Iterator[tuple[str, object]]:
    for row in report_rows.sums(figures):
        yield row.key, row.value


def _figures(figures: Figures, one: CallReport | None) -> Iterator[str]:
    yield from _rows(figures)
    standing = figures.stock.standing
    if standing:
        told = (f"{state} {standing[state]}" for state in sorted(standing))
        yield f"  they stood (stato): {', '.join(told)}"
    yield from _steps(figures, one)
    for side, by_applicants in (("the office", False), ("applicants", True)):
        missed = report_rows.missed(figures.flows, by_applicants=by_applicants)
        told = (f"{kind} {count}" for kind, count in missed.items())
        listed = ", ".join(told) or "none"
        yield f"  terms missed by {side} (termini scaduti): {listed}"
    yield from _overtakings(figures, listed=one is not None)


def _rows(figures: Figures) -> Iterator[str]:
    rows = [*report_rows.counts(figures), *report_rows.sums(figures)]
    wide = max(len(row.label) for row in rows)
    figures_wide = max(len(str(row.value)) for row in rows)
    for row in rows:
        value = "-" if row.value is None else str(row.value)
        when = "  at the end" if row.at_end else ""
        yield f"  {row.label:{wide}}  {value:>{figures_wide}}{when}"
    if figures.money is None:
        yield f"  {report_rows.NO_MONEY}"


def _steps(figures: Figures, one: CallReport | None) -> list[str]:
    table = Table(
        (
            *("step (fase)", "done>", "in its term>", "share>", "median days>"),
            *("90% within>", "term of the call"),
        ),
        indent="  ",
    )
    for step in report_rows.steps(figures.flows):
        times = figures.flows.times[step]
        share = report_rows.share(times.within, times.count)
        table.add(
            step,
            times.count,
            times.within,
            f"{share}%",
            times.median,
            times.slow,
            report_rows.term_of(one, step),
        )
    return ["", *table.lines()] if table.rows else []


def _overtakings(figures: Figures, *, listed: bool) -> Iterator[str]:
    overtakings = figures.flows.overtakings
    yield f"  overtakings (sorpassi): {len(overtakings) or 'none'}"
    for told in overtakings if listed else ():
        act = act_of({"act": told.act})
        yield (
            f"    {told.call}#{told.seq}: {told.protocol}, {told.event}, before "
            f"{told.overtaken} earlier, under {clean(act) if act else 'no act'}"
        )


def _plan(compared: Compared) -> Iterator[str]:
    yield ""
    yield f"Plan (piano): {clean(compared.plan.title)}"
    yield f"  source: {clean(compared.plan.source)}"
    for line in compared.lines:
        yield from _indicator(line)
    for divided in compared.quotients:
        quotient = divided.quotient
        yield ""
        yield (f"  {clean(quotient.title)} ({quotient.dividend} / {quotient.divisor}):")
        for on, value in divided.values:
            yield f"    {italian_date(on)}  {'n.d.' if value is None else value}"


def _indicator(line: Line) -> Iterator[str]:
    about = line.indicator
    yield ""
    yield f"  {about.code}: {clean(about.title)}"
    if about.note:
        yield f"    {clean(about.note)}"
    baseline, target = (
        written(one, about.unit) for one in (about.baseline, about.target)
    )
    goal = (
        f"    baseline {baseline}; target {target} by {italian_date(about.target_on)}"
    )
    if line.latest is not None and line.reached is not None:
        goal += f"; {line.reached}% of it on {italian_date(line.latest.on)}"
    yield goal
    table = Table(("day", "plan>", "register>", "", "source"), indent="    ")
    for one in line.values:
        derived = None
        if one.derived is not None:
            derived = written(rounded(one.derived), about.unit)
        said = written(one.reading.value, about.unit)
        sign = "DIFFERS" if one.disagrees else " "
        table.add(italian_date(one.reading.on), said, derived, sign, one.reading.source)
    yield from table.lines()
    if line.derived is not None:
        shown = written(rounded(line.derived), about.unit)
        yield f"    the register, at the end of the period: {shown}"


def _conflicts(conflicts: Iterable[tuple[str | None, Conflict]]) -> Iterator[str]:
    told = list(conflicts)
    if told:
        yield ""
        yield "What sources say differently, kept in sight (fonti in contrasto)"
    for call, conflict in told:
        yield f"  {clean(conflict.subject)}{f' ({call})' if call else ''}"
        for said in conflict.statements:
            yield f"    {clean(said.value)}: {clean(said.source)}"
