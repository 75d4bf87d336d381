"""Which moves has a call itself?

It is published, opens, may be suspended and reopened, closes and is concluded.
What is due by its own dates a worker does; everything else is an officer's act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import PlainSerializer

from config.schema import CallDefinition
from models.vocabulary import (
    CallEvent,
    CallState,
    Cents,
    Event,
    Letter,
    MalfunctionDecision,
    OrderPolicy,
    Role,
    SuspensionCause,
)
from workflow.facts import ALLOWED, ActFacts, Hands, MoneyFacts, Place, Verdict
from workflow.machine import Inputs, Rows, formalities
from workflow.moves import yardsticks
from workflow.moves.families import TABLES
from workflow.moves.words import rome
from workflow.register import written
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day, italian_date
from workflow.rules.durations import has_time, latest_day
from workflow.rules.retention import Retention
from workflow.rules.strategies import last_day_of, may_be_drawn
from workflow.rules.windows import OVER, Agenda, may_change_window

_S = CallState
_WINDOW = (_S.PUBLISHED, _S.OPEN, _S.SUSPENDED)
_LIVING = tuple(state for state in _S if state not in OVER)

MAY_LOAD = (Role.ADMINISTRATOR, Role.MANAGER, Role.RESPONSIBLE)
"""Who may bring a call, or a new version of one."""

_SHOWN = 5
"""Of many applications in the way, how many are named."""

Instant = Annotated[datetime, PlainSerializer(written, when_used="json")]


class SuspendInputs(Inputs):
    """Why the counter is suspended (*motivo della sospensione*)."""

    cause: SuspensionCause


class ReopenInputs(Inputs):
    """When the counter opens again (*riapertura*)."""

    at: Instant


class VersionInputs(Inputs):
    """From when a new version is in force; from now, if nothing is said."""

    effective_at: Instant | None = None


class ExtendInputs(VersionInputs):
    """Until when the call is extended (*proroga*)."""

    closes_at: Instant


class RefinanceInputs(VersionInputs):
    """How much money the call has from then on (*rifinanziamento*)."""

    allocation: Cents


class MalfunctionInputs(Inputs):
    """When the platform did not work (*disservizio*), and what proves it."""

    began_at: Instant
    ended_at: Instant
    evidence: str


class DecisionInputs(Inputs):
    """What is decided on a malfunction."""

    malfunction: int
    decision: MalfunctionDecision


class DrawInputs(Inputs):
    """A public draw among those of one week (*sorteggio pubblico*)."""

    week: str
    seed: str


class RankInputs(Inputs):
    """What was drawn in public for a ranking, where something is drawn."""

    seed: str | None = None


@dataclass(frozen=True, slots=True)
class SetFacts:
    """The closed set of a call that ranks it, and what stands in the way."""

    rankings: int
    """How many rankings were made of it."""
    candidates: int
    undecided: tuple[str, ...]
    """Applications of it that are not ready to be ranked."""
    draws: bool
    """Whether the ranking needs a seed."""
    moved: int = 0
    """How many would get more of the money that is free."""
    made: tuple[ActFacts, ...] = ()
    """The acts that have made its rankings, in their order."""
    closed_on: date | None = None
    """The civil day on which the set was closed."""
    passed_over: tuple[str, ...] = ()
    """Who was granted a part, and gets no more of it."""


class UpdateListInputs(Inputs):
    """Whom an act puts on the list, changes and takes off, by protocol number."""

    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Everything a guard of a call may look at."""

    now: datetime
    agenda: Agenda
    money: MoneyFacts
    filed: int = 0
    """How many applications were protocolled so far."""
    by: Hands | None = None
    """Who makes the move."""
    cause: SuspensionCause | None = None
    """Why the counter is to be suspended."""
    new: CallDefinition | None = None
    """The version that is being added."""
    effective_at: datetime | None = None
    """From when that version is in force."""
    undecided: tuple[str, ...] = ()
    """Applications that are drafts, or still hold a place."""
    entitled: tuple[str, ...] = ()
    """Who would get money that is free, by an act on the ranking."""
    malfunctions: tuple[MalfunctionDecision | None, ...] = ()
    """What was decided on each that was recorded, in order."""
    extension_owed: bool = False
    """Whether an extension was decided for a malfunction, and none was made since."""
    arrived: tuple[Place, ...] = ()
    """Who arrived in the week that is to be drawn, and still holds a place."""
    is_drawn: bool = False
    """Whether that week was drawn before."""
    ranked: SetFacts | None = None
    """The set that is ranked; none in a call that ranks nothing."""
    retention: Retention | None = None
    """How long the personal data is kept, where that is asked."""
    unfinished: tuple[str, ...] = ()
    """Applications in which something is still to happen."""
    unsent: int = 0
    """Letters that are still to be sent."""
    act: ActFacts | None = None
    reason: str | None = None

    @property
    def version(self) -> tuple[CallDefinition, datetime]:
        """The version that is being added, and from when it is in force."""
        if self.new is None or self.effective_at is None:
            message = "a new version was to be judged and there is none"
            raise AssertionError(message)
        return self.new, self.effective_at


