"""Why is it, or is it not, the turn of an application, and why that much aid?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session, col, select

from config.schema import CallDefinition
from models.session import reading
from models.tables import Application, Call, Draw
from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    CallEvent,
    CallState,
    Cents,
    Event,
    OrderPolicy,
    TieRule,
)
from workflow.desk import Desk
from workflow.facts import OrderKey, Place
from workflow.moves.amounts import declared_aid
from workflow.moves.words import rome
from workflow.register import act_of
from workflow.rules import money, order, strategies
from workflow.rules.amounts import format_money
from workflow.rules.steps import Step
from workflow.rules.strategies import Candidate
from workflow.services import case_files, histories, lookups, queues
from workflow.services.histories import Explanation

COUNTER_LAW = "art. 5 c. 3 D.Lgs. 123/1998"
_NAMED = 20
_POLICIES = {
    OrderPolicy.EXACT_INSTANT: "applications are taken up in the order of the instant "
    "of receipt; the protocol number breaks a tie",
    OrderPolicy.SAME_DAY_MERIT: "applications of one civil day count as arrived "
    "together, and merit decides among them",
    OrderPolicy.SAME_WEEK_DRAW: "applications of one week count as arrived together, "
    "and a public draw decides among them",
    OrderPolicy.RANKING: "nobody has a turn: all who came until the closing are "
    "ranked by one act, and are examined in any order",
}

_OF_SET = (
    CallEvent.CLOSE_CALL,
    CallEvent.FREEZE_SET,
    CallEvent.RANK_CALL,
    CallEvent.FUND_CALL,
)
_STANDINGS = {
    ApplicationState.SUBMITTED: "not taken up yet",
    ApplicationState.ADMISSIBLE: "admissible, not scored yet",
    ApplicationState.EVALUATED: "scored, not decided on yet",
    ApplicationState.WAITING: "wait for money",
}


def turn(desk: Desk, name: str, *, everything: bool = False) -> Explanation:
    """Tell whose turn is before that of an application, and why.

    Long lists are cut short, unless *everything* is asked for.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        row = lookups.find_application(session, name)
        call = session.get_one(Call, row.call_id)
        rules = lookups.rules_of(session, call.id, row.call_version)
        key = case_files.order_key(row)
        if not {"counter", "allocation"} & rules.model_fields_set:
            return _WITHOUT_TURNS
        if key is None:
            return _without_place(
                f"{row.portal_id} is not filed: the place in the order is given, and "
                "frozen, when it is"
            )
        if row.channel != rules.filing.channel:
            return _without_place(
                f"it came by {row.channel}, not by {rules.filing.channel}: it holds no "
                "place, and an act declares it not receivable"
            )
        if rules.counter.order is OrderPolicy.RANKING:
            return _by_call(session, call, row)
        asked = _Asked(
            session,
            call,
            row,
            rules,
            key,
            case_files.queue(session, call.id, rules.filing.channel),
            most=None if everything else _NAMED,
        )
        return Explanation((*asked.steps(), asked.decisive()), asked.result())


def _place_in(made: Mapping[str, Any], name: str) -> int | None:
    places = {one["application"]: one["place"] for one in made["order"]}
    return places.get(name)


def _by_call(session: Session, call: Call, row: Application) -> Explanation:
    """Tell its place in the ranking, what decided on it, and what came of it."""
    name = lookups.named(row)
    version = f"version {row.call_version} of the call, ranking"
    steps = [Step("order.policy", version, _POLICIES[OrderPolicy.RANKING])]
    result = f"{name} is {row.state}, and in no ranking"
    for entry in histories.of_events(session, call.id, _OF_SET):
        source = f"{act_of(entry) or 'no act'}, entry {entry['seq']}"
        found = entry["findings"]
        if closed := found.get("set"):
            steps.append(Step("order.set", source, _set(closed, name)))
        if entry["event"] == CallEvent.RANK_CALL:
            text = _placed(found["ranking"], name)
            steps.append(Step("order.ranking", source, text))
            place = _place_in(found["ranking"], name)
            result = (
                f"{name} is {row.state}, and not in the last ranking"
                if place is None
                else f"{name} is number {place} of the ranking, and {row.state}"
            )
        elif entry["event"] == CallEvent.FUND_CALL:
            for one in found["funded"]:
                if one["application"] == name:
                    text = (
                        f"money that was free came down to it: "
                        f"{format_money(one['before'])} before, "
                        f"{format_money(one['amount'])} then"
                    )
                    steps.append(Step("order.funding", source, text))
    return Explanation(tuple(steps), result)


