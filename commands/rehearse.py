"""What would the opening of a call feel like?"""

import os
import sys
from typing import Any

import click

from commands.entry import engine_of, told_in_words
from commands.lazy import json_option, wants_json
from commands.numbers import WholeNumber
from commands.output import clean, emit, print_pairs
from commands.plain import say
from config.loader import find, load, shipped
from config.schema import CallDefinition
from config.settings import Settings, read_settings
from models.scratch import rehearsal_database
from models.session import DatabaseUnavailableError, reading
from models.vocabulary import Cents
from workflow.errors import InputError, RefusedError, SportelloError, TamperedError
from workflow.rules.amounts import format_money, parse_money
from workflow.services import lookups, rehearsals
from workflow.services.rehearsals import Felt, Plan

_SETTING = "SPORTELLO_DATABASE_URL"
_MOST = 1_000_000
_FASTEST = 100_000
_SHARE = 100
"""Where a call has no cap, each asks for so little of the allocation."""


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
    help="What each asks for; if nothing is said, the cap of the call.",
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
    with 1.

    \b
    Example:
        sportello rehearse competenze-innovazione-2025 --applications 400 --rate 200
    """
    with told_in_words():
        settings = read_settings()
        rules = _rules(settings, call)
        plan = Plan(applications, rate, _requested(rules, requested))
        engine_of(settings.database, _SETTING, lock_wait=0).dispose()  # is it one?
        name = f"sportello_rehearsal_{os.getpid()}"
        with rehearsal_database(settings.database, name) as engine:
            felt = _played(engine, rules, plan)
            kind = engine.dialect.name
    emit(_document(felt, rules, kind), lambda: _show(felt, rules, kind))
    if (error := _fault(felt)) is not None:
        if wants_json():
            context.exit(error.exit_code)  # the document says it, and is the only one
        raise error


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


def _played(engine: Any, rules: CallDefinition, plan: Plan) -> Felt:  # noqa: ANN401 - a command knows no engine
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
        with reading(engine) as session:
            row = lookups.find_call(session, call)
            return lookups.rules_of(session, row.id, row.version)
    except (SportelloError, DatabaseUnavailableError) as error:
        listed = ", ".join(shipped())
        raise InputError(
            "call.unknown",
            f"CALL `{clean(call)}` is neither a call file (FILE.toml), nor one that "
            f"comes with the program ({listed}), nor the code of a call that is "
            "loaded",
        ) from error
    finally:
        engine.dispose()


def _requested(rules: CallDefinition, written: str | None) -> Cents:
    allocation = rules.allocation.amount
    most = min(allocation, rules.aid.cap or allocation)
    if written is None:
        return most if rules.aid.cap else Cents(allocation // _SHARE)
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
    return Cents(requested)


def _document(felt: Felt, rules: CallDefinition, kind: str) -> dict[str, Any]:
    plan = felt.plan
    return {
        "call": rules.code,
        "database": kind,
        "applications": plan.applications,
        "rate": plan.rate,
        "requested": format_money(plan.requested),
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
        "entries": felt.entries,
        "verified_seconds": round(felt.verified_in, 3),
        "ok": _fault(felt) is None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _show(felt: Felt, rules: CallDefinition, kind: str) -> None:
    plan = felt.plan
    say(
        f"{rules.code}: {plan.applications} applications, {plan.rate} a second, "
        f"{format_money(plan.requested)} each, on a scratch database ({kind})\n"
    )
    print_pairs(
        (
            ("answered", _answered(felt)),
            ("waited", _waited(felt)),
            ("placed", _placed(felt)),
            ("same instant", f"{felt.ties}: among them the protocol number decides"),
            ("refused", _refused(felt)),
            ("try again", _turned_away(felt)),
            ("money", _money(felt)),
            ("register", _register(felt)),
        ),
        indent="  ",
    )


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
