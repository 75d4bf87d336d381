"""What would the opening of a call feel like?"""

import sys
from dataclasses import dataclass
from typing import Any

import click

from commands.entry import engine_of, told_in_words
from commands.interruptions import ended_with
from commands.lazy import json_option, wants_json
from commands.numbers import WholeNumber
from commands.output import clean, emit, print_pairs
from commands.plain import say
from config.loader import find, load, shipped
from config.schema import CallDefinition
from config.settings import Settings, read_settings
from models.scratch import Beside, rehearsal_database
from models.session import reading
from models.vocabulary import Cents, ReceiptClock
from workflow.ambient import SystemAmbient
from workflow.errors import (
    InputError,
    RefusedError,
    SportelloError,
    TamperedError,
    UnavailableError,
)
from workflow.rules.amounts import format_money, parse_money
from workflow.services import installation, lookups, rehearsals
from workflow.services.rehearsals import Felt, Plan

_SETTING = "SPORTELLO_DATABASE_URL"
_NOT_LOADED = {"call.unknown", "database.not_initialised"}
_MOST = 1_000_000
_FASTEST = 100_000
_SHARE = 100
"""Where a call has no cap, so many use the allocation up, as most rehearsals do."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What each asks for, and why that."""

    amount: Cents
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class _Played:
    """A rehearsal, with where it was."""

    felt: Felt
    rules: CallDefinition
    asked: _Asked
    kind: str
    beside: Beside


@click.command("rehearse")
@click.argument("call")
@click.option(
    "--applications",
    type=WholeNumber(1, _MOST),
    default=2_000,
    show_default=True,
    help="How many apply.",
)
@click.option(
    "--rate",
    type=WholeNumber(1, _FASTEST),
    default=500,
    show_default=True,
    help="How many of them in a second.",
)
@click.option(
    "--requested",
    metavar="EUROS",
    help="What each asks for; if nothing is said, the cap of the call, or a hundredth "
    "of the allocation where there is none.",
)
@json_option
@click.pass_context
def rehearse_command(
    context: click.Context,
    call: str,
    applications: int,
    rate: int,
    requested: str | None,
) -> None:
    """Play the opening of a call, and say what it felt like (prova generale).

    CALL is a call file, the name of a call that comes with the program, or the code
    of one that is loaded. Invented applicants file at that rate from the instant at
    which it opens, each waiting for an answer, on a scratch database of the same
    kind and in the same place as the real one, which is not touched. Closed lists are
    left aside, also those of other calls, so that anybody may apply; where the call
    wants several to apply together, each names as many partners. With many
    applications it takes as long as it would. If nobody at all is taken in, it ends
    with 1. Ctrl-C, SIGTERM and a closed terminal end it, and leave nothing behind.

    \b
    Example:
        sportello rehearse competenze-innovazione-2025 --applications 400 --rate 200
    """
    with told_in_words():
        settings = read_settings()
        rules = _rules(settings, call)
        asked = _requested(rules, requested)
        plan = Plan(applications, rate, asked.amount)
        engine_of(settings.database, _SETTING, lock_wait=0).dispose()  # is it one?
        # In a container every program has the same number: a name of it may be taken.
        name = f"sportello_rehearsal_{SystemAmbient().new_id().hex}"
        with (
            ended_with("Stopped: the scratch database is gone, nothing is left behind"),
            rehearsal_database(settings.database, name) as beside,
        ):
            _warn_of_place(beside)
            felt = _felt(beside.engine, rules, plan)
    played = _Played(felt, rules, asked, beside.engine.dialect.name, beside)
    emit(_document(played), lambda: _show(played))
    if (error := _fault(felt)) is not None:
        if wants_json():
            context.exit(error.exit_code)  # the document says it, and is the only one
        raise error


def _warn_of_place(beside: Beside) -> None:
    if not beside.is_beside:
        say(
            "Warning: the folder of the real database is not there; the rehearsal is "
            f"in {beside.place}, which may be another disk, faster or slower",
            err=True,
        )


def _fault(felt: Felt) -> SportelloError | None:
    """Return why such a rehearsal says nothing of the day, if that is so."""
    if not felt.verifies:
        return TamperedError(
            "rehearsal.unverified", "the register of the rehearsal does not verify"
        )
    if felt.placed:
        return None
    return RefusedError(
        "rehearsal.nobody_placed",
        f"nobody was taken in: {_refused(felt) or 'all were told to try again'}; "
        "nothing of this tells how the day will be: correct the call file, or ask for "
        "fewer at a time",
    )


def _refused(felt: Felt) -> str:
    return ", ".join(f"{n} [{code}]" for code, n in felt.refused.items())


def _felt(engine: Any, rules: CallDefinition, plan: Plan) -> Felt:  # noqa: ANN401 - a command knows no engine
    if wants_json() or not sys.stderr.isatty():
        return rehearsals.rehearse(engine, rules, plan)
    with click.progressbar(
        length=plan.applications, label="filed", file=sys.stderr
    ) as bar:
        return rehearsals.rehearse(
            engine, rules, plan, tell=lambda _number: bar.update(1)
        )