def _set(closed: dict[str, Any], name: str) -> str:
    inside = "in it" if name in closed["applications"] else "not in it"
    return (
        f"the set was closed with {closed['count']}, SHA-256 {closed['sha256']}: it is "
        f"{inside}"
    )


def _rule(decided: dict[str, Any]) -> str:
    rule, value = decided["rule"], decided["value"]
    money = rule in {TieRule.LOWER_REQUEST, TieRule.HIGHER_REQUEST}
    return f"{rule} {format_money(value) if money else value}"


def _placed(told: dict[str, Any], name: str) -> str:
    """Say where a version of the ranking has it, and by what."""
    version, size = told["version"], len(told["order"])
    for one in told["order"]:
        if one["application"] == name:
            by = ", ".join(map(_rule, one["decided"]))
            return (
                f"version {version}: number {one['place']} of {size}, by {by}; it gets "
                f"{format_money(one['amount'])} of {format_money(one['wanted'])}, and "
                f"{format_money(one['left'])} is left after it"
            )
    for one in told["below"]:
        if one["application"] == name:
            score = one.get("exact", one["score"])
            return f"version {version}: refused, its score of {score} is too low"
    return f"version {version}: it is not among the {size} that were ranked"


def aid(desk: Desk, name: str) -> Explanation:
    """Tell how much aid an application was granted, or may be, and why.

    A grant is told as it was computed then; before it, as it would be now.

    Raises:
        RefusedError: there is no such application.
    """
    with reading(desk.engine) as session:
        row = lookups.find_application(session, name)
        steps: list[Step] = []
        result = ""
        for entry in histories.carried_out(session, row.call_id, application=row.id):
            if entry["event"] in {Event.GRANT, Event.DETERMINE_AMOUNT}:
                steps += _recorded_aid(entry)
                result = (
                    f"{format_money(row.granted)} is granted; computed by "
                    f"{entry['event']} in entry {entry['seq']}, {_when(entry)}"
                )
        if steps:
            return Explanation(tuple(steps), result)
        call = session.get_one(Call, row.call_id)
        case = case_files.read(session, row)
        facts = case_files.collect(session, call, case, now=desk.ambient.now())
        computed = declared_aid(facts)
        return Explanation(
            computed.steps,
            f"nothing is granted; on {facts.today:%d/%m/%Y} "
            f"{format_money(computed.total)} could be, if all that was declared is "
            "admitted and the money is there",
        )