Guard = Callable[[CallFacts], Verdict]
Check = Callable[[CallFacts, Any], Verdict]


@dataclass(frozen=True, slots=True)
class CallMove:
    """A row of the table of a call; without a target the state stays."""

    event: CallEvent
    sources: tuple[CallState, ...]
    target: CallState | None
    roles: tuple[Role, ...]
    help: str
    basis: str
    needs: tuple[Guard, ...] = ()
    """What must be true whatever is stated."""
    accepts: tuple[Check, ...] = ()
    """What must be true of what is stated."""
    act: bool = False
    reason: bool = False
    when: Callable[[CallFacts], bool] | None = None
    """Tells this row from another of the same event that starts where it does."""
    letters: tuple[Letter, ...] = ()
    """Written to everybody who has a draft or an application that is not over."""

    @property
    def automatic(self) -> bool:
        """Tell whether a worker makes it."""
        return Role.SYSTEM in self.roles

    def is_meant(self, facts: CallFacts) -> bool:
        """Tell whether this row, of those of one event and state, is the one."""
        return self.when is None or self.when(facts)

    def verdict(self, facts: CallFacts, inputs: Inputs) -> Verdict:
        """Return the first thing that stands in the way."""
        for need in self.needs:
            if not (verdict := need(facts)):
                return verdict
        if not (verdict := formalities(self, facts.act, facts.reason)):
            return verdict
        for check in self.accepts:
            if not (verdict := check(facts, inputs)):
                return verdict
        return ALLOWED


def is_by_worker(facts: CallFacts) -> bool:
    """Tell whether a worker makes the move, and no person."""
    return facts.by is not None and facts.by.is_worker


def is_for_malfunction(facts: CallFacts) -> bool:
    """Tell whether the platform does not work: that cannot wait for an act."""
    return facts.cause == SuspensionCause.MALFUNCTION


def reopens_in_time(facts: CallFacts, inputs: ReopenInputs) -> Verdict:
    """Say no to a reopening that nobody can prepare for, or that is too late."""
    if inputs.at <= facts.now:
        return Verdict(
            "call.reopening_in_the_past",
            "a reopening is announced: --at names an instant that is still to come",
        )
    if inputs.at >= facts.agenda.closes_at:
        return Verdict(
            "call.reopening_after_closing",
            f"the call closes {rome(facts.agenda.closes_at)}, before --at; extend it "
            "first, or reopen it earlier",
            {"closes_at": written(facts.agenda.closes_at)},
        )
    return ALLOWED


def no_version_waits(facts: CallFacts) -> Verdict:
    """Say no to a new version while another one waits to take effect."""
    waiting = facts.agenda.announced
    if waiting is None:
        return ALLOWED
    return Verdict(
        "call.version_waits",
        f"version {waiting.number} is announced and takes effect "
        f"{rome(waiting.effective_at)}; wait for it, then change the call",
        {"version": waiting.number, "effective_at": written(waiting.effective_at)},
    )


def takes_effect_from_now(facts: CallFacts) -> Verdict:
    """Say no to a version that would be in force before it was loaded."""
    _, effective_at = facts.version
    if effective_at >= facts.now:
        return ALLOWED
    return Verdict(
        "call.effective_in_the_past",
        "--effective has already passed; a version takes effect now or later",
    )


