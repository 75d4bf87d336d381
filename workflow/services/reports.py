"""How did calls go in a period, by the register and the ledger alone?"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from config.indicators import Plan
from config.schema import CallDefinition, Conflict
from models.session import reading
from models.tables import Application, Call, Movement
from models.vocabulary import CallState, MovementKind
from workflow.desk import Desk
from workflow.errors import InputError, RefusedError
from workflow.register import written
from workflow.reports import comparisons
from workflow.reports.comparisons import Compared, Derived
from workflow.reports.flows import Flows
from workflow.reports.tallies import Counted, Stock, Tally, stock_of
from workflow.rules.amounts import format_money, mean
from workflow.rules.calendar import ONE_DAY, civil_day, italian_date, start_of_day
from workflow.services import histories, lookups, moments, past_calls, sets
from workflow.services.chronicles import Chronicle
from workflow.services.moments import Cut, Moment
from workflow.services.spills import Spilled, spills

_BATCH = 2_000
_MOMENT = timedelta.resolution
_PACKED = attrgetter(*Counted.__slots__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to know."""

    calls: tuple[str, ...] = ()
    """Their codes; none means all."""
    first: date | None = None
    """The first civil day of Rome of the period; none means from the beginning."""
    last: date | None = None
    """Its last one; none means until now."""
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """The money of a call, or of some, in cents."""

    allocation: int
    reserved: int
    granted: int
    """What is granted at the end, after all that became of it."""
    beyond: int
    """What was asked for beyond the allocation (*oltre dotazione*), up to the end."""
    mean_grant: int | None
    """Of the period; none where nobody was granted anything."""
    undertakings: int
    """Different applicants to whom something was granted in the period."""
    members: int
    """The same with the partners who stood behind them."""

    @property
    def residual(self) -> int:
        """What nobody has a claim on."""
        return self.allocation - self.reserved - self.granted


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of a call, or of some together."""

    flows: Flows
    stock: Stock
    money: Money | None
    """None where there is no money in the call: that is not a grant of zero."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """What is told of one call."""

    call: str
    title: str
    state: CallState
    cut: Cut
    """Up to where its register was read."""
    rules: CallDefinition
    """Those in force at the end."""
    figures: Figures
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of all of them."""

    first: date | None
    last: date | None
    at: datetime
    """The end of the period."""
    calls: tuple[CallReport, ...]
    total: Figures
    compared: Compared | None

    @property
    def conflicts(self) -> tuple[tuple[str | None, Conflict], ...]:
        """What sources contradict one another about, each with its call if of one."""
        of_calls = [
            (one.call, found) for one in self.calls for found in one.rules.conflicts
        ]
        known = {found for _, found in of_calls}
        of_plan = self.compared.conflicts if self.compared else ()
        return (*of_calls, *((None, one) for one in of_plan if one not in known))

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not add up; then an auditor has to look."""
        return tuple(f"{one.call}: {told}" for one in self.calls for told in one.faults)


def report(desk: Desk, wanted: Wanted) -> Report:
    """Add the register of calls up, for a period and at its end (*monitoraggio*).

    An entry belongs to the period in which it was written, so that what is told of
    a period that is over never changes. Memory grows with the grants, and with
    nothing else: each entry is read once.

    Raises:
        RefusedError: no such call, or the register tells nothing of that period.
        InputError: the period ends before it begins.
        TamperedError: an entry cannot be read.
        UnavailableError: there is no room for what does not fit in memory.
    """
    if wanted.first and wanted.last and wanted.first > wanted.last:
        raise InputError(
            "range.backwards",
            f"--from {italian_date(wanted.first)} is after --to "
            f"{italian_date(wanted.last)}: nothing is between them; exchange the two",
        )
    if wanted.first and wanted.first > (today := civil_day(desk.ambient.now())):
        raise RefusedError(
            "moment.future",
            f"--from {italian_date(wanted.first)} is still to come, it is "
            f"{italian_date(today)}: the register tells only what has happened",
        )
    with spills() as room, reading(desk.engine) as session:
        reader = _Reader(session, desk, wanted)
        told = tuple(
            reader.read(call, cut, room.mapping(pack=_PACKED, unpack=_unpacked))
            for call, cut in reader.chosen()
        )
        return Report(
            wanted.first,
            wanted.last,
            max((one.cut.at for one in told), default=desk.ambient.now()),
            told,
            reader.all.figures(),
            reader.compared() if wanted.plan else None,
        )


def _unpacked(packed: tuple[Any, ...]) -> Counted:
    return Counted(*packed)


@dataclass
class _Sum:
    """What adds up over calls; *grantees* before which mark they were granted to."""

    flows: Flows = field(default_factory=Flows)
    stock: Stock = field(default_factory=Stock)
    grantees: dict[UUID, int] = field(default_factory=dict)
    partners: set[str] = field(default_factory=set)
    allocation: int = 0
    reserved: int = 0
    granted: int = 0
    beyond: int = 0
    has_money: bool = False

    def take(self, other: "_Sum") -> None:
        """Add what is known of another call."""
        self.flows.add(other.flows)
        self.stock.add(other.stock)
        for applicant, mark in other.grantees.items():
            known = self.grantees.get(applicant, mark)
            self.grantees[applicant] = min(known, mark)
        self.partners |= other.partners
        self.allocation += other.allocation
        self.reserved += other.reserved
        self.granted += other.granted
        self.beyond += other.beyond
        self.has_money |= other.has_money

    def figures(self) -> Figures:
        """Return what is told of it."""
        if not self.has_money:
            return Figures(self.flows, self.stock, None)
        money = Money(
            self.allocation,
            self.reserved,
            self.granted,
            self.beyond,
            mean(self.flows.granted_amount, len(self.grantees)),
            len(self.grantees),
            len(self.partners | set(map(str, self.grantees))),
        )
        return Figures(self.flows, self.stock, money)


class _Reader:
    """Reads the chains that somebody wants, one after the other."""

    def __init__(self, session: Session, desk: Desk, wanted: Wanted) -> None:
        self._session, self._desk, self._wanted = session, desk, wanted
        days = comparisons.days_of(wanted.plan) if wanted.plan else ()
        # What the plan measured before the period is measured by nobody here.
        self._days = tuple(
            day for day in days if wanted.first is None or day >= wanted.first
        )
        self._bounds = [written(start_of_day(day + ONE_DAY)) for day in self._days]
        self._granted = [0] * (len(self._days) + 1)
        self._spans: list[tuple[str, str]] = []
        """From when and until when the register of each call was read."""
        self.all = _Sum()

    def chosen(self) -> Iterator[tuple[Call, Cut]]:
        """Return the calls, each with the end of its register for this period."""
        moment = _end_of(self._desk, self._wanted.last)
        if self._wanted.calls:
            for code in dict.fromkeys(self._wanted.calls):
                call = lookups.find_call(self._session, code)
                yield call, moments.cut(self._session, self._desk, call, moment)
            return
        for call in self._session.exec(select(Call).order_by(col(Call.code))).all():
            cut = moments.cut_or_nothing(self._session, self._desk, call, moment)
            if cut.seq:
                yield call, cut

    def read(self, call: Call, cut: Cut, files: "Spilled[str, Counted]") -> CallReport:
        """Read the register of a call up to where it is cut."""
        first = self._wanted.first
        since = written(start_of_day(first)) if first else ""
        tally = Tally(call.code, files, since=since, bounds=self._bounds)
        told = Chronicle(call.code)
        for body in histories.between(self._session, call.id, after=0, until=cut.seq):
            if body.get("application") is None:
                told.feed(body)
            tally.feed(body)
        return self._finish(call, cut, told, tally, files)

    def _finish(
        self,
        call: Call,
        cut: Cut,
        told: Chronicle,
        tally: Tally,
        files: "Spilled[str, Counted]",
    ) -> CallReport:
        rules = {
            number: past_calls.rules_then(self._session, call.id, version)
            for number, version in told.versions.items()
        }
        to_date = tally.to_date
        channels = {number: one.filing.channel for number, one in rules.items()}
        stock = stock_of(
            (file for _, file in files.every()),
            channels,
            is_ranked=sets.is_ranked(call),
        )
        own = _Sum(
            tally.flows,
            stock,
            self._applicants(call, tally.grantees),
            tally.partners,
            told.allocation,
            to_date.reserved.total(),
            to_date.granted.total(),
            max(0, to_date.requested - told.allocation),
            bool(told.allocation or to_date.reserved or to_date.granted),
        )
        self.all.take(own)
        for mark, granted in enumerate(tally.granted_by_mark):
            self._granted[mark] += granted
        self._spans.append((told.versions[min(rules)].entry["at"], written(cut.at)))
        in_force = rules[told.version]
        return CallReport(
            call.code,
            in_force.title,
            past_calls.agenda(self._session, call, told, cut.at).state,
            cut,
            in_force,
            own.figures(),
            tuple(self._differences(call, cut, to_date)),
        )

    def _applicants(self, call: Call, grantees: Mapping[str, int]) -> dict[UUID, int]:
        """Return who was granted something: only by reference, nobody is named."""
        found: dict[UUID, int] = {}
        if not grantees:
            return found
        query = select(Application.id, Application.applicant_id).where(
            Application.call_id == call.id
        )
        options = query.execution_options(yield_per=_BATCH)
        with closing(self._session.exec(options)) as rows:
            for application, applicant in rows:
                mark = grantees.get(str(application))
                if mark is not None:
                    found[applicant] = min(found.get(applicant, mark), mark)
        return found

    def _differences(self, call: Call, cut: Cut, told: Flows) -> Iterator[str]:
        """Hold the ledger of movements against what the entries add up to."""
        query = (
            select(
                Movement.kind,
                func.sum(Movement.reserved),
                func.sum(Movement.granted),
            )
            .where(Movement.call_id == call.id)
            .where(col(Movement.entry_seq) <= cut.seq)
            .group_by(col(Movement.kind))
        )
        kept = {
            MovementKind(kind).value: (int(reserved), int(granted))
            for kind, reserved, granted in self._session.exec(query)
        }
        for kind in sorted({*kept, *told.reserved, *told.granted}):
            said, held = (told.reserved[kind], told.granted[kind]), kept.get(kind)
            if said != (held or (0, 0)):
                yield (
                    f"the entries tell of movements `{kind}` of {_both(said)}, the "
                    f"ledger has {_both(held or (0, 0))}"
                )

    def compared(self) -> Compared:
        """Put the plan beside what was added up on its days."""
        assert self._wanted.plan is not None  # noqa: S101 - who asks has looked
        at_end = None
        if self.all.has_money:
            at_end = Derived(sum(self._granted), len(self.all.grantees))
        return comparisons.compare(self._wanted.plan, dict(self._then()), at_end)

    def _then(self) -> Iterator[tuple[date, Derived]]:
        """Return what was granted up to each day that the register knows of."""
        for number, (day, bound) in enumerate(
            zip(self._days, self._bounds, strict=True)
        ):
            begun = any(begins < bound for begins, _ in self._spans)
            over = all(bound <= _after(ends) for _, ends in self._spans)
            if self.all.has_money and begun and over:
                grantees = sum(mark <= number for mark in self.all.grantees.values())
                yield day, Derived(sum(self._granted[: number + 1]), grantees)


def _after(instant: str) -> str:
    """Return the next instant: a day is over when its last one has come."""
    return written(datetime.fromisoformat(instant) + _MOMENT)


def _end_of(desk: Desk, last: date | None) -> Moment:
    """Return the end of a day, or of all that was written if none is named."""
    if last is None:
        latest = datetime.max.replace(tzinfo=UTC)
        return Moment(latest, since=desk.ambient.now())
    end = start_of_day(last + ONE_DAY) - _MOMENT
    return Moment(end, since=start_of_day(last))


def _both(sums: Iterable[int]) -> str:
    reserved, granted = map(format_money, sums)
    return f"{reserved} reserved and {granted} granted"
