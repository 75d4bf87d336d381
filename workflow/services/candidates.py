"""Who stands in the set that an act ranks, and what may each be given?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, func, select

from config.schema import CallDefinition
from models.tables import Application, Call, Ranking, RegisterEntry, Step
from models.vocabulary import (
    QUEUED_STATES,
    ApplicationState,
    CallState,
    Cents,
    Event,
    Outcome,
    StepKind,
    StepStatus,
)
from workflow.machine import Ranked
from workflow.moves.families import TABLES
from workflow.rules import ranking
from workflow.rules.amounts import share
from workflow.rules.durations import has_time
from workflow.rules.ranking import Award, Candidate, Stays
from workflow.services import case_files, lookups

_S = ApplicationState
_GIVEN = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS, _S.COMPLETED)
_OPEN_TO_ACTS = (CallState.CLOSED, CallState.CONCLUDED)
_PROPOSALS = (StepKind.LAPSE_PROPOSAL, StepKind.REVOCATION_PROPOSAL)


@dataclass(frozen=True)
class Found:
    """The set as it stands: its files by protocol, and what the rules see of them."""

    files: Mapping[str, Application]
    candidates: tuple[Candidate, ...]
    below: tuple[Candidate, ...]
    """Who is ready, and has a score that is too low."""
    undecided: tuple[str, ...]
    rankings: int

    @property
    def passed_over(self) -> tuple[Candidate, ...]:
        """Who would get more of what is free, if nothing stood in the way."""
        return tuple(
            one
            for one in self.candidates
            if one.stays is not None and one.wanted > one.due
        )


def found(
    session: Session,
    call: Call,
    rules: CallDefinition,
    ranked: Ranked,
    *,
    lock: bool = False,
) -> Found:
    """Find everybody of a set that is not over."""
    before = QUEUED_STATES - {ranked.ready, _S.WAITING}
    query = (
        select(Application)
        .where(Application.call_id == call.id)
        .where(Application.channel == rules.filing.channel)
        .where(col(Application.state).in_({*QUEUED_STATES, *_GIVEN}))
        .order_by(col(Application.filed_seq))
    )
    rows = session.exec(query.with_for_update() if lock else query).all()
    scored, proposed = _scores(session, call), _proposed(session, call)
    files = {lookups.named(row): row for row in rows if row.state not in before}
    candidates = [
        _candidate(name, row, rules, scored.get(row.id, {}), row.id in proposed)
        for name, row in files.items()
    ]
    below = tuple(
        one
        for one in candidates
        if files[one.protocol].state is ranked.ready
        and one.merit < rules.merit.threshold
    )
    return Found(
        files=files,
        candidates=tuple(one for one in candidates if one not in below),
        below=below,
        undecided=tuple(lookups.named(row) for row in rows if row.state in before),
        rankings=session.exec(
            select(func.count()).where(Ranking.call_id == call.id)
        ).one(),
    )


def next_down(session: Session, call: Call, today: date) -> tuple[Award, ...]:
    """Return who would get more of the money that is free, by an act: nothing is done.

    Nobody before the first ranking, nor before the set is closed or once the call is
    annulled, and nobody once no project could be carried out any more.
    """
    ranked = TABLES[call.family].ranked
    if ranked is None or call.state not in _OPEN_TO_ACTS:
        return ()
    rules = lookups.rules_of(session, call.id, call.version)
    if not has_time(rules, today):
        return ()
    return moving(
        found(session, call, rules, ranked),
        case_files.money_of(call).residual,
        rules,
    )


def moving(found: Found, free: Cents, rules: CallDefinition) -> tuple[Award, ...]:
    """Return who gets more of what is free, in the order in which it is given."""
    placed = [one for one in found.candidates if found.files[one.protocol].rank]
    placed.sort(key=lambda one: found.files[one.protocol].rank or 0)
    awards = ranking.moved_down(
        placed, free, rules.ranking, minimum=ranking.least(rules)
    )
    more = [one for one in awards if one.more > 0]
    return tuple(sorted(more, key=lambda one: not one.candidate.held))


def _candidate(
    name: str,
    row: Application,
    rules: CallDefinition,
    score: Mapping[str, Any],
    is_proposed: bool,  # noqa: FBT001 - one of a row
) -> Candidate:
    key = case_files.order_key(row)
    assert key is not None  # noqa: S101 - whoever holds a place was filed
    return Candidate(
        protocol=name,
        key=key,
        wanted=_wanted(row, rules),
        score=row.score,
        mean=Fraction(score["exact"]) if "exact" in score else None,
        points=score.get("points", score.get("criteria", {})),
        held=Cents(row.reserved + row.granted),
        kept=Cents(row.granted),
        stays=_stays(row, rules, is_proposed=is_proposed),
        filed=_most(row, rules, Cents(row.investment)),
    )


def _wanted(row: Application, rules: CallDefinition) -> Cents:
    """Return all that it may be given; what was granted in full is never refilled."""
    settled = row.granted and row.asked is None and not row.reserved
    if settled or row.state is _S.COMPLETED:
        return Cents(row.granted)
    return _most(row, rules, Cents(row.admitted_investment or row.investment))


def _most(row: Application, rules: CallDefinition, cost: Cents) -> Cents:
    """Return what its request comes to on a cost."""
    asked = Cents(row.asked or row.requested)
    if "aid" not in rules.model_fields_set:
        return asked
    due = rules.aid.fixed + share(cost, rules.aid.variable_percent)
    most = due if rules.aid.cap is None else min(due, rules.aid.cap)
    return Cents(min(asked, most))


def _stays(
    row: Application, rules: CallDefinition, *, is_proposed: bool
) -> Stays | None:
    """Tell why one that was granted a part gets no more, if it does not."""
    if not row.granted:
        return None
    if is_proposed:
        return Stays.PROPOSED
    return Stays.REGISTERED if rules.aid.regime != "none" else None


def _proposed(session: Session, call: Call) -> frozenset[UUID]:
    """Return the files of which a lapse or a revocation is proposed."""
    rows = session.exec(
        select(Step.application_id)
        .join(Application, col(Application.id) == col(Step.application_id))
        .where(Application.call_id == call.id)
        .where(col(Step.kind).in_(_PROPOSALS))
        .where(Step.status != StepStatus.CLOSED)
    )
    return frozenset(rows)


def _scores(session: Session, call: Call) -> Mapping[UUID, Mapping[str, Any]]:
    """Return what the entry of each score found, by application."""
    rows = session.exec(
        select(RegisterEntry.application_id, RegisterEntry.body)
        .where(RegisterEntry.call_id == call.id)
        .where(RegisterEntry.event == Event.EVALUATE)
        .where(RegisterEntry.outcome == Outcome.OK)
        .order_by(col(RegisterEntry.seq))
    )
    told: dict[UUID, Mapping[str, Any]] = {}
    for application, body in rows:
        score = orjson.loads(body)["findings"].get("score")
        if application is not None and score is not None:
            told[application] = score
    return told
