"""How do the entries of a call say that it, its money and its queue stood?

Read under the rules that were in force then: their hash is in the register, and
their frozen text must have it.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import orjson
from sqlmodel import Session

from config.loader import dump
from config.schema import CallDefinition
from models.tables import Call, Malfunction
from models.vocabulary import ApplicationState, Cents, Channel, MalfunctionDecision
from workflow.errors import TamperedError
from workflow.facts import CounterFacts, MoneyFacts
from workflow.moves.calls import keeps_a_list
from workflow.register import act_of
from workflow.rules.differences import differences
from workflow.rules.windows import Agenda, Announced, as_of
from workflow.services import histories, lookups, memberships, queues, sets
from workflow.services.calls import CallView, VersionView
from workflow.services.chronicles import Chronicle, PastVersion
from workflow.services.moments import Cut
from workflow.services.past_files import PastFile
from workflow.services.queues import Arrived, QueueView


def rules_then(session: Session, call_id: UUID, version: PastVersion) -> CallDefinition:
    """Return a version of the call, if it still is what the register says.

    Raises:
        TamperedError: its text has another hash.
    """
    rules = lookups.rules_of(session, call_id, version.number)
    row = session.info["call_versions"][call_id, version.number]
    if row.fingerprint != version.fingerprint:
        raise TamperedError(
            "call.altered",
            f"version {version.number} of the call is not the one that entry "
            f"{version.entry['seq']} loaded; run `sportello log verify`",
        )
    return rules


def rules_of(
    session: Session, row: Call, told: Chronicle, file: PastFile
) -> CallDefinition:
    """Return the rules under which an application stood."""
    return rules_then(session, row.id, told.versions[file.call_version])


def agenda(session: Session, row: Call, told: Chronicle, at: datetime) -> Agenda:
    """Return where a call stood at an instant, whoever had noticed by then."""
    waits = told.announced
    stood = Agenda(
        state=told.stands,
        rules=rules_then(session, row.id, told.versions[told.version]),
        openings=tuple(opening for _, opening in sorted(told.openings.items())),
        suspended_for=told.suspended_for,
        reopens_at=told.reopens_at,
        closed_at=told.closed_at,
        announced=None
        if waits is None
        else Announced(
            waits.number,
            datetime.fromisoformat(waits.effective_at),
            rules_then(session, row.id, waits),
        ),
    )
    return as_of(stood, at)


def queue_of(session: Session, row: Call, told: Chronicle, at: datetime) -> QueueView:
    """Return the queue of a call as its entries tell it."""
    stood = agenda(session, row, told, at)
    rules = rules_then(session, row.id, told.versions[told.version])
    channel = rules.filing.channel
    arrived = tuple(told.in_order_of_arrival())
    return queues.lined_up(
        told.call,
        rules,
        CounterFacts(
            stood.state,
            stood.openings,
            stood.suspended_for,
            stood.reopens_at,
            stood.rules.window.closes_at,
        ),
        MoneyFacts(
            Cents(told.allocation),
            Cents(told.reserved),
            Cents(told.granted),
            Cents(waiting_amount(session, row.id, told)),
        ),
        Arrived(
            tuple(
                one.place()
                for one in arrived
                if one.holds_a_place(channel)
                or (told.ranking is not None and one.rank is not None)
            ),
            {
                (one.key.protocol_year, one.key.protocol_number): position
                for position, one in enumerate(arrived, start=1)
                if one.key is not None
            },
            tuple(
                one.name
                for one in sorted(arrived, key=lambda one: one.filed_seq)
                if one.stands is ApplicationState.SUBMITTED
                and one.channel is not channel
            ),
            told.ranking,
        ),
    )


def waiting_amount(session: Session, call_id: UUID, told: Chronicle) -> int:
    """Return what those ask for who hold a place and have no money."""
    channels = {
        number: rules_then(session, call_id, version).filing.channel
        for number, version in told.versions.items()
    }
    return sum(
        one.requested
        for one in told.files.values()
        if one.holds_a_place(channels[one.call_version]) and one.lacks_money
    )


def _waiting(
    session: Session, row: Call, told: Chronicle, channel: Channel
) -> dict[str, int]:
    """Return how many waited for money, and for how much, as `calls` does now."""
    waits = [
        one
        for one in told.files.values()
        if one.holds_a_place(channel) and one.lacks_money
    ]
    if not sets.is_ranked(row):
        amount = waiting_amount(session, row.id, told)
        return {"waiting": len(waits), "waiting_amount": amount}
    unfunded = [one for one in waits if one.stands is ApplicationState.WAITING]
    return {
        "waiting": len(unfunded),
        "waiting_amount": sum(one.requested for one in unfunded),
    }


def call_of(session: Session, row: Call, told: Chronicle, found: Cut) -> CallView:
    """Return a call as its entries tell it; the refused ones count as well."""
    stood = agenda(session, row, told, found.at)
    waits = told.announced
    if waits is not None and stood.announced is None:
        in_force, waits = waits.number, None
    else:
        in_force = told.version
    channel = stood.rules.filing.channel
    return CallView(
        code=told.call,
        title=stood.rules.title,
        state=stood.state,
        version=in_force,
        rules=stood.rules,
        allocation=stood.rules.allocation.amount,
        reserved=told.reserved,
        granted=told.granted,
        **_waiting(session, row, told, channel),
        filed=told.filed,
        entries=found.seq,
        openings=stood.openings,
        suspended_for=stood.suspended_for,
        suspended_because=told.suspended_because if stood.suspended_for else None,
        reopens_at=stood.reopens_at,
        closed_at=stood.closed_at,
        announced=_version(session, row.id, told, waits) if waits else None,
        malfunctions=tuple(_malfunctions(row.id, told)),
        listed=(
            memberships.told_until(session, row.id, found.seq)
            if keeps_a_list(stood.rules)
            else None
        ),
        erased_under=act_of(told.erasure) if told.erasure else None,
    )


def _version(
    session: Session, call_id: UUID, told: Chronicle, version: PastVersion
) -> VersionView:
    """Return a version as `call history` shows it."""
    before = told.versions.get(version.number - 1)
    return VersionView(
        number=version.number,
        hash=version.fingerprint,
        event=version.entry["event"],
        loaded_at=datetime.fromisoformat(version.entry["at"]),
        loaded_by=histories.login_of(session, version.entry["actor"]),
        effective_at=datetime.fromisoformat(version.effective_at),
        act=act_of(version.entry),
        reason=version.entry["reason"],
        differences=tuple(
            differences(
                orjson.loads(dump(rules_then(session, call_id, before))),
                orjson.loads(dump(rules_then(session, call_id, version))),
            )
        )
        if before
        else (),
    )


def _malfunctions(call_id: UUID, told: Chronicle) -> Iterator[Malfunction]:
    for ordinal, noted in sorted(told.malfunctions.items()):
        decided = noted["decided_at"]
        yield Malfunction(
            call_id=call_id,
            ordinal=ordinal,
            began_at=datetime.fromisoformat(noted["began_at"]),
            ended_at=datetime.fromisoformat(noted["ended_at"]),
            evidence=noted["evidence"],
            recorded_at=datetime.fromisoformat(noted["noted_at"]),
            decision=MalfunctionDecision(noted["decision"])
            if noted["decision"]
            else None,
            decided_at=datetime.fromisoformat(decided) if decided else None,
        )
