"""How is a closed set ranked, and how does money go down the ranking?

Each is one act about the whole call: its entry holds all of it, and an entry in each
file says what becomes of that one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, func, select

from config.logs import log
from config.schema import CallDefinition
from models.canonical import digest, encode
from models.tables import Application, Call, RankedPlace, Ranking, RegisterEntry
from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    CallEvent,
    CallState,
    Cents,
    Event,
    Outcome,
)
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
from workflow.facts import NOTHING
from workflow.machine import Inputs, Ranked
from workflow.moves.calls import RankInputs, SetFacts
from workflow.moves.families import TABLES
from workflow.moves.inputs import FundingInputs
from workflow.rules import ranking
from workflow.rules.amounts import format_money, share
from workflow.rules.ranking import Award, Candidate, Ordered
from workflow.services import (
    call_acts,
    call_moves,
    case_files,
    lookups,
    mailings,
    officers,
)
from workflow.services.call_asked import Asked
from workflow.services.made_rankings import Made, made
from workflow.services.making import make
from workflow.services.open_calls import OpenCall
from workflow.services.windows import opened

_S = ApplicationState
_GROWS = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS)
"""Granted, and a part that was missing may still come to it."""
_GIVEN = (*_GROWS, _S.COMPLETED)


@dataclass(frozen=True)
class Found:
    """The set as it stands: its files by protocol, and what the rules see of them."""

    files: Mapping[str, Application]
    candidates: tuple[Candidate, ...]
    below: tuple[Application, ...]
    """Who is ready, and has a score that is too low."""
    undecided: tuple[str, ...]
    rankings: int


def rank(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    *,
    act: str,
    reason: str,
    seed: str | None = None,
    dry_run: bool = False,
    meant: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Rank the closed set and give the money out (*approvazione della graduatoria*).

    Made again, it is a new version: what was granted stays, what was only reserved
    follows the new order. *meant* and *seen* are those of `decrees.grant`.

    Raises:
        RefusedError: somebody of the set is not decided yet, or a rule says no.
        ConflictError: what it does is not any more what was seen.
    """
    if seed is not None:
        lookups.refuse_unwritable("seed", seed, call_acts.LONGEST_SEED)
    asked = Asked(CallEvent.RANK_CALL, RankInputs(seed=seed))
    return _carry_out(
        desk,
        code,
        _stated(asked, act, reason),
        lambda work, asked: _Act(work, asked).rank(seed or ""),
        dry_run=dry_run,
        meant=meant,
        seen=seen,
    )