def keeps_what_happened(facts: CallFacts) -> Verdict:
    """Say no to a window that changes what has already happened."""
    new, effective_at = facts.version
    return may_change_window(facts.agenda, new, effective_at=effective_at)


def covers_what_was_given(facts: CallFacts) -> Verdict:
    """Say no to an allocation below what is already reserved and granted."""
    new, effective_at = facts.version
    amount = new.allocation.amount
    committed = facts.money.reserved + facts.money.granted
    if amount < committed:
        return Verdict(
            "call.allocation_below_committed",
            f"allocation.amount {format_money(amount)} is less than the "
            f"{format_money(committed)} that are given out already: "
            f"{format_money(facts.money.reserved)} reserved and "
            f"{format_money(facts.money.granted)} granted; set that money free first",
        )
    if amount < facts.money.allocation and effective_at > facts.now:
        return Verdict(
            "call.decrease_later",
            "a smaller allocation takes effect at once: what is filed until then "
            "could use the money up; leave --effective out",
        )
    return ALLOWED


def keeps_its_procedure(facts: CallFacts) -> Verdict:
    """Say no to another procedure under running files."""
    new, _ = facts.version
    before = facts.agenda.rules
    if new.family != before.family:
        return Verdict(
            "call.family_changed",
            f"family: {before.code} follows {before.family} and running files cannot "
            "change procedure; load it under another code",
        )
    return ALLOWED


def keeps_places(facts: CallFacts) -> Verdict:
    """Say no to what would decide twice on places that were given already."""
    new, _ = facts.version
    before = facts.agenda.rules
    if facts.filed and _order_of(new) != _order_of(before):
        return Verdict(
            "call.order_changed",
            "counter.order, filing.channel and filing.clock stay as they are: "
            f"{facts.filed} application(s) were filed under them, and nobody's place "
            "is decided twice; load the change under another code",
        )
    if facts.money.waiting and _sharing_of(new) != _sharing_of(before):
        return Verdict(
            "call.sharing_changed",
            "allocation.short_money and counter.jump_ahead stay as they are while "
            f"applications wait for {format_money(facts.money.waiting)}: who comes "
            "next is decided already; change them when nobody waits",
        )
    return ALLOWED


def measures_all_alike(facts: CallFacts) -> Verdict:
    """Say no to what would measure some otherwise who are ranked together.

    From the opening on, and not from the first who is filed: what has come to the
    portal may be handed over later.
    """
    new, effective_at = facts.version
    before = facts.agenda.rules
    if not _ranks(before) or effective_at < before.window.opens_at:
        return ALLOWED
    changed = yardsticks.changed(before, new)
    if not changed:
        return ALLOWED
    return Verdict(
        "call.ranking_changed",
        f"{_first_of(changed)} cannot change any more: all who apply from the opening "
        f"on, {rome(before.window.opens_at)}, are ranked together, and what decides "
        "among them is fixed beforehand (art. 12 L. 241/1990); load the change under "
        "another code",
        {"changed": list(changed)},
    )


def _ranks(rules: CallDefinition) -> bool:
    table = TABLES.get(rules.family)
    return table is not None and table.ranked is not None


def _order_of(rules: CallDefinition) -> tuple[object, ...]:
    return rules.counter.order, rules.filing.channel, rules.filing.clock


def _sharing_of(rules: CallDefinition) -> tuple[object, ...]:
    return rules.allocation.short_money, rules.counter.jump_ahead


def closes_later(facts: CallFacts) -> Verdict:
    """Say no to an extension that extends nothing."""
    new, _ = facts.version
    before = facts.agenda.rules.window.closes_at
    if new.window.closes_at > before:
        return ALLOWED
    return Verdict(
        "call.not_extended",
        f"the call closes {rome(before)}; --closes-at must be later: to close "
        "it earlier use `sportello call close` or load a corrected file",
        {"closes_at": written(before)},
    )


def follows_a_malfunction(facts: CallFacts) -> Verdict:
    """Say no to more time for a closed call, unless a malfunction took it away.

    A malfunction at the closing is recorded and decided on once it is over, and by
    then the call has closed.
    """
    if facts.extension_owed:
        return ALLOWED
    return Verdict(
        "call.closed",
        "the call is closed, and no malfunction awaits the extension decided for it; "
        "record it and decide `extension` with `sportello call malfunction`, or "
        "publish another call",
    )