@dataclass(frozen=True)
class _Asked:
    """The application whose turn is asked about, and what is known of it."""

    session: Session
    call: Call
    row: Application
    rules: CallDefinition
    key: OrderKey
    places: tuple[Place, ...]
    """Everybody who holds a place."""
    most: int | None
    """How many are named at most; none: all of them."""

    def steps(self) -> Iterator[Step]:
        """Tell its place, who is earlier and how each stands, and the overtakings."""
        version = f"version {self.row.call_version} of the call, counter"
        yield Step("order.policy", version, _POLICIES[self._policy])
        yield self._place()
        yield from self._ties()
        yield from self._together()
        yield from self._ended()
        for standing, places in self._standings().items():
            yield Step(
                "order.earlier", standing.source, standing.said(places, self.most)
            )
        yield from self._overtakings()

    def decisive(self) -> Step:
        """Tell what decides whether it may be taken up now."""
        state = self.row.state
        if stopped := self._stopped():
            text = stopped
        elif self.row.waits_for_applicant:
            text = "it waits for its own applicant, and holds up " + (
                "nobody meanwhile" if self._skip else "those after it meanwhile"
            )
        elif state == ApplicationState.WAITING:
            text = "it waits for money: it is taken up once money is promoted to it"
        elif state == ApplicationState.EVALUATED:
            text = self._money()
        elif self._is_to_take_up():
            verdict = order.may_proceed(self._blockers())
            text = (
                verdict.message or "nobody who comes before it is still to be taken up"
            )
        elif state == ApplicationState.SUBMITTED:
            text = "its formal check has started; for the score it has to be admitted"
        else:
            text = f"it is {state}: its turn is over"
        return Step("order.turn", COUNTER_LAW, text)

    def result(self) -> str:
        """Answer in one line."""
        name = lookups.named(self.row)
        if not self._is_to_take_up():
            return f"{name} is {self.row.state}"
        if stopped := self._stopped():
            return f"{name}: {stopped}"
        event = "score" if self._is_to_score() else "review"
        blockers = self._blockers()
        if not blockers:
            return f"{name}: its {event} may start now"
        return f"{name}: its {event} has to wait for {order.named(blockers)}"

    @property
    def _policy(self) -> OrderPolicy:
        return self.rules.counter.order

    @property
    def _skip(self) -> bool:
        return self.rules.procedure.skip_when_suspended

    @property
    def _self(self) -> Candidate:
        return Candidate(self.key, self.row.score, self.row.rank)

    def _stopped(self) -> str | None:
        """Return what keeps anything from being decided on it, whatever its turn is."""
        if self.row.state not in QUEUED_STATES:
            return None
        if self.call.state is CallState.ANNULLED:
            return "the call was annulled: nothing is taken up any more"
        if strategies.awaits_draw(self._policy, self.row.rank):
            return "it waits for the public draw of its week"
        return None

    def _earlier(self) -> tuple[Place, ...]:
        return strategies.earlier_in_turn(self._policy, self._self, self.places)

    def _is_to_score(self) -> bool:
        return self.row.state == ApplicationState.ADMISSIBLE

    def _is_to_take_up(self) -> bool:
        to_review = (
            self.row.state == ApplicationState.SUBMITTED and not self.row.review_started
        )
        return (to_review or self._is_to_score()) and not self.row.waits_for_applicant

    def _blockers(self) -> tuple[Place, ...]:
        behind = order.unevaluated if self._is_to_score() else order.unreviewed
        return behind(self._earlier(), skip_waiting=self._skip)

    def _place(self) -> Step:
        places = queues.positions(self.session, self.call)
        place = places[self.key.protocol_year, self.key.protocol_number]
        return Step(
            "order.key",
            "the filing",
            f"received at {rome(self.key.received_at)} (Rome), protocol "
            f"{lookups.named(self.row)}: number {place} of {len(places)} in the order "
            "of arrival",
        )

    def _ties(self) -> Iterator[Step]:
        rows = self.session.exec(
            select(Application)
            .where(Application.call_id == self.call.id)
            .where(Application.received_at == self.key.received_at)
            .where(Application.id != self.row.id)
            .order_by(col(Application.protocol_year), col(Application.protocol_number))
        )
        tied = [lookups.named(other) for other in rows]
        if tied:
            yield Step(
                "order.tie",
                "the call, counter.order",
                f"received at the same instant as {_listed(tied, self.most)}: the "
                "protocol number, given one by one, breaks the tie",
            )

    def _together(self) -> Iterator[Step]:
        period = strategies.period(self._policy, self.key.received_at)
        if period is None:
            return
        drawn = self.session.get(Draw, (self.call.id, period))
        if self._policy is OrderPolicy.SAME_DAY_MERIT:
            score = self.row.score
            text = "it has no score yet" if score is None else f"its score is {score}"
        elif drawn is None:
            text = "the week is not drawn yet"
        else:
            text = (
                f"the week was drawn at {rome(drawn.drawn_at)} (Rome) with the seed "
                f"`{drawn.seed}`, rank {self.row.rank or 'none'}; by the SHA-256 of "
                "the seed, a colon and the protocol number anyone can redo it"
            )
        yield Step("order.together", "the call, counter.order", f"{period}: {text}")

    def _ended(self) -> Iterator[Step]:
        """Tell of those who were earlier and no longer hold a place."""
        rows = self.session.exec(
            select(Application)
            .where(Application.call_id == self.call.id)
            .where(Application.channel == self.rules.filing.channel)
            .where(col(Application.received_at).is_not(None))
            .where(col(Application.state).not_in(QUEUED_STATES))
            .order_by(col(Application.filed_seq))
        )
        by_state: dict[ApplicationState, list[str]] = {}
        for row in rows:
            key = case_files.order_key(row)
            if key and strategies.is_earlier(
                self._policy, Candidate(key, row.score, row.rank), self._self
            ):
                by_state.setdefault(row.state, []).append(lookups.named(row))
        for state, names in by_state.items():
            yield Step(
                "order.earlier",
                COUNTER_LAW,
                f"past their turn, {state}: {_listed(names, self.most)}",
            )

    def _standings(self) -> "dict[_Standing, list[Place]]":
        found: dict[_Standing, list[Place]] = {}
        for place in self._earlier():
            found.setdefault(_standing(place, skip=self._skip), []).append(place)
        return found

    def _money(self) -> str:
        mine = money.provided_for(
            strategies.claims_before(self._policy, self._self, self.places),
            jump_ahead=self.rules.counter.jump_ahead,
        )
        facts = case_files.money_of(self.call)
        return (
            f"it is scored: {format_money(money.set_aside(mine))} is set aside for the "
            f"{len(mine)} before it, {format_money(money.available(facts, mine))} is "
            f"left for it, and it asks for {format_money(Cents(self.row.requested))}"
        )

    def _overtakings(self) -> Iterator[Step]:
        name, told = lookups.named(self.row), False
        for entry in histories.overtakings(self.session, self.call.id):
            overtaken = entry["findings"].get("overtaken", ())
            if entry["application"] == str(self.row.id):
                text = f"it overtook {_listed(overtaken, self.most)}"
            elif name in overtaken:
                text = f"{entry['protocol']} overtook it"
            else:
                continue
            told = True
            yield Step(
                "order.overtaking",
                f"{act_of(entry) or 'no act'}, entry {entry['seq']}",
                f"{text} at {_when(entry)}, by {entry['event']}: {entry['reason']}",
            )
        if not told:
            yield Step(
                "order.overtaking",
                "the register",
                "it overtook nobody and nobody overtook it",
            )


