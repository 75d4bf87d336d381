"""How is a report told to scripts, and to spreadsheets?"""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import StringIO

import orjson

from commands import moments, report_rows
from commands.output import instant
from workflow.register import act_of
from workflow.reports.comparisons import Compared, Line
from workflow.reports.flows import Flows, Times
from workflow.rules.amounts import format_money
from workflow.services.export_lines import cell
from workflow.services.reports import CallReport, Figures, Report

COLUMNS = ("scope", "figure", "detail", "value", "unit", "source")
"""Of the table for spreadsheets: one figure a row."""

TOTAL, PLAN, CONFLICT, REPORT = "total", "plan", "conflict", "report"
"""What a row is about, if not one call."""


def as_json(report: Report) -> dict[str, object]:
    """Return a report as scripts read it."""
    return {
        "from": _day(report.first),
        "to": _day(report.last),
        "at": instant(report.at),
        "calls": [
            {
                "call": one.call,
                "title": one.title,
                "family": str(one.rules.family),
                "state": one.state.value,
                "as_of": moments.as_json(one.cut),
                **_figures(one.figures, one),
            }
            for one in report.calls
        ],
        "total": _figures(report.total, None),
        "plan": _plan(report.compared) if report.compared else None,
        "conflicts": [
            {
                "call": call,
                "subject": one.subject,
                "statements": [
                    {"value": said.value, "source": said.source}
                    for said in one.statements
                ],
            }
            for call, one in report.conflicts
        ],
        "faults": list(report.faults),
    }


def _figures(figures: Figures, one: CallReport | None) -> dict[str, object]:
    flows, stock = figures.flows, figures.stock
    exits = (*report_rows.REFUSED, *report_rows.OTHER_EXITS)
    return {
        "submitted": flows.submitted,
        "admitted": flows.admitted,
        "refused": report_rows.refused(flows),
        "exits": {state.value: flows.exits[state] for state in exits},
        "waiting": stock.waiting if figures.money else None,
        "standing": {state: stock.standing[state] for state in sorted(stock.standing)},
        "money": {row.key: row.value for row in report_rows.sums(figures)} or None,
        "steps": [
            {
                "step": step,
                "term": report_rows.term_of(one, step),
                **_times(flows.times[step]),
            }
            for step in report_rows.steps(flows)
        ],
        "missed": {
            "administration": report_rows.missed(flows, by_applicants=False),
            "applicants": report_rows.missed(flows, by_applicants=True),
        },
        "overtakings": [
            {
                "call": told.call,
                "entry": told.seq,
                "event": told.event,
                "by": told.protocol,
                "overtaken": told.overtaken,
                "act": told.act,
            }
            for told in flows.overtakings
        ],
        "months": [
            {
                "month": name,
                "submitted": month.submitted,
                "grants": month.grants if figures.money else None,
                "granted": format_money(month.granted) if figures.money else None,
            }
            for name, month in sorted(flows.months.items())
        ],
    }


def _times(times: Times) -> dict[str, object]:
    return {
        "count": times.count,
        "median_days": _half(times.median),
        "p90_days": times.slow,
        "within": times.within,
        "share_within": report_rows.share(times.within, times.count),
    }


def _half(days: Decimal | None) -> int | float | None:
    """Return a median as a number: only half a day is exact as it is."""
    if days is None or days == days.to_integral():
        return None if days is None else int(days)
    return float(days)


def _plan(compared: Compared) -> dict[str, object]:
    plan = compared.plan
    return {
        "plan": plan.code,
        "title": plan.title,
        "source": plan.source,
        "indicators": [_indicator(line) for line in compared.lines],
        "quotients": [
            {
                "quotient": one.quotient.code,
                "title": one.quotient.title,
                "dividend": one.quotient.dividend,
                "divisor": one.quotient.divisor,
                "values": [
                    {"on": on.isoformat(), "value": _decimal(value)}
                    for on, value in one.values
                ],
            }
            for one in compared.quotients
        ],
    }


def _indicator(line: Line) -> dict[str, object]:
    about = line.indicator
    return {
        "indicator": about.code,
        "title": about.title,
        "unit": about.unit.value,
        "measure": about.measure.value if about.measure else None,
        "baseline": _decimal(about.baseline),
        "target": _decimal(about.target),
        "target_on": about.target_on.isoformat(),
        "note": about.note,
        "reached_percent": _decimal(line.reached),
        "register": _decimal(line.derived),
        "values": [
            {
                "on": one.reading.on.isoformat(),
                "value": _decimal(one.reading.value),
                "source": one.reading.source,
                "register": _decimal(one.derived),
                "disagrees": one.disagrees,
            }
            for one in line.values
        ],
    }


