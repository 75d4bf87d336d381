"""Who takes the money that was set free (*scorrimento*)?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from config.logs import log
from config.schema import CallDefinition
from models.tables import Application
from models.vocabulary import Event, OrderPolicy
from workflow.errors import RefusedError
from workflow.facts import Place
from workflow.machine import Inputs
from workflow.rules import counter, strategies
from workflow.services import case_files, officers
from workflow.services.making import Receipt, make
from workflow.services.open_calls import OpenCall


def run(work: OpenCall, *, as_of: datetime | None = None) -> list[dict[str, Any]]:
    """Give free money to those who wait, one by one, in their order.

    Each is a move of a worker and an entry of its own, in the transaction of
    what set the money free, and *as_of* the same instant. It stops at the first
    who cannot take it.
    """
    rules = work.rules().definition
    if not work.call.waiting or rules.counter.order is OrderPolicy.RANKING:
        return []  # down a ranking money goes by an act alone
    work = work.as_worker("counter")
    _settle(work, rules)
    if not _is_there_any(work, rules):
        return []
    # Read once: a refinancing may promote hundreds, and nobody else is at work.
    places = list(_places(work, rules))
    promoted: list[dict[str, Any]] = []
    while following := _next(places, work, rules):
        application = _locked(work, following.place)
        try:
            receipt = make(
                work,
                application,
                officers.WORKER,
                Event.PROMOTE,
                given=Inputs(),
                queued=places,
                as_of=as_of,
            )
        except RefusedError as error:
            # A file that may not be examined keeps its place until an act says so.
            log.info(
                "promotion_stopped", application=str(application.id), code=error.code
            )
            break
        places[places.index(following.place)] = case_files.place_of(application)
        promoted.append(_told(receipt))
    return promoted


def _is_there_any(work: OpenCall, rules: CallDefinition) -> bool:
    """Tell whether anybody can be promoted, by one look under the exact instant."""
    if rules.counter.order is not OrderPolicy.EXACT_INSTANT or rules.counter.jump_ahead:
        return True
    channel = rules.filing.channel
    first = case_files.first_without_money(work.session, work.call.id, channel)
    return first is not None and _next([first], work, rules) is not None


def _places(work: OpenCall, rules: CallDefinition) -> tuple[Place, ...]:
    queued = case_files.queue(work.session, work.call.id, rules.filing.channel)
    return strategies.in_order(rules.counter.order, queued)


def _next(
    places: Sequence[Place], work: OpenCall, rules: CallDefinition
) -> counter.Promotion | None:
    """Return who comes next, if there is money for anybody."""
    money = case_files.money_of(work.call)
    if not money.waiting or money.residual <= 0:
        return None
    return counter.next_promotion(
        places, money, rules=rules.counter, allocation=rules.allocation
    )


def _settle(work: OpenCall, rules: CallDefinition) -> None:
    """Take money back from who does not come before those without, once it is known.

    Only where some count as arrived together, and merit or a draw has told them
    apart since the money was reserved.
    """
    policy = rules.counter.order
    if policy is OrderPolicy.EXACT_INSTANT:
        return
    places = case_files.queue(work.session, work.call.id, rules.filing.channel)
    for place in strategies.rebalance(
        places,
        case_files.money_of(work.call).residual,
        rules=rules.counter,
        allocation=rules.allocation,
    ):
        give_back(work, place, f"the order by {policy} put others before it")


def give_back(work: OpenCall, place: Place, cause: str) -> None:
    """Make a file give its reservation up for one that comes before it.

    *cause* is what the entry tells whoever asks why.
    """
    make(
        work,
        _locked(work, place),
        officers.WORKER,
        Event.YIELD_RESERVATION,
        given=Inputs(),
        notes={"because": cause},
    )


def _locked(work: OpenCall, place: Place) -> Application:
    return work.session.get_one(Application, place.application, with_for_update=True)


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "application": receipt.application,
        "amount": receipt.money["movements"][0]["reserved"],
        "seq": receipt.entry.seq,
        "funded_by": receipt.findings["funded_by"],
    }
