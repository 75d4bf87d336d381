"""How does a report become a page with charts?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from commands import report_rows, report_texts
from commands.output import civil
from config import pages
from models.vocabulary import Counting, TermKind
from workflow.register import act_of
from workflow.reports.comparisons import Compared, Line, rounded, written
from workflow.rules.amounts import format_money
from workflow.rules.calendar import italian_date
from workflow.services.reports import CallReport, Figures, Report

_WIDTH, _LEFT, _RIGHT = 720, 230, 130
_BAR, _GAP = 16, 8
_LONGEST_LABEL = 32
_MOST_BARS = 60
"""Of a chart: with more of them nobody reads it, and the table says it all."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, and what stands beside it."""

    label: str
    amount: Decimal | int
    shown: str
    tone: str = "a"


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar where it is drawn."""

    label: str
    shown: str
    tone: str
    y: int
    width: int
    height: int = _BAR


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of bars; a table beside it says the same."""

    id: str
    title: str
    told: str
    """The same in words, for who does not see it."""
    bars: tuple[Placed, ...]
    height: int
    mark: int | None
    """Where the goal is drawn, if there is one."""
    width: int = _WIDTH
    left: int = _LEFT


def as_html(report: Report) -> str:
    """Write a report as one page: nothing is fetched, and no script is in it."""
    several = len(report.calls) > 1
    return pages.report(
        {
            "period": report_texts.period(report),
            "at": civil(report.at),
            "faults": report.faults,
            "overview": list(_overview(report)) if several else [],
            "overview_chart": _overview_chart(report) if several else None,
            "calls": [
                {
                    "code": one.call,
                    "title": one.title,
                    "state": one.state.value,
                    "entry": one.cut.seq,
                    "told": _told(one.figures, one, f"call-{number}"),
                }
                for number, one in enumerate(report.calls, start=1)
            ],
            "total": _told(report.total, None, "total") if several else None,
            "plan": _plan(report.compared) if report.compared else None,
            "conflicts": [
                (f"{one.subject} ({call})" if call else one.subject, one.statements)
                for call, one in report.conflicts
            ],
        }
    )


def drawn(
    name: str, title: str, bars: Sequence[Bar], goal: Decimal | int | None = None
) -> Chart | None:
    """Draw bars one under the other, to one scale; nothing if there is nothing."""
    most = max((goal or 0, *(bar.amount for bar in bars)), default=0)
    if not most or len(bars) > _MOST_BARS:
        return None
    room = _WIDTH - _LEFT - _RIGHT
    placed = tuple(
        Placed(
            _short(bar.label),
            bar.shown,
            bar.tone,
            number * (_BAR + _GAP) + _GAP // 2,
            int(room * bar.amount / most),
        )
        for number, bar in enumerate(bars)
    )
    return Chart(
        name,
        title,
        "; ".join(f"{bar.label}: {bar.shown}" for bar in bars),
        placed,
        len(bars) * (_BAR + _GAP),
        None if goal is None else _LEFT + int(room * goal / most),
    )


def _short(label: str) -> str:
    if len(label) <= _LONGEST_LABEL:
        return label
    return f"{label[: _LONGEST_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"


def _overview(report: Report) -> Iterator[tuple[object, ...]]:
    for one in report.calls:
        flows, money = one.figures.flows, one.figures.money
        said = (flows.submitted, flows.admitted, report_rows.refused(flows))
        given: tuple[object, ...] = ("-", report_rows.NO_MONEY)
        if money is not None:
            given = (flows.grants, format_money(flows.granted_amount))
        yield (one.call, one.title, *said, *given)


def _overview_chart(report: Report) -> Chart | None:
    bars = [
        Bar(one.call, granted, format_money(granted), "b")
        for one in report.calls
        if one.figures.money
        for granted in (one.figures.flows.granted_amount,)
    ]
    return drawn("overview", "Granted by each call, in euros (concesso)", bars)


def _told(figures: Figures, one: CallReport | None, name: str) -> dict[str, Any]:
    flows = figures.flows
    rows = [*report_rows.counts(figures), *report_rows.sums(figures)]
    return {
        "rows": rows,
        "no_money": None if figures.money else report_rows.NO_MONEY,
        "standing": sorted(figures.stock.standing.items()),
        "money": _money_chart(figures, name),
        "steps": list(_steps(figures, one)),
        "times": _times_chart(figures, one, name),
        "missed": [
            (kind, side, count)
            for side, by_applicants in (
                ("the office (amministrazione)", False),
                ("applicants (richiedenti)", True),
            )
            for kind, count in report_rows.missed(
                flows, by_applicants=by_applicants
            ).items()
        ],
        "overtakings": [
            (
                f"{told.call}#{told.seq}",
                told.protocol,
                told.event,
                told.overtaken,
                act_of({"act": told.act}) or "-",
            )
            for told in flows.overtakings
        ],
        "months": [
            (
                month,
                found.submitted,
                found.grants if figures.money else "-",
                format_money(found.granted) if figures.money else "-",
            )
            for month, found in sorted(flows.months.items())
        ],
        "monthly": _monthly_chart(figures, name),
    }