def _rules(settings: Settings, call: str) -> CallDefinition:
    """Return the rules of a call: loaded, in a file, or one that comes with us."""
    if call in shipped() or call.endswith(".toml"):
        return load(find(call))
    engine = engine_of(settings.database, _SETTING, lock_wait=5)
    try:
        installation.check_form(engine)
        with reading(engine) as session:
            row = lookups.find_call(session, call)
            return lookups.rules_of(session, row.id, row.version)
    except (RefusedError, UnavailableError) as error:
        if error.code not in _NOT_LOADED:
            raise  # whether it is loaded cannot be seen
        listed = ", ".join(shipped())
        raise InputError(
            "call.unknown",
            f"CALL `{clean(call)}` is neither a call file (FILE.toml), nor one that "
            f"comes with the program ({listed}), nor the code of a call that is "
            "loaded",
        ) from error
    finally:
        engine.dispose()


def _requested(rules: CallDefinition, written: str | None) -> _Asked:
    allocation = rules.allocation.amount
    most = min(allocation, rules.aid.cap or allocation)
    if written is None:
        return _usual(rules, most)
    if not allocation:
        raise InputError(
            "amount.none", f"{rules.code} gives no money: leave --requested out"
        )
    try:
        requested = parse_money(written)
    except ValueError:
        requested = None
    if requested is None or not 0 < requested <= most:
        raise InputError(
            "amount.out_of_range",
            f"--requested {clean(written)}: write euros, as 35000.00, more than 0.00 "
            f"and at most {format_money(most)}",
        )
    return _Asked(Cents(requested), "option", "as --requested says")


def _usual(rules: CallDefinition, most: Cents) -> _Asked:
    if not most:
        return _Asked(most, "nothing", "the call gives no money")
    if rules.aid.cap:
        return _Asked(most, "cap", "the cap of the call")
    share = max(Cents(most // _SHARE), Cents(1))
    return _Asked(
        share, "share", f"1/{_SHARE} of the allocation, as the call has no cap"
    )


def _document(played: _Played) -> dict[str, Any]:
    felt, plan = played.felt, played.felt.plan
    return {
        "call": played.rules.code,
        "database": played.kind,
        "place": played.beside.place,
        "beside": played.beside.is_beside,
        "applications": plan.applications,
        "rate": plan.rate,
        "requested": format_money(plan.requested),
        "requested_by": played.asked.by,
        "placed": felt.placed,
        "refused": dict(felt.refused),
        "turned_away": felt.turned_away,
        "seconds": round(felt.took, 3),
        "wait_ms": {
            "p50": round(felt.within(50), 1),
            "p99": round(felt.within(99), 1),
            "max": round(max(felt.waits, default=0.0), 1),
        },
        "covered": felt.covered,
        "exhausted_after_seconds": _rounded(felt.exhausted_at),
        "ties": felt.ties,
        "instants": felt.instants,
        "last_instant_after_seconds": round(felt.last_at, 3),
        "clock": ReceiptClock.REGISTER,
        "clock_of_call": played.rules.filing.clock,
        "entries": felt.entries,
        "verified_seconds": round(felt.verified_in, 3),
        "ok": _fault(felt) is None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _show(played: _Played) -> None:
    felt, plan = played.felt, played.felt.plan
    say(
        f"{played.rules.code}: {plan.applications} applications, {plan.rate} a second, "
        f"on a scratch database ({played.kind})\n"
    )
    asked = f"{format_money(plan.requested)} each: {played.asked.why}"
    print_pairs(
        (
            ("requested", asked),
            ("answered", _answered(felt)),
            ("waited", _waited(felt)),
            ("placed", _placed(felt)),
            ("order", _order(felt)),
            ("dated", _dated(played)),
            ("refused", _refused(felt)),
            ("try again", _turned_away(felt)),
            ("money", _money(felt)),
            ("register", _register(felt)),
            ("in", played.beside.place),
        ),
        indent="  ",
    )


def _order(felt: Felt) -> str | None:
    if not felt.placed:
        return None
    if not felt.ties:
        return "as they came to us, each at an instant of its own"
    return (
        f"as they came to us; who waits together shares one of {felt.instants} instants"
    )


def _dated(played: _Played) -> str | None:
    if not played.felt.placed:
        return None
    dated = f"to {played.felt.last_at:.3f} s after the opening, by our clock"
    if played.rules.filing.clock == ReceiptClock.PORTAL:
        dated += "; on the day by the portal's"
    return dated


def _answered(felt: Felt) -> str:
    done = felt.placed + felt.refused.total()
    return f"{done} in {felt.took:.1f} s: {done / felt.took:.0f} a second"


def _placed(felt: Felt) -> str:
    return f"{felt.placed}, without a gap in the order" if felt.placed else "NOBODY"


def _turned_away(felt: Felt) -> str | None:
    return f"{felt.turned_away}, without a number" if felt.turned_away else None


def _waited(felt: Felt) -> str:
    longest = max(felt.waits, default=0.0)
    return (
        f"half of them up to {felt.within(50):.0f} ms, 99 of 100 up to "
        f"{felt.within(99):.0f} ms, nobody longer than {longest:.0f} ms"
    )


def _register(felt: Felt) -> str:
    outcome = "ok" if felt.verifies else "does NOT verify"
    return f"{felt.entries} entries, verified in {felt.verified_in:.1f} s: {outcome}"


def _money(felt: Felt) -> str:
    if not felt.covered:
        return "nothing is reserved at the filing"
    if felt.exhausted_at is None:
        return f"reserved for all {felt.covered}"
    return (
        f"reserved for the first {felt.covered}: gone {felt.exhausted_at:.3f} s after "
        "the opening"
    )