def fund(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    *,
    act: str,
    reason: str,
    dry_run: bool = False,
    meant: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Let the money that is free go down the ranking (*scorrimento*).

    Who has a part is completed first, then the next ones follow.

    Raises:
        RefusedError: there is no ranking, or nobody would get anything.
        ConflictError: what it does is not any more what was seen.
    """
    return _carry_out(
        desk,
        code,
        _stated(Asked(CallEvent.FUND_CALL), act, reason),
        lambda work, asked: _Act(work, asked).fund(),
        dry_run=dry_run,
        meant=meant,
        seen=seen,
    )


def latest(session: Session, call: Call) -> Made | None:
    """Return the last ranking of a call, if there is one."""
    row = session.exec(
        select(Ranking)
        .where(Ranking.call_id == call.id)
        .order_by(col(Ranking.version).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    entry = session.get_one(RegisterEntry, (call.id, row.entry_seq))
    return made(orjson.loads(entry.body))


def next_down(session: Session, call: Call) -> tuple[Award, ...]:
    """Return who would get more of the money that is free, by an act: nothing is done.

    Nobody before the first ranking, and nobody once the call is over.
    """
    ranked = TABLES[call.family].ranked
    if ranked is None:
        return ()
    rules = lookups.rules_of(session, call.id, call.version)
    found = _found(session, call, rules, ranked)
    if call.state is not CallState.CLOSED:
        return ()
    return _moving(found, case_files.money_of(call).residual, rules)


def _stated(asked: Asked, act: str, reason: str) -> Asked:
    lookups.refuse_unwritable("act", act, lookups.LONGEST_ACT)
    lookups.refuse_unwritable("reason", reason, lookups.LONGEST_REASON)
    return replace(asked, act=lookups.read_act(act), reason=reason)


def _carry_out(  # noqa: PLR0913 - the parts of an act
    desk: Desk,
    code: str,
    asked: Asked,
    carry: Callable[[OpenCall, Asked], dict[str, Any]],
    *,
    dry_run: bool,
    meant: bool,
    seen: Mapping[str, Any] | None,
) -> dict[str, Any]:
    try:
        with opened(desk, code, keep=not dry_run) as work:
            told = carry(work, asked)
            told["notices"] = mailings.written_since(
                work.session, work.call, work.began
            )
            if seen is not None and _essence(told) != _essence(seen):
                raise ConflictError(
                    "ranking.changed",
                    f"{code} changed meanwhile, and the act would not do any more what "
                    "was shown: nothing was done; look at it again",
                )
    except RefusedError as error:
        if meant or not dry_run:
            call_acts.record_refusal(desk, code, asked, error)
        raise
    if not dry_run:
        log.info("call_ranked", call=code, event_name=asked.event.value)
    return {"call": code, "act": str(asked.act), **told, "dry_run": dry_run}


def _essence(told: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what an act does, without where it stands in the register."""
    placed = [
        (one["application"], one["place"], one["amount"]) for one in told["order"]
    ]
    return placed, told["rejected"]


@dataclass(frozen=True)
class _Act:
    work: OpenCall
    asked: Asked

    @property
    def _rules(self) -> CallDefinition:
        return self.work.rules().definition

    def rank(self, seed: str) -> dict[str, Any]:
        """Make a version of the ranking, and what follows from it in each file."""
        ranked = self.work.table.ranked
        if ranked is None:
            self._move(None, {})
            raise AssertionError  # pragma: no cover - the guard has refused it
        found = self._found(ranked)
        order = ranked.order(found.candidates, self._rules, seed)
        money = case_files.money_of(self.work.call).residual
        back = sum(one.held - one.kept for one in found.candidates)
        awards = ranking.shared_out(
            ranking.unreserved(one.candidate for one in order),
            Cents(money + back),
            self._rules.ranking,
            minimum=ranking.least(self._rules),
        )
        version = found.rankings + 1
        told = _ranking_told(version, order, awards, found.below)
        facts = _set_facts(found, ranked, self._rules)
        seq = self._move(facts, {"ranking": told})
        self._keep(told, found, seq, seed)
        lines = list(zip(order, awards, range(1, len(order) + 1), strict=True))
        actor = officers.identify(self.work.session, self.work.desk)
        for application in found.below:
            self._reject(actor, application, version)
        # What is taken back has to be there before it is given to others.
        for one, award, place in sorted(lines, key=_takes_back):
            self._place(
                actor,
                found.files[one.candidate.protocol],
                FundingInputs(ranking=version, place=place, amount=award.amount),
                {"decided": _decided(one), "of": len(order), "left": award.left},
            )
        return {
            "version": version,
            "sha256": told["sha256"],
            "entry": seq,
            "order": [_line(place, award, one) for one, award, place in lines],
            "rejected": [lookups.named(application) for application in found.below],
            "residual": self._residual(),
        }

    def fund(self) -> dict[str, Any]:
        """Let what is free go down the last version of the ranking."""
        ranked = self.work.table.ranked
        if ranked is None:
            self._move(None, {})
            raise AssertionError  # pragma: no cover - the guard has refused it
        found = self._found(ranked)
        free = case_files.money_of(self.work.call).residual
        moving = _moving(found, free, self._rules)
        facts = replace(
            _set_facts(found, ranked, self._rules),
            moved=len(moving),
        )
        places = {
            name: file.rank or 0 for name, file in found.files.items() if file.rank
        }
        told = [
            {
                "place": places[one.candidate.protocol],
                "application": one.candidate.protocol,
                "before": one.candidate.held,
                "amount": one.amount,
                "left": one.left,
            }
            for one in moving
        ]
        findings = {"ranking": found.rankings, "free": free, "funded": told}
        seq = self._move(facts, findings)
        actor = officers.identify(self.work.session, self.work.desk)
        for award in moving:
            name = award.candidate.protocol
            self._place(
                actor,
                found.files[name],
                FundingInputs(
                    ranking=found.rankings, place=places[name], amount=award.amount
                ),
                {"before": award.candidate.held, "left": award.left},
            )
        return {
            "version": found.rankings,
            "entry": seq,
            "free": format_money(free),
            "order": [_line(places[one.candidate.protocol], one) for one in moving],
            "rejected": [],
            "residual": self._residual(),
        }

    def _found(self, ranked: Ranked) -> Found:
        work = self.work
        return _found(work.session, work.call, self._rules, ranked, lock=True)

    def _residual(self) -> str:
        return format_money(case_files.money_of(self.work.call).residual)

    def _move(self, facts: SetFacts | None, findings: Mapping[str, Any]) -> int:
        """Make the move of the call itself; its entry holds the whole act."""
        work = self.work
        actor = officers.identify(work.session, work.desk)
        asked = replace(self.asked, ranked=facts, findings=findings)
        moved = call_moves.make(work.session, work.desk, work.call, actor, asked)
        return moved.entry.seq

    def _keep(self, told: Mapping[str, Any], found: Found, seq: int, seed: str) -> None:
        work, version = self.work, told["version"]
        session, call = work.session, work.call
        entry = session.get_one(RegisterEntry, (call.id, seq))
        session.add(
            Ranking(
                call_id=call.id,
                version=version,
                entry_seq=seq,
                seed=seed or None,
                sha256=told["sha256"],
                ranked_at=entry.at,
            )
        )
        session.flush()
        session.add_all(
            RankedPlace(
                call_id=call.id,
                version=version,
                place=one["place"],
                application_id=found.files[one["application"]].id,
                score=one["score"],
                amount=one["amount"],
            )
            for one in told["order"]
        )
        session.flush()

    def _place(
        self,
        actor: officers.Actor,
        application: Application,
        given: FundingInputs,
        notes: Mapping[str, Any],
    ) -> None:
        event = Event.FUND if given.amount else Event.ADMIT_UNFUNDED
        self._make(actor, application, event, given, notes)

    def _reject(
        self, actor: officers.Actor, application: Application, version: int
    ) -> None:
        notes = {"version": version, "score": application.score or 0}
        self._make(actor, application, Event.REJECT, Inputs(), notes)

    def _make(
        self,
        actor: officers.Actor,
        application: Application,
        event: Event,
        given: Inputs,
        notes: Mapping[str, Any],
    ) -> None:
        with _named(application):
            make(
                self.work,
                application,
                actor,
                event,
                given=given,
                act=self.asked.act,
                reason=self.asked.reason,
                notes={"ranking": notes},
            )


def _takes_back(line: tuple[Ordered, Award, int]) -> bool:
    one, award, _ = line
    return award.amount >= one.candidate.held


@contextmanager
def _named(application: Application) -> Iterator[None]:
    """Name the application in what is refused of the whole act."""
    name = lookups.named(application)
    try:
        yield
    except RefusedError as error:
        raise RefusedError(
            error.code,
            f"{name}: {error.message}; nothing of the act was done",
            {**error.details, "application": name},
            recorded=f"{name}: {error.recorded}",
        ) from error


# What is found


def _found(
    session: Session,
    call: Call,
    rules: CallDefinition,
    ranked: Ranked,
    *,
    lock: bool = False,
) -> Found:
    before = QUEUED_STATES - {ranked.ready, _S.WAITING}
    query = (
        select(Application)
        .where(Application.call_id == call.id)
        .where(Application.channel == rules.filing.channel)
        .where(col(Application.state).in_({*QUEUED_STATES, *_GIVEN}))
        .order_by(col(Application.filed_seq))
    )
    rows = session.exec(query.with_for_update() if lock else query).all()
    points = _points(session, call)
    below = tuple(
        row
        for row in rows
        if row.state is ranked.ready and (row.score or 0) < rules.merit.threshold
    )
    files = {
        lookups.named(row): row
        for row in rows
        if row.state not in before and row not in below
    }
    return Found(
        files=files,
        candidates=tuple(
            _candidate(name, row, rules, points.get(row.id, {}))
            for name, row in files.items()
        ),
        below=below,
        undecided=tuple(lookups.named(row) for row in rows if row.state in before),
        rankings=session.exec(
            select(func.count()).where(Ranking.call_id == call.id)
        ).one(),
    )


def _candidate(
    name: str, row: Application, rules: CallDefinition, points: Mapping[str, int]
) -> Candidate:
    key = case_files.order_key(row)
    assert key is not None  # noqa: S101 - whoever holds a place was filed
    return Candidate(
        protocol=name,
        key=key,
        wanted=_wanted(row, rules),
        score=row.score,
        points=points,
        held=Cents(row.reserved + row.granted),
        kept=Cents(row.granted),
    )


def _wanted(row: Application, rules: CallDefinition) -> Cents:
    """Return all that it may be given; what was granted in full is never refilled."""
    settled = row.granted and row.asked is None
    if settled or row.state is _S.COMPLETED:
        return Cents(row.granted)
    asked = Cents(row.asked or row.requested)
    if "aid" not in rules.model_fields_set:
        return asked
    cost = Cents(row.admitted_investment or row.investment)
    due = rules.aid.fixed + share(cost, rules.aid.variable_percent)
    most = due if rules.aid.cap is None else min(due, rules.aid.cap)
    return Cents(min(asked, most))


def _points(session: Session, call: Call) -> Mapping[UUID, Mapping[str, int]]:
    """Return the points of each criterion, of all evaluators, by application."""
    rows = session.exec(
        select(RegisterEntry.application_id, RegisterEntry.body)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.event == Event.EVALUATE)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq))
    )
    found: dict[UUID, Mapping[str, int]] = {}
    for application, body in rows:
        score = orjson.loads(body)["findings"].get("score")
        if application is not None and score is not None:
            found[application] = score.get("points", score["criteria"])
    return found


