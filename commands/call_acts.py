"""What may an officer do with a call?"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import click

from commands.call_entries import details, headline
from commands.confirmation import Said, do_once_confirmed, is_typed
from commands.entry import at_desk, warn_of_clock
from commands.instants import read_instant
from commands.lazy import json_option
from commands.numbers import WholeNumber
from commands.output import clean
from commands.plain import say
from commands.receipts import written_to
from models.vocabulary import CallEvent, Cents, MalfunctionDecision, SuspensionCause
from workflow.desk import Desk
from workflow.rules.amounts import parse_money
from workflow.services import call_acts

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_EFFECTIVE = click.option(
    "--effective",
    metavar="INSTANT",
    callback=read_instant,
    help="From when it is in force; now, if nothing is said.",
)


def _formal(function: _Decorated) -> _Decorated:
    """Give a command what every act has, and how it is confirmed."""
    for option in (
        click.option("--yes", is_flag=True, help="Do it without asking."),
        click.option("--dry-run", is_flag=True, help="Only show what would happen."),
        click.option("--reason", help="Why, in words."),
        click.option("--act", help='The act: "TYPE NUMBER/DATE".'),
    ):
        function = option(function)
    return function


@click.command("suspend")
@click.argument("call")
@click.option(
    "--cause",
    type=click.Choice([cause.value for cause in SuspensionCause]),
    default=SuspensionCause.ACT.value,
    show_default=True,
    help="Why nothing is taken in any more.",
)
@_formal
@json_option
@at_desk
def suspend_command(
    desk: Desk,
    /,
    call: str,
    cause: str,
    **formal: Any,  # noqa: ANN401 - each option has its type
) -> None:
    """Suspend the counter of a call from now on (sospensione).

    What arrives afterwards is refused, and recorded. Only a malfunction can do
    without an act: it cannot wait for one.

    \b
    Example:
        sportello call suspend RLF12025051244 --cause malfunction \\
            --reason "the portal does not answer"
    """
    suspended = partial(call_acts.suspend, cause=SuspensionCause(cause))
    _carry_out(desk, call, suspended, formal)


@click.command("reopen")
@click.argument("call")
@click.option(
    "--at",
    metavar="INSTANT",
    required=True,
    callback=read_instant,
    help="When it opens again; it must be still to come.",
)
@_formal
@json_option
@at_desk
def reopen_command(
    desk: Desk,
    /,
    call: str,
    at: datetime,
    **formal: Any,  # noqa: ANN401 - each option has its type
) -> None:
    """Announce when a suspended counter opens again by itself (riapertura).

    A second announcement replaces the first.

    \b
    Example:
        sportello call reopen RLF12025051244 --at 2026-02-10T10:00 \\
            --act "decreto 1234/2026-01-20" --reason "new money"
    """
    _carry_out(desk, call, partial(call_acts.announce_reopening, at=at), formal)


@click.command("extend")
@click.argument("call")
@click.option(
    "--closes-at",
    metavar="INSTANT",
    required=True,
    callback=read_instant,
    help="The new closing, later than the one planned.",
)
@_EFFECTIVE
@_formal
@json_option
@at_desk
def extend_command(
    desk: Desk,
    /,
    call: str,
    closes_at: datetime,
    effective: datetime | None,
    **formal: Any,  # noqa: ANN401 - each option has its type
) -> None:
    """Let a call close later: a new version of it (proroga).

    \b
    Example:
        sportello call extend RLF12025051244 --closes-at 2026-03-20T16:00 \\
            --act "decreto 1234/2026-01-20"
    """
    extended = partial(call_acts.extend, closes_at=closes_at, effective_at=effective)
    _carry_out(desk, call, extended, formal)


def _amount(_context: click.Context, _option: click.Parameter, text: str) -> Cents:
    try:
        return parse_money(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("refinance")
@click.argument("call")
@click.option(
    "--allocation",
    metavar="EUROS.CENTS",
    required=True,
    callback=_amount,
    help="The new total, larger than before.",
)
@_EFFECTIVE
@_formal
@json_option
@at_desk
def refinance_command(
    desk: Desk,
    /,
    call: str,
    allocation: Cents,
    effective: datetime | None,
    **formal: Any,  # noqa: ANN401 - each option has its type
) -> None:
    """Give a call more money: a new version of it (rifinanziamento).

    Who waits for money is promoted in order, as far as it goes.

    \b
    Example:
        sportello call refinance RLF12025051244 --allocation 1500000.00 \\
            --act "decreto 1234/2026-01-20"
    """
    refinanced = partial(
        call_acts.refinance, allocation=allocation, effective_at=effective
    )
    _carry_out(desk, call, refinanced, formal)


@click.command("draw")
@click.argument("call")
@click.option(
    "--week",
    metavar="YYYY-WNN",
    required=True,
    help="The week that is drawn, Monday to Sunday in Rome, such as 2026-W04.",
)
@click.option(
    "--seed",
    required=True,
    help="What was drawn in public; with it anyone can redo the order.",
)
@_formal
@json_option
@at_desk
def draw_command(
    desk: Desk,
    /,
    call: str,
    week: str,
    seed: str,
    **formal: Any,  # noqa: ANN401 - each option has its type
) -> None:
    """Draw the order of those who arrived in one week (sorteggio pubblico).

    Only where the call has this order, once the week is over, and once for each
    week. The order is that of the SHA-256 of SEED:PROTOCOL.

    \b
    Example:
        sportello call draw RLF12025051244 --week 2026-W04 \\
            --seed "lotto Milano 2026-01-27 12-33-41-58-77" \\
            --act "decreto 1234/2026-01-27"
    """
    _carry_out(desk, call, partial(call_acts.draw, week=week, seed=seed), formal)


@click.command("close")
@click.argument("call")
@_formal
@json_option
@at_desk
def close_command(desk: Desk, /, call: str, **formal: Any) -> None:  # noqa: ANN401 - as above
    """Close the counter now, before its time (chiusura anticipata).

    At the instant of the call it closes by itself.

    \b
    Example:
        sportello call close RLF12025051244 --act "decreto 1234/2026-01-20" \\
            --reason "the waiting list is full"
    """
    _carry_out(desk, call, call_acts.close, formal)


@click.command("conclude")
@click.argument("call")
@_formal
@json_option
@at_desk
def conclude_command(desk: Desk, /, call: str, **formal: Any) -> None:  # noqa: ANN401 - as above
    """Conclude a closed call, once everything in it is decided (conclusione).

    \b
    Example:
        sportello call conclude RLF12025051244 --act "decreto 1234/2026-01-20"
    """
    _carry_out(desk, call, call_acts.conclude, formal)


@click.command("annul")
@click.argument("call")
@_formal
@json_option
@at_desk
def annul_command(desk: Desk, /, call: str, **formal: Any) -> None:  # noqa: ANN401 - as above
    """Annul a call, in self-protection or by a judgment (annullamento).

    Nothing of it can be changed any more; its files are annulled one by one.

    \b
    Example:
        sportello call annul RLF12025051244 --act "decreto 1234/2026-01-20" \\
            --reason "the order of arrival is not reliable"
    """
    _carry_out(desk, call, call_acts.annul, formal)


@click.command("malfunction")
@click.argument("call")
@click.option(
    "--from",
    "began_at",
    metavar="INSTANT",
    callback=read_instant,
    help="When the platform ceased to work.",
)
@click.option(
    "--to",
    "ended_at",
    metavar="INSTANT",
    callback=read_instant,
    help="When it worked again.",
)
@click.option("--evidence", help="What proves it: a reference, no personal data.")
@click.option(
    "--decide",
    metavar="NUMBER",
    type=WholeNumber(min=1),
    help="Decide on the malfunction of this number.",
)
@click.option(
    "--decision",
    type=click.Choice([decision.value for decision in MalfunctionDecision]),
    help="What follows from it.",
)
@_formal
@json_option
@at_desk
def malfunction_command(desk: Desk, /, call: str, **stated: Any) -> None:  # noqa: ANN401 - each option has its type
    """Record that the platform did not work, or decide what follows (disservizio).

    It is recorded with --from, --to and --evidence, and decided with --decide,
    --decision, --act and --reason. An extension is then an act of its own:
    `sportello call extend`.

    \b
    Example:
        sportello call malfunction RLF12025051244 --from 2026-01-19T18:03 \\
            --to 2026-01-19T18:09 --evidence "ticket 4711 of the platform"
    """
    done: Callable[..., dict[str, Any]]
    if stated["decide"] is None:
        _check(stated, wanted=_RECORDING, unwanted=(*_DECIDING, "act", "reason"))
        told = {name: stated[name] for name in _RECORDING}
        done = partial(call_acts.record_malfunction, **told)
    else:
        _check(stated, wanted=_DECIDING, unwanted=_RECORDING)
        done = partial(
            call_acts.decide_malfunction,
            malfunction=stated["decide"],
            decision=MalfunctionDecision(stated["decision"]),
        )
    _carry_out(desk, call, done, stated)


_RECORDING = ("began_at", "ended_at", "evidence")
_DECIDING = ("decision",)
_FLAGS = {"began_at": "--from", "ended_at": "--to"}


def _check(
    stated: Mapping[str, object], *, wanted: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    """Refuse half of one thing, and two things at once."""
    doing = "to decide" if "decision" in wanted else "to record"
    for names, given, fault in (
        (wanted, False, "is missing"),
        (unwanted, True, "does not belong here"),
    ):
        for name in names:
            if (stated[name] is not None) == given:
                option = _FLAGS.get(name, f"--{name}")
                raise click.UsageError(f"{doing} a malfunction, {option} {fault}")


COMMANDS = (
    suspend_command,
    reopen_command,
    extend_command,
    refinance_command,
    draw_command,
    close_command,
    conclude_command,
    annul_command,
    malfunction_command,
)


def _carry_out(
    desk: Desk,
    call: str,
    act: Callable[..., dict[str, Any]],
    formal: Mapping[str, Any],
) -> None:
    """Do it; whoever types it sees first what will happen, and confirms it.

    Scripts have never been asked, and are not.
    """
    warn_of_clock(desk, call=call)
    do_once_confirmed(
        call,
        partial(act, desk, call, act=formal["act"], reason=formal["reason"]),
        _show,
        said=Said("Would do: ", "This will happen: ", ""),
        written=lambda entry: f"entry {entry['seq']} of {entry['call']}",
        dry_run=formal["dry_run"],
        yes=formal["yes"] or not is_typed(),
    )


def _show(entry: Mapping[str, Any], verb: str, *, err: bool = False) -> None:
    told = [f"  {line}" for line in (*details(entry), *_drawn(entry), *_letters(entry))]
    if not entry["dry_run"]:  # the number would be somebody else's by then
        told.append(f"  entry {entry['seq']} of the register")
    say("\n".join([f"{verb}{headline(entry)}", *told]), err=err)


def _drawn(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["event"] == CallEvent.RECORD_DRAW:
        for number, protocol in enumerate(entry["findings"]["order"], start=1):
            yield f"{number:>5}  {protocol}"


def _letters(entry: Mapping[str, Any]) -> Iterator[str]:
    for line in written_to(entry["letters"]):
        yield f"writes to {clean(line)}"
