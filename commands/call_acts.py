"""What may an officer do with a call?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from commands.call_entries import details, headline
from commands.entry import at_desk, warn_of_clock
from commands.instants import read_instant
from commands.lazy import json_option, note_done
from commands.output import clean, emit
from commands.receipts import written_to
from models.vocabulary import Cents, MalfunctionDecision, SuspensionCause
from workflow.desk import Desk
from workflow.rules.amounts import parse_money
from workflow.services import call_acts

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_ACT = click.option("--act", help='The act: "TYPE NUMBER/DATE".')
_REASON = click.option("--reason", help="Why, in words.")
_EFFECTIVE = click.option(
    "--effective",
    metavar="INSTANT",
    callback=read_instant,
    help="From when it is in force; now, if nothing is said.",
)


def _formal(function: _Decorated) -> _Decorated:
    """Give a command the act and the reason."""
    return _ACT(_REASON(function))


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
    desk: Desk, call: str, cause: str, act: str | None, reason: str | None
) -> None:
    """Suspend the counter of a call from now on (sospensione).

    What arrives afterwards is refused, and recorded. Only a malfunction can do
    without an act: it cannot wait for one.

    \b
    Example:
        sportello call suspend RLF12025051244 --cause malfunction \\
            --reason "the portal does not answer"
    """
    warn_of_clock(desk, call=call)
    entry = call_acts.suspend(
        desk, call, cause=SuspensionCause(cause), act=act, reason=reason
    )
    _answer(entry)


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
    desk: Desk, call: str, at: datetime, act: str | None, reason: str | None
) -> None:
    """Announce when a suspended counter opens again by itself (riapertura).

    A second announcement replaces the first.

    \b
    Example:
        sportello call reopen RLF12025051244 --at 2026-02-10T10:00 \\
            --act "decreto 1234/2026-01-20" --reason "new money"
    """
    warn_of_clock(desk, call=call)
    _answer(call_acts.announce_reopening(desk, call, at=at, act=act, reason=reason))


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
def extend_command(  # noqa: PLR0913, PLR0917 - each is an option
    desk: Desk,
    call: str,
    closes_at: datetime,
    effective: datetime | None,
    act: str | None,
    reason: str | None,
) -> None:
    """Let a call close later: a new version of it (proroga).

    \b
    Example:
        sportello call extend RLF12025051244 --closes-at 2026-03-20T16:00 \\
            --act "decreto 1234/2026-01-20"
    """
    warn_of_clock(desk, call=call)
    entry = call_acts.extend(
        desk, call, closes_at=closes_at, effective_at=effective, act=act, reason=reason
    )
    _answer(entry)


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
def refinance_command(  # noqa: PLR0913, PLR0917 - each is an option
    desk: Desk,
    call: str,
    allocation: Cents,
    effective: datetime | None,
    act: str | None,
    reason: str | None,
) -> None:
    """Give a call more money: a new version of it (rifinanziamento).

    Who waits for money is promoted in order, as far as it goes.

    \b
    Example:
        sportello call refinance RLF12025051244 --allocation 1500000.00 \\
            --act "decreto 1234/2026-01-20"
    """
    warn_of_clock(desk, call=call)
    entry = call_acts.refinance(
        desk,
        call,
        allocation=allocation,
        effective_at=effective,
        act=act,
        reason=reason,
    )
    _answer(entry)


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
def draw_command(  # noqa: PLR0913, PLR0917 - each is an option
    desk: Desk,
    call: str,
    week: str,
    seed: str,
    act: str | None,
    reason: str | None,
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
    warn_of_clock(desk, call=call)
    entry = call_acts.draw(desk, call, week=week, seed=seed, act=act, reason=reason)
    _answer(entry, *_drawn(entry["findings"]["order"]))


def _drawn(order: Sequence[str]) -> Iterator[str]:
    for number, protocol in enumerate(order, start=1):
        yield f"{number:>5}  {protocol}"


@click.command("close")
@click.argument("call")
@_formal
@json_option
@at_desk
def close_command(desk: Desk, call: str, act: str | None, reason: str | None) -> None:
    """Close the counter now, before its time (chiusura anticipata).

    At the instant of the call it closes by itself.

    \b
    Example:
        sportello call close RLF12025051244 --act "decreto 1234/2026-01-20" \\
            --reason "the waiting list is full"
    """
    warn_of_clock(desk, call=call)
    _answer(call_acts.close(desk, call, act=act, reason=reason))


@click.command("conclude")
@click.argument("call")
@_formal
@json_option
@at_desk
def conclude_command(
    desk: Desk, call: str, act: str | None, reason: str | None
) -> None:
    """Conclude a closed call, once everything in it is decided (conclusione).

    \b
    Example:
        sportello call conclude RLF12025051244 --act "decreto 1234/2026-01-20"
    """
    warn_of_clock(desk, call=call)
    _answer(call_acts.conclude(desk, call, act=act, reason=reason))


@click.command("annul")
@click.argument("call")
@_formal
@json_option
@at_desk
def annul_command(desk: Desk, call: str, act: str | None, reason: str | None) -> None:
    """Annul a call, in self-protection or by a judgment (annullamento).

    Nothing of it can be changed any more; its files are annulled one by one.

    \b
    Example:
        sportello call annul RLF12025051244 --act "decreto 1234/2026-01-20" \\
            --reason "the order of arrival is not reliable"
    """
    warn_of_clock(desk, call=call)
    _answer(call_acts.annul(desk, call, act=act, reason=reason))


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
    type=click.IntRange(min=1),
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
    warn_of_clock(desk, call=call)
    if stated["decide"] is None:
        _check(stated, wanted=_RECORDING, unwanted=(*_DECIDING, "act", "reason"))
        entry = call_acts.record_malfunction(
            desk, call, **{name: stated[name] for name in _RECORDING}
        )
    else:
        _check(stated, wanted=_DECIDING, unwanted=_RECORDING)
        entry = call_acts.decide_malfunction(
            desk,
            call,
            malfunction=stated["decide"],
            decision=MalfunctionDecision(stated["decision"]),
            act=stated["act"],
            reason=stated["reason"],
        )
    _answer(entry)


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


def _letters(entry: Mapping[str, Any]) -> Iterator[str]:
    for line in written_to(entry["letters"]):
        yield f"writes to {clean(line)}"


def _answer(entry: Mapping[str, Any], *more: str) -> None:
    note_done(f"entry {entry['seq']} of {entry['call']}")

    def tell() -> None:
        click.echo(headline(entry))
        for line in (*details(entry), *more, *_letters(entry)):
            click.echo(f"  {line}")
        click.echo(f"  entry {entry['seq']} of the register")

    emit(entry, tell)