def _set_facts(found: Found, ranked: Ranked, rules: CallDefinition) -> SetFacts:
    return SetFacts(
        rankings=found.rankings,
        candidates=len(found.candidates) + len(found.below),
        undecided=found.undecided,
        draws=ranked.draws(rules),
    )


def _moving(found: Found, free: Cents, rules: CallDefinition) -> tuple[Award, ...]:
    """Return who gets more of what is free, in the order in which it is given."""
    placed = [one for one in found.candidates if found.files[one.protocol].rank]
    placed.sort(key=lambda one: found.files[one.protocol].rank or 0)
    awards = ranking.shared_out(
        placed, free, rules.ranking, minimum=ranking.least(rules)
    )
    more = [one for one in awards if one.more > 0]
    return tuple(sorted(more, key=lambda one: not one.candidate.held))


# What is told


def _ranking_told(
    version: int,
    order: Sequence[Ordered],
    awards: Sequence[Award],
    below: Iterable[Application],
) -> dict[str, Any]:
    """Return a ranking as its entry holds it: money in cents, and its hash."""
    places = [
        {
            "place": place,
            "application": one.candidate.protocol,
            "score": one.candidate.score,
            "decided": _decided(one),
            "wanted": one.candidate.wanted,
            "amount": award.amount,
            "left": award.left,
        }
        for place, (one, award) in enumerate(zip(order, awards, strict=True), start=1)
    ]
    listed: dict[str, Any] = {
        "order": places,
        "below": [
            {"application": lookups.named(row), "score": row.score or 0}
            for row in below
        ],
    }
    return {"version": version, "sha256": digest(encode(listed)), **listed}


def _decided(one: Ordered) -> list[dict[str, int | str]]:
    """Return what decided on a place, in the order of the rules."""
    return [{"rule": rule, "value": value} for rule, value in one.decided.items()]


def _line(place: int, award: Award, one: Ordered | None = None) -> dict[str, Any]:
    candidate = award.candidate
    return {
        "place": place,
        "application": candidate.protocol,
        "score": candidate.score,
        **({} if one is None else {"decided": _decided(one)}),
        "requested": format_money(candidate.wanted),
        "before": format_money(candidate.held if one is None else one.candidate.held),
        "amount": format_money(award.amount),
        "outcome": outcome(candidate.wanted, award.amount),
        "left": format_money(award.left),
    }


def outcome(wanted: int, amount: int) -> str:
    """Word what becomes of one who is admitted."""
    if amount <= NOTHING:
        return "not_funded"
    return "funded" if amount >= wanted else "funded_in_part"
