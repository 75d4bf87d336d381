"""How is a closed set ranked, and how does money go down the ranking?

Each is one act about the whole call: its entry holds all of it, and an entry in each
file says what becomes of that one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlmodel import Session, col, select

from config.logs import log
from config.schema import CallDefinition
from models.canonical import digest, encode
from models.tables import Application, Call, RankedPlace, Ranking, RegisterEntry
from models.vocabulary import CallEvent, Cents, Event
from workflow.desk import Desk
from workflow.errors import ConflictError, RefusedError
from workflow.facts import NOTHING, ActFacts
from workflow.machine import Inputs, Ranked
from workflow.moves.calls import RankInputs, SetFacts
from workflow.moves.inputs import FundingInputs
from workflow.rules import ranking
from workflow.rules.amounts import format_money
from workflow.rules.calendar import civil_day
from workflow.rules.ranking import Award, Candidate, Ordered
from workflow.services import (
    call_acts,
    call_moves,
    candidates,
    case_files,
    lookups,
    mailings,
    officers,
)
from workflow.services.call_asked import Asked
from workflow.services.candidates import Found
from workflow.services.made_rankings import Made, act_of, made
from workflow.services.making import make
from workflow.services.open_calls import OpenCall
from workflow.services.windows import opened


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
        back = sum(one.held - one.kept for one in (*found.candidates, *found.below))
        awards = ranking.shared_out(
            (one.candidate for one in order),
            Cents(money + back),
            self._rules.ranking,
            minimum=ranking.least(self._rules),
        )
        version = found.rankings + 1
        told = _ranking_told(version, order, awards, found.below)
        facts = self._facts(found, ranked)
        seq = self._move(facts, {"ranking": told})
        self._keep(told, found, seq, seed)
        lines = list(zip(order, awards, range(1, len(order) + 1), strict=True))
        actor = officers.identify(self.work.session, self.work.desk)
        for below in found.below:
            self._reject(actor, found.files[below.protocol], below, version)
        # What is taken back has to be there before it is given to others.
        for one, award, place in sorted(lines, key=lambda line: line[1].more >= 0):
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
            "rejected": [one.protocol for one in found.below],
            "passed_over": _passed_over(found),
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
        moving = candidates.moving(found, free, self._rules)
        facts = replace(self._facts(found, ranked), moved=len(moving))
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
        findings = {
            "ranking": found.rankings,
            "free": free,
            "funded": told,
            "passed_over": _passed_over(found),
        }
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
            "passed_over": _passed_over(found),
            "residual": self._residual(),
        }

    def _found(self, ranked: Ranked) -> Found:
        work = self.work
        return candidates.found(work.session, work.call, self._rules, ranked, lock=True)

    def _facts(self, found: Found, ranked: Ranked) -> SetFacts:
        closed_at = self.work.call.closed_at
        return SetFacts(
            rankings=found.rankings,
            candidates=len(found.candidates) + len(found.below),
            undecided=found.undecided,
            draws=ranked.draws(self._rules),
            made=_acts(self.work.session, self.work.call),
            closed_on=None if closed_at is None else civil_day(closed_at),
            passed_over=tuple(one.protocol for one in found.passed_over),
        )

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
        self,
        actor: officers.Actor,
        application: Application,
        one: Candidate,
        version: int,
    ) -> None:
        notes = {"version": version, **_scored(one)}
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


def _acts(session: Session, call: Call) -> tuple[ActFacts, ...]:
    """Return the acts that have made the versions of the ranking, in their order."""
    bodies = session.exec(
        select(RegisterEntry.body)
        .join(
            Ranking,
            (col(Ranking.call_id) == col(RegisterEntry.call_id))
            & (col(Ranking.entry_seq) == col(RegisterEntry.seq)),
        )
        .where(Ranking.call_id == call.id)
        .order_by(col(Ranking.version))
    )
    return tuple(act_of(orjson.loads(body)) for body in bodies)


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


# What is told


def _ranking_told(
    version: int,
    order: Sequence[Ordered],
    awards: Sequence[Award],
    below: Iterable[Candidate],
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
        "below": [{"application": one.protocol, **_scored(one)} for one in below],
    }
    return {"version": version, "sha256": digest(encode(listed)), **listed}


def _scored(one: Candidate) -> dict[str, int | str]:
    """Return a score that was too low, and what it was before it was cut."""
    score, exact = one.score or 0, ranking.exactly(one.merit)
    return {"score": score, **({} if exact == score else {"exact": exact})}


def _passed_over(found: Found) -> list[dict[str, str]]:
    """Return who gets no more of its part, and why."""
    return [
        {"application": one.protocol, "why": one.stays.value}
        for one in found.passed_over
        if one.stays is not None
    ]


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
        "before": format_money(candidate.held),
        "amount": format_money(award.amount),
        "outcome": outcome(candidate.wanted, award.amount),
        "left": format_money(award.left),
    }


def outcome(wanted: int, amount: int) -> str:
    """Word what becomes of one who is admitted."""
    if amount <= NOTHING:
        return "not_funded"
    return "funded" if amount >= wanted else "funded_in_part"