def keeps_a_list(rules: CallDefinition) -> bool:
    """Tell whether proposals to a call end in an approved list (*elenco*)."""
    table = TABLES.get(rules.family)
    return table is not None and bool(table.of_event(Event.ENTER_LIST))


def may_grow_again(facts: CallFacts) -> bool:
    """Tell whether more time takes nothing from anybody: a list has room for all."""
    return keeps_a_list(facts.agenda.rules)


def has_a_list(facts: CallFacts) -> Verdict:
    """Say no to a list where the procedure ends in none."""
    rules = facts.agenda.rules
    if keeps_a_list(rules):
        return ALLOWED
    return Verdict(
        "list.none", f"{rules.code} follows {rules.family}, which keeps no list"
    )


def list_changes(_facts: CallFacts, inputs: UpdateListInputs) -> Verdict:
    """Say no to an act that would leave the list as it is."""
    if inputs.add or inputs.change or inputs.remove:
        return ALLOWED
    return Verdict(
        "list.unchanged",
        "no proposal was found worthy since the last act, so that there is nobody to "
        "add; name whom to change or to take off with --change and --remove",
    )


def reopens_now(facts: CallFacts) -> Verdict:
    """Say no to a closed counter that would open again later, or for no time."""
    new, effective_at = facts.version
    if effective_at > facts.now:
        return Verdict(
            "call.reopens_at_once",
            "a closed counter that is extended opens again at once; leave "
            "--effective out",
        )
    if new.window.closes_at > facts.now:
        return ALLOWED
    return Verdict(
        "call.closing_in_the_past",
        "--closes-at has already passed; name an instant that is still to come",
    )


def has_more_money(facts: CallFacts) -> Verdict:
    """Say no to a refinancing that brings no money."""
    new, _ = facts.version
    before = facts.agenda.rules.allocation.amount
    if new.allocation.amount > before:
        return ALLOWED
    return Verdict(
        "call.not_refinanced",
        f"the allocation is {format_money(before)}; --allocation names the new "
        "total, which must be larger: to lower it load a corrected file",
        {"allocation": format_money(before)},
    )


def is_an_interval(facts: CallFacts, inputs: MalfunctionInputs) -> Verdict:
    """Say no to a malfunction that ends before it begins, or is not over."""
    if inputs.began_at >= inputs.ended_at:
        return Verdict(
            "malfunction.interval", "--from must be earlier than --to; check the two"
        )
    if inputs.ended_at > facts.now:
        return Verdict(
            "malfunction.not_over",
            "--to is still to come; a malfunction is recorded once it is over: until "
            "then suspend the call with --cause malfunction",
        )
    return ALLOWED


def awaits_a_decision(facts: CallFacts, inputs: DecisionInputs) -> Verdict:
    """Say no where there is no such malfunction, or it is decided already."""
    recorded = len(facts.malfunctions)
    if not 0 < inputs.malfunction <= recorded:
        known = f"1 to {recorded}" if recorded else "none"
        return Verdict(
            "malfunction.unknown",
            f"there is no malfunction {inputs.malfunction}; those recorded: {known}, "
            "see `sportello call show`",
        )
    decided = facts.malfunctions[inputs.malfunction - 1]
    if decided is None:
        return ALLOWED
    return Verdict(
        "malfunction.decided",
        f"on malfunction {inputs.malfunction} it was already decided: {decided}",
        {"decision": decided.value},
    )


def everything_is_decided(facts: CallFacts) -> Verdict:
    """Say no while an application is a draft or waits for a decision."""
    if not facts.undecided:
        return ALLOWED
    return Verdict(
        "call.undecided",
        f"{len(facts.undecided)} application(s) still await a decision: "
        f"{_first_of(facts.undecided)}; "
        "decide them first, see `sportello queue` and `sportello list`",
        {"undecided": len(facts.undecided), "first": list(facts.undecided[:_SHOWN])},
    )


