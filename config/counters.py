"""Do the rules of the counter fit one another and the money of the call?"""

from collections.abc import Iterator

from config.findings import Finding
from config.schema import CallDefinition
from models.vocabulary import OrderPolicy, ShortMoneyPolicy, WaitingPhase

_OVERBOOKING = "overbooking_percent", "overbooking_amount"


def overbooking_is_said_once(call: CallDefinition) -> Iterator[Finding]:
    """Tell an overbooking that is both a share and an amount."""
    if len(_overbookings(call)) > 1:
        yield Finding(
            ("counter", "overbooking_amount"),
            "overbooking_percent says it already: write only one of them",
        )


def overbooking_is_something(call: CallDefinition) -> Iterator[Finding]:
    """Tell an overbooking of zero, which could be meant in two ways."""
    for key, most in _overbookings(call).items():
        if most == 0:
            yield Finding(
                ("counter", key),
                'not zero: to take in nothing beyond the allocation, write "stop" as '
                "allocation.short_money; for no limit, leave this key out",
            )


def stopping_takes_nothing_beyond(call: CallDefinition) -> Iterator[Finding]:
    """Tell an overbooking of a counter that stops when the money is short."""
    if call.allocation.short_money is ShortMoneyPolicy.STOP:
        for key in _overbookings(call):
            yield Finding(
                ("counter", key),
                'short_money is "stop", so nothing is taken in beyond the allocation: '
                "leave this key out",
            )


def stopping_lets_nobody_pass(call: CallDefinition) -> Iterator[Finding]:
    """Tell a counter that stops and yet lets smaller requests jump ahead."""
    stops = call.allocation.short_money is ShortMoneyPolicy.STOP
    if stops and call.counter.jump_ahead:
        yield Finding(
            ("counter", "jump_ahead"),
            'short_money is "stop", so nobody waits who could be passed: write false',
        )


def comparing_never_stops(call: CallDefinition) -> Iterator[Finding]:
    """Tell a counter that stops among those who count as arrived together."""
    if _compares(call) and call.allocation.short_money is ShortMoneyPolicy.STOP:
        yield Finding(
            ("allocation", "short_money"),
            f'the order is "{call.counter.order}", so no instant can part those who '
            'count as arrived together: write "waiting_list" or "partial"',
        )


def comparing_refuses_nobody(call: CallDefinition) -> Iterator[Finding]:
    """Tell an overbooking that would part those who count as arrived together."""
    if _compares(call):
        for key in _overbookings(call):
            yield Finding(
                ("counter", key),
                f'the order is "{call.counter.order}", so nobody can be refused '
                "for the instant of arrival: leave this key out",
            )


def comparing_lets_nobody_pass(call: CallDefinition) -> Iterator[Finding]:
    """Tell a counter that compares and yet lets smaller requests jump ahead."""
    if _compares(call) and call.counter.jump_ahead:
        yield Finding(
            ("counter", "jump_ahead"),
            f'the order is "{call.counter.order}", so merit or lot decide who comes '
            "first, and not the amount: write false",
        )


def comparing_examines_all(call: CallDefinition) -> Iterator[Finding]:
    """Tell a counter that compares what it has not examined."""
    waits = call.counter.waiting_list
    if _compares(call) and waits is not WaitingPhase.AFTER_REVIEW:
        yield Finding(
            ("counter", "waiting_list"),
            f'the order is "{call.counter.order}", so all are examined before it is '
            'known who waits: write "after_review"',
        )


def _compares(call: CallDefinition) -> bool:
    """Tell whether some count as arrived together, and are told apart later."""
    return call.counter.order is not OrderPolicy.EXACT_INSTANT


def _overbookings(call: CallDefinition) -> dict[str, object]:
    written = vars(call.counter)
    return {key: written[key] for key in _OVERBOOKING if written.get(key) is not None}