def _steps(figures: Figures, one: CallReport | None) -> Iterator[dict[str, object]]:
    for step in report_rows.steps(figures.flows):
        times = figures.flows.times[step]
        yield {
            "name": step,
            "count": times.count,
            "within": times.within,
            "share": report_rows.share(times.within, times.count),
            "median": times.median,
            "slow": times.slow,
            "term": report_rows.term_of(one, step),
        }


# The charts


def _money_chart(figures: Figures, name: str) -> Chart | None:
    money, flows = figures.money, figures.flows
    if money is None:
        return None
    amounts = (
        ("allocation (dotazione)", money.allocation, "a"),
        ("requested (richiesto)", flows.requested, "c"),
        ("granted (concesso)", flows.granted_amount, "b"),
        ("granted, net (concesso netto)", money.granted, "b"),
        ("disbursable (erogabile)", figures.stock.disbursable, "b"),
    )
    bars = [
        Bar(label, cents, format_money(cents), tone) for label, cents, tone in amounts
    ]
    return drawn(f"{name}-money", "Money, in euros (risorse)", bars)


def _times_chart(figures: Figures, one: CallReport | None, name: str) -> Chart | None:
    bars = [
        bar
        for step in report_rows.steps(figures.flows)
        for bar in _times_bars(figures, one, step)
    ]
    return drawn(f"{name}-times", "Days that each step took (durata)", bars)


def _times_bars(figures: Figures, one: CallReport | None, step: str) -> Iterator[Bar]:
    times = figures.flows.times[step]
    median, slow = times.median or 0, times.slow or 0
    yield Bar(f"{step}, median", median, f"{median} days", "b")
    yield Bar(f"{step}, 90% within", slow, f"{slow} days", "c")
    rule = one.rules.terms.get(TermKind(step)) if one else None
    if rule is not None and rule.counting is Counting.DAYS:
        yield Bar(f"{step}, term", rule.count, f"{rule.count} days", "a")


def _monthly_chart(figures: Figures, name: str) -> Chart | None:
    if figures.money is None:
        return None
    bars = [
        Bar(month, found.granted, format_money(found.granted), "b")
        for month, found in sorted(figures.flows.months.items())
    ]
    return drawn(f"{name}-months", "Granted in each month, in euros (concesso)", bars)


# The plan


def _plan(compared: Compared) -> dict[str, object]:
    return {
        "title": compared.plan.title,
        "source": compared.plan.source,
        "lines": [_line(line) for line in compared.lines],
        "quotients": [
            {
                "title": one.quotient.title,
                "of": f"{one.quotient.dividend} / {one.quotient.divisor}",
                "readings": [
                    (italian_date(on), "n.d." if value is None else value)
                    for on, value in one.values
                ],
            }
            for one in compared.quotients
        ],
    }


def _line(line: Line) -> dict[str, object]:
    about = line.indicator
    return {
        "code": about.code,
        "title": about.title,
        "note": about.note,
        "reached": line.reached,
        "reached_on": italian_date(line.latest.on) if line.latest else None,
        "readings": list(_values(line)),
        "chart": _line_chart(line),
    }


def _values(line: Line) -> Iterator[tuple[str, str, str, bool, str]]:
    about = line.indicator
    basis = about.basis
    yield "baseline", written(about.baseline, about.unit), "-", False, basis
    for one in line.values:
        said = written(one.reading.value, about.unit)
        derived = _derived(line, one.derived)
        when = italian_date(one.reading.on)
        yield when, said, derived, one.disagrees, one.reading.source
    target = written(about.target, about.unit)
    yield f"target {italian_date(about.target_on)}", target, "-", False, basis
    if line.derived is not None:
        told = _derived(line, line.derived)
        yield "end of the period (fine del periodo)", "-", told, False, "register"


def _derived(line: Line, value: Decimal | None) -> str:
    return "-" if value is None else written(rounded(value), line.indicator.unit)


def _line_chart(line: Line) -> Chart | None:
    about = line.indicator
    told: Iterable[tuple[str, Decimal | None, str]] = (
        ("baseline", about.baseline, "a"),
        *(
            (italian_date(one.reading.on), one.reading.value, "b")
            for one in line.values
        ),
        (f"target {italian_date(about.target_on)}", about.target, "a"),
    )
    bars = [
        Bar(label, value, written(value, about.unit), tone)
        for label, value, tone in told
        if value is not None
    ]
    return drawn(f"plan-{about.code}", about.title, bars, about.target)