def as_text(report: Report) -> str:
    """Return the same as one line of text."""
    return f"{orjson.dumps(as_json(report)).decode()}\n"


def as_csv(report: Report) -> str:
    """Return a report as a table; no cell of it is taken for a formula."""
    text = StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for row in _rows(report):
        table.writerow([one if isinstance(one, int) else cell(one) for one in row])
    return text.getvalue()


_Row = tuple[object, object, object, object, object, object]


def _rows(report: Report) -> Iterator[_Row]:
    days = (("from", report.first), ("to", report.last))
    for name, day in days:
        yield (REPORT, name, "", _day(day), "day", "")
    yield (REPORT, "at", "", instant(report.at), "instant", "")
    for one in report.calls:
        source = f"entries up to {one.cut.seq}"
        yield (one.call, "title", "", one.title, "text", source)
        yield (one.call, "state", "", one.state.value, "text", source)
        yield from _figure_rows(one.call, one.figures, one, source)
    yield from _figure_rows(TOTAL, report.total, None, "")
    if report.compared:
        yield from _plan_rows(report.compared)
    for call, conflict in report.conflicts:
        for said in conflict.statements:
            place = (CONFLICT, conflict.subject, call or "")
            yield (*place, said.value, "text", said.source)
    for fault in report.faults:
        yield (REPORT, "fault", "", fault, "text", "")


def _figure_rows(
    scope: str, figures: Figures, one: CallReport | None, source: str
) -> Iterator[_Row]:
    flows = figures.flows
    for row in (*report_rows.counts(figures), *report_rows.sums(figures)):
        period = "at the end" if row.at_end else "in the period"
        yield (scope, row.key, period, row.value, row.unit, source)
    if figures.money is None:
        yield (scope, "money", "", report_rows.NO_MONEY, "text", source)
    for state, count in sorted(figures.stock.standing.items()):
        yield (scope, "standing", state, count, "number", source)
    for step in report_rows.steps(flows):
        yield from _step_rows(scope, step, flows, report_rows.term_of(one, step))
    yield from _missed_rows(scope, flows, source)
    for told in flows.overtakings if one else ():
        detail = f"entry {told.seq}, {told.event} of {told.protocol}"
        act = act_of({"act": told.act})
        yield (scope, "overtaken", detail, told.overtaken, "number", act)
    for name, month in sorted(flows.months.items()):
        yield (scope, "submitted_in", name, month.submitted, "number", source)
        if figures.money:
            granted = format_money(month.granted)
            yield (scope, "granted_in", name, granted, "euros", source)


def _step_rows(scope: str, step: str, flows: Flows, term: str | None) -> Iterator[_Row]:
    times = flows.times[step]
    source = f"term: {term}" if term else ""
    for name, value, unit in (
        ("done", times.count, "number"),
        ("median", times.median, "days"),
        ("p90", times.slow, "days"),
        ("within", times.within, "number"),
        ("share_within", report_rows.share(times.within, times.count), "percent"),
    ):
        yield (scope, f"step_{name}", step, value, unit, source)


def _missed_rows(scope: str, flows: Flows, source: str) -> Iterator[_Row]:
    for side, by_applicants in (("administration", False), ("applicants", True)):
        missed = report_rows.missed(flows, by_applicants=by_applicants)
        for kind, count in missed.items():
            yield (scope, f"missed_by_{side}", kind, count, "number", source)


def _plan_rows(compared: Compared) -> Iterator[_Row]:
    plan = compared.plan
    for line in compared.lines:
        about = line.indicator
        code, unit = about.code, about.unit.value
        yield (PLAN, code, "title", about.title, "text", plan.source)
        yield (PLAN, code, "baseline", _known(about.baseline), unit, plan.source)
        target = f"target {about.target_on.isoformat()}"
        yield (PLAN, code, target, _known(about.target), unit, plan.source)
        for one in line.values:
            on, said = one.reading.on.isoformat(), one.reading
            yield (PLAN, code, on, _known(said.value), unit, said.source)
            if one.derived is not None:
                yield (PLAN, code, on, _decimal(one.derived), unit, "the register")
        if line.derived is not None:
            end = ("at the end", _decimal(line.derived))
            yield (PLAN, code, *end, unit, "the register")
    for divided in compared.quotients:
        by = f"{divided.quotient.dividend} / {divided.quotient.divisor}"
        for day, value in divided.values:
            place = (PLAN, divided.quotient.code, day.isoformat())
            yield (*place, _known(value), "number", by)


def _known(value: Decimal | None) -> str:
    return "n.d." if value is None else f"{value:f}"


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