def nobody_is_entitled(facts: CallFacts) -> Verdict:
    """Say no while money is free that goes to somebody in the ranking."""
    if not facts.entitled:
        return ALLOWED
    return Verdict(
        "call.money_is_due",
        f"{format_money(facts.money.residual)} is free, and goes to "
        f"{_first_of(facts.entitled)} by the ranking: give it out with `sportello call "
        "fund` first",
        {"first": list(facts.entitled[:_SHOWN])},
    )


def _first_of(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(names[:_SHOWN]) + rest


def has_been_kept(facts: CallFacts) -> Verdict:
    """Say no while personal data has to be kept (*termine di conservazione*)."""
    kept = facts.retention
    if kept is None:
        message = "how long personal data is kept was to be judged, and is not known"
        raise AssertionError(message)
    if kept.has_ended(civil_day(facts.now)):
        return ALLOWED
    return Verdict(
        "retention.runs",
        f"the last thing in this call was done on {italian_date(kept.over_since)} and "
        f"its data is kept for {kept.years} year(s) (retention.years), until "
        f"{italian_date(kept.last_day)}; erase it from "
        f"{italian_date(kept.may_be_erased_from)} on",
        {"may_be_erased_from": kept.may_be_erased_from.isoformat()},
    )


def everything_is_over(facts: CallFacts) -> Verdict:
    """Say no while something may still be told to an applicant."""
    if facts.unfinished:
        return Verdict(
            "call.unfinished",
            f"{len(facts.unfinished)} application(s) are not over: "
            f"{_first_of(facts.unfinished)}; bring them to their end first, see "
            "`sportello list` and `sportello terms`",
            {
                "unfinished": len(facts.unfinished),
                "first": list(facts.unfinished[:_SHOWN]),
            },
        )
    if facts.unsent:
        return Verdict(
            "call.letters_unsent",
            f"{facts.unsent} letter(s) are still to be sent; have them sent, or find "
            "out what keeps them: `sportello notices --status queued`",
            {"letters": facts.unsent},
        )
    return ALLOWED


def keeps_order_by_draw(facts: CallFacts) -> Verdict:
    """Say no to a draw where the order does not depend on one."""
    policy = facts.agenda.rules.counter.order
    if policy is OrderPolicy.SAME_WEEK_DRAW:
        return ALLOWED
    return Verdict(
        "draw.not_this_call", f"the call keeps the order `{policy}`: nothing is drawn"
    )


def week_may_be_drawn(facts: CallFacts, inputs: DrawInputs) -> Verdict:
    """Say no to a draw before the week is over, to a second one, to an empty one."""
    if not (verdict := may_be_drawn(inputs.week, facts.now)):
        return verdict
    if facts.is_drawn:
        return Verdict(
            "draw.held",
            f"the week {inputs.week} was drawn already, and a draw is held once; see "
            "`sportello log show CALL --event record_draw`",
        )
    last = last_day_of(inputs.week)
    if facts.act and last and facts.act.signed_on <= last:
        return Verdict(
            "act.too_early",
            f"--act {facts.act} is dated before the week {inputs.week} was over; check "
            "the date of the act",
        )
    if not facts.arrived:
        return Verdict(
            "draw.nobody",
            f"nobody who holds a place arrived in the week {inputs.week}; see "
            "`sportello queue CALL`",
        )
    return ALLOWED


def ranks_its_set(facts: CallFacts) -> Verdict:
    """Say no to a ranking where the order is that of arrival."""
    if facts.ranked is not None:
        return ALLOWED
    return Verdict(
        "ranking.not_this_call",
        f"the call follows {facts.agenda.rules.family}, which makes no ranking; see "
        "`sportello queue CALL` for its order",
    )


def set_is_ready(facts: CallFacts) -> Verdict:
    """Say no while an application of the set is not decided, or none is left."""
    found = _set_of(facts)
    if found.undecided:
        return Verdict(
            "ranking.undecided",
            f"{len(found.undecided)} application(s) of the set are not examined to the "
            f"end: {_first_of(found.undecided)}; decide on each of them first, see "
            "`sportello list CALL`",
            {
                "undecided": len(found.undecided),
                "first": list(found.undecided[:_SHOWN]),
            },
        )
    if found.candidates:
        return ALLOWED
    return Verdict(
        "ranking.nobody", "nobody is left in the set; conclude the call instead"
    )


def seed_fits(facts: CallFacts, inputs: RankInputs) -> Verdict:
    """Want what was drawn where something is drawn, and there alone."""
    if _set_of(facts).draws == (inputs.seed is not None):
        return ALLOWED
    if inputs.seed is None:
        return Verdict(
            "ranking.seed_missing",
            "the call draws lots; state what was drawn in public with --seed",
        )
    return Verdict(
        "ranking.seed_not_wanted", "nothing is drawn in this call; leave --seed out"
    )


def act_may_rank(facts: CallFacts, _inputs: RankInputs) -> Verdict:
    """Want an act of its own for each ranking, signed once the set was closed."""
    found, act = _set_of(facts), facts.act
    if act in found.made:
        version = found.made.index(act) + 1
        return Verdict(
            "ranking.act_used",
            f"--act {act} has made version {version} of the ranking; another ranking "
            "needs an act of its own",
            {"version": version},
        )
    return _signed_since(act, found.closed_on, "the day on which the set was closed")


def act_may_fund(facts: CallFacts, _inputs: Inputs) -> Verdict:
    """Want an act that is no older than the ranking that it goes on in."""
    made = _set_of(facts).made[-1]
    return _signed_since(facts.act, made.signed_on, f"the act of the ranking, {made}")


def _signed_since(act: ActFacts | None, day: date | None, what: str) -> Verdict:
    if act is None or day is None or act.signed_on >= day:
        return ALLOWED
    return Verdict(
        "act.too_early",
        f"--act {act} is dated before {what}, {day.isoformat()}; check the date of "
        "the act",
        {"not_before": day.isoformat()},
    )


def has_a_ranking(facts: CallFacts) -> Verdict:
    """Say no to moving down a ranking that was not made."""
    if _set_of(facts).rankings:
        return ALLOWED
    return Verdict(
        "ranking.missing", "there is no ranking yet; `sportello call rank` comes first"
    )


def time_is_left(facts: CallFacts) -> Verdict:
    """Say no to giving money out that nobody could use any more."""
    rules = facts.agenda.rules
    latest = latest_day(rules)
    if latest is None or has_time(rules, civil_day(facts.now)):
        return ALLOWED
    return Verdict(
        "ranking.no_time_left",
        f"the call lets no project end after {italian_date(latest)} "
        "(terms.duration.not_after), and that day has passed: nobody could use the "
        "money; `sportello call conclude` comes next",
        {"not_after": latest.isoformat()},
    )


def something_moves(facts: CallFacts) -> Verdict:
    """Say no where what is free does nothing for anybody."""
    found = _set_of(facts)
    if found.moved:
        return ALLOWED
    stay = f", nor {_first_of(found.passed_over)} more" if found.passed_over else ""
    return Verdict(
        "ranking.nothing_moves",
        f"{format_money(facts.money.residual)} is free, and by the rules of the call "
        f"nobody in the ranking gets any of it{stay}; see `sportello queue CALL`",
        {"free": format_money(facts.money.residual)},
    )


def _set_of(facts: CallFacts) -> SetFacts:
    if facts.ranked is None:
        message = "a set was to be ranked and there is none"
        raise AssertionError(message)
    return facts.ranked


_OF_ANY_VERSION = (
    no_version_waits,
    takes_effect_from_now,
    keeps_its_procedure,
    keeps_places,
    measures_all_alike,
    covers_what_was_given,
)
_OF_A_VERSION = (*_OF_ANY_VERSION, keeps_what_happened)

MOVES = (
    CallMove(
        CallEvent.OPEN_CALL,
        (_S.PUBLISHED,),
        _S.OPEN,
        (Role.SYSTEM,),
        "Open the counter at the instant of the call (apertura).",
        "the call, C.1",
    ),
    CallMove(
        CallEvent.SUSPEND_CALL,
        (_S.OPEN,),
        _S.SUSPENDED,
        (Role.SYSTEM,),
        "Suspend the counter because the money is exhausted (esaurimento).",
        "art. 2 c. 3 D.Lgs. 123/1998; the call, C.2",
        when=is_by_worker,
        letters=(Letter.COUNTER_SUSPENDED,),
    ),
    CallMove(
        CallEvent.SUSPEND_CALL,
        (_S.PUBLISHED, _S.OPEN),
        _S.SUSPENDED,
        (Role.RESPONSIBLE, Role.MANAGER),
        "Suspend the counter because the platform does not work (disservizio).",
        "the call, C.1",
        reason=True,
        when=is_for_malfunction,
        letters=(Letter.COUNTER_SUSPENDED,),
    ),
    CallMove(
        CallEvent.SUSPEND_CALL,
        (_S.PUBLISHED, _S.OPEN),
        _S.SUSPENDED,
        (Role.MANAGER,),
        "Suspend the counter by an act (sospensione).",
        "the call, C.1",
        act=True,
        reason=True,
        letters=(Letter.COUNTER_SUSPENDED,),
    ),
    CallMove(
        CallEvent.ANNOUNCE_REOPENING,
        (_S.SUSPENDED,),
        None,
        (Role.MANAGER,),
        "Announce when a suspended counter opens again (riapertura).",
        "art. 2 c. 3 D.Lgs. 123/1998",
        accepts=(reopens_in_time,),
        act=True,
        reason=True,
    ),
    CallMove(
        CallEvent.REOPEN_CALL,
        (_S.SUSPENDED,),
        _S.OPEN,
        (Role.SYSTEM,),
        "Open the counter again at the instant announced (riapertura).",
        "art. 2 c. 3 D.Lgs. 123/1998",
        letters=(Letter.COUNTER_REOPENED,),
    ),
    CallMove(
        CallEvent.CLOSE_CALL,
        _WINDOW,
        _S.CLOSED,
        (Role.SYSTEM,),
        "Close the counter at the instant of the call (chiusura).",
        "the call, C.1",
        when=is_by_worker,
    ),
    CallMove(
        CallEvent.CLOSE_CALL,
        _WINDOW,
        _S.CLOSED,
        (Role.MANAGER,),
        "Close the counter now, before its time (chiusura anticipata).",
        "the call, C.1",
        act=True,
        reason=True,
    ),
    CallMove(
        CallEvent.EXTEND_CALL,
        _WINDOW,
        None,
        (Role.MANAGER,),
        "Let the counter close later (proroga).",
        "the call, C.1",
        needs=(closes_later, *_OF_A_VERSION),
        act=True,
    ),
    CallMove(
        CallEvent.EXTEND_CALL,
        (_S.CLOSED,),
        _S.OPEN,
        (Role.MANAGER,),
        "Open a closed call again whose list has room for all (proroga).",
        "the call, C.1",
        needs=(closes_later, reopens_now, *_OF_ANY_VERSION),
        act=True,
        when=may_grow_again,
    ),
    CallMove(
        CallEvent.EXTEND_CALL,
        (_S.CLOSED,),
        _S.OPEN,
        (Role.MANAGER,),
        "Open a closed counter again after a malfunction at its closing (proroga).",
        "the call, C.1",
        needs=(follows_a_malfunction, closes_later, reopens_now, *_OF_ANY_VERSION),
        act=True,
        letters=(Letter.COUNTER_REOPENED,),
    ),
    CallMove(
        CallEvent.REFINANCE_CALL,
        _LIVING,
        None,
        (Role.MANAGER,),
        "Give the call more money (rifinanziamento).",
        "the call, A.5",
        needs=(has_more_money, *_OF_A_VERSION),
        act=True,
    ),
    CallMove(
        CallEvent.CHANGE_CALL,
        _LIVING,
        None,
        (Role.MANAGER, Role.ADMINISTRATOR),
        "Correct the call by a new file (rettifica).",
        "the call, C.1",
        needs=_OF_A_VERSION,
        act=True,
    ),
    CallMove(
        CallEvent.APPLY_VERSION,
        _LIVING,
        None,
        (Role.SYSTEM,),
        "Put in force a version that was announced.",
        "the act of the version",
    ),
    CallMove(
        CallEvent.RECORD_MALFUNCTION,
        _LIVING,
        None,
        (Role.RESPONSIBLE,),
        "Record that the platform did not work (disservizio).",
        "the call, C.1",
        accepts=(is_an_interval,),
    ),
    CallMove(
        CallEvent.DECIDE_MALFUNCTION,
        _LIVING,
        None,
        (Role.MANAGER,),
        "Decide what follows from a malfunction (decisione sul disservizio).",
        "the call, C.1",
        accepts=(awaits_a_decision,),
        act=True,
        reason=True,
    ),
    CallMove(
        CallEvent.RECORD_DRAW,
        (_S.OPEN, _S.SUSPENDED, _S.CLOSED),
        None,
        (Role.MANAGER,),
        "Draw the order of those who arrived in one week (sorteggio pubblico).",
        "the call, C.2",
        needs=(keeps_order_by_draw,),
        accepts=(week_may_be_drawn,),
        act=True,
    ),
    CallMove(
        CallEvent.FREEZE_SET,
        (_S.CLOSED, _S.CONCLUDED),
        None,
        (Role.SYSTEM,),
        "Close the set again, with one that was handed over late (insieme chiuso).",
        "the call, C.2",
    ),
    CallMove(
        CallEvent.RANK_CALL,
        (_S.CLOSED, _S.CONCLUDED),
        None,
        (Role.MANAGER,),
        "Rank the closed set and give the money out (approvazione della graduatoria).",
        "art. 5 c. 2 D.Lgs. 123/1998; art. 12 L. 241/1990; the call, C.3",
        needs=(ranks_its_set, no_version_waits, set_is_ready),
        accepts=(act_may_rank, seed_fits),
        act=True,
        reason=True,
    ),
    CallMove(
        CallEvent.FUND_CALL,
        (_S.CLOSED, _S.CONCLUDED),
        None,
        (Role.MANAGER,),
        "Let money that is free go down the ranking (scorrimento).",
        "art. 5 c. 2 D.Lgs. 123/1998; the call, C.3",
        needs=(
            ranks_its_set,
            has_a_ranking,
            no_version_waits,
            time_is_left,
            something_moves,
        ),
        accepts=(act_may_fund,),
        act=True,
        reason=True,
    ),
    CallMove(
        # Again, if something came in time and was handed over after the conclusion.
        CallEvent.CONCLUDE_CALL,
        (_S.CLOSED, _S.CONCLUDED),
        _S.CONCLUDED,
        (Role.MANAGER,),
        "Conclude the call: everything that came in is decided (conclusione).",
        "art. 2 c. 1 L. 241/1990",
        needs=(no_version_waits, everything_is_decided, nobody_is_entitled),
        act=True,
    ),
    CallMove(
        CallEvent.ANNUL_CALL,
        tuple(state for state in _S if state != _S.ANNULLED),
        _S.ANNULLED,
        (Role.MANAGER,),
        "Annul the call in self-protection, or by a judgment (annullamento).",
        "art. 21-nonies L. 241/1990",
        act=True,
        reason=True,
    ),
    CallMove(
        CallEvent.EXPORT_REGISTER,
        tuple(_S),
        None,
        (Role.AUDITOR, Role.RESPONSIBLE, Role.MANAGER, Role.ADMINISTRATOR),
        "Export the register for whoever audits the call (estrazione del registro).",
        "L.R. Lombardia 13/2018",
    ),
    CallMove(
        # Again, if an applicant had to be kept for another call at first.
        CallEvent.ERASE_PERSONAL_DATA,
        (_S.CONCLUDED, _S.ANNULLED),
        None,
        (Role.MANAGER,),
        "Erase the personal data of the call, once it was kept for long enough.",
        "art. 5 par. 1 lett. e Reg. (UE) 2016/679; the call",
        needs=(has_been_kept, everything_is_over),
        act=True,
        reason=True,
    ),
    CallMove(
        # Also once it is concluded: whoever stands on the list may have to leave it.
        CallEvent.UPDATE_LIST,
        (_S.OPEN, _S.SUSPENDED, _S.CLOSED, _S.CONCLUDED),
        None,
        (Role.MANAGER,),
        "Approve the list, or a new version of it (aggiornamento dell'elenco).",
        "the call, on its list",
        needs=(has_a_list,),
        accepts=(list_changes,),
        act=True,
        reason=True,
    ),
)

TABLE: Rows[CallState, CallEvent, CallMove] = Rows(
    CallState, MOVES, "sportello call show CALL"
)
"""The moves of every call, whatever its procedure."""