@dataclass(frozen=True, slots=True)
class _Standing:
    """How somebody earlier stands, and the rule that says what it means."""

    words: str
    source: str = COUNTER_LAW

    def said(self, places: Iterable[Place], most: int | None) -> str:
        return f"{self.words}: {_listed([one.protocol for one in places], most)}"


def _standing(place: Place, *, skip: bool) -> _Standing:
    if place.waits_for_applicant:
        return _Standing(
            f"wait for their applicant and are {'' if skip else 'not '}skipped",
            "the call, procedure.skip_when_suspended",
        )
    if place.review_started and place.state == ApplicationState.SUBMITTED:
        return _Standing("under review")
    return _Standing(_STANDINGS[place.state])


def _without_place(text: str) -> Explanation:
    step = Step("order.no_place", COUNTER_LAW, text)
    return Explanation((step,), "it has no place in the order")


_WITHOUT_TURNS = Explanation(
    (
        Step(
            "order.none",
            "the call",
            "there is no money, so that nobody comes before anybody: proposals are "
            "examined in any order, and all that are found worthy enter the list",
        ),
    ),
    "nobody has a turn in this call",
)


def _recorded_aid(entry: dict[str, Any]) -> Iterator[Step]:
    for step in entry["findings"].get("aid", ()):
        yield Step(step["rule"], step["source"], step["text"])


def _when(entry: dict[str, Any]) -> str:
    return f"{rome(datetime.fromisoformat(entry['at']))} (Rome)"


def _listed(names: Iterable[str], most: int | None) -> str:
    """Name the first of them, and say how many more there are."""
    known = list(names)
    shown = ", ".join(islice(known, most))
    more = len(known) - (len(known) if most is None else most)
    return f"{shown} and {more} more" if more > 0 else shown
