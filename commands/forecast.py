"""What would the workers do by a day?"""

import re
from collections.abc import Mapping
from datetime import date, datetime

import click

from commands.entry import at_desk
from commands.instants import read_instant
from commands.lazy import json_option
from commands.numbers import WholeNumber
from commands.output import Table, civil, emit, instant
from commands.plain import say
from models.vocabulary import CallEvent, Event
from workflow.desk import Desk
from workflow.moves.words import spoken
from workflow.rules.calendar import end_of_day
from workflow.services import forecasts

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST = 999_999
"""Microseconds: a civil day ends with the last of them."""

WORDS: Mapping[CallEvent | Event, str] = {
    CallEvent.APPLY_VERSION: "version {version} of the call takes effect",
    CallEvent.OPEN_CALL: "the counter opens",
    CallEvent.REOPEN_CALL: "the counter opens again",
    CallEvent.CLOSE_CALL: "the counter closes",
    Event.ENTER_SET: "the set is closed with it: its term begins to run",
    Event.EXPIRE: "the draft expires: the window is over",
    Event.EXPIRE_COMPLETION: "the completion is not awaited any longer",
    Event.EXPIRE_OBSERVATIONS: "observations are not awaited any longer",
    Event.PROPOSE_LAPSE: "a lapse is proposed: {term} was missed",
    Event.EXPIRE_PROPOSAL: "the proposal of lapse falls, undecided",
    Event.RELEASE_COR: "the COR lapses: its act was not sent in time",
    Event.DECLARE_END: "the plan ends, and its report is due",
    Event.EXPIRE_TERM: "the term {term} ends",
    Event.RESUME_TERM: "the clock of {term} goes on",
    Event.REMIND_TERM: "the applicant is reminded of {term}",
    Event.ESCALATE_TERM: "{term} was missed: the manager is told",
    Event.PROMOTE: "it takes money that is free (scorrimento)",
    Event.YIELD_RESERVATION: "it gives its reservation up, and waits",
}
"""What each thing that workers do is called."""


def _read_until(
    context: click.Context, option: click.Parameter, text: str
) -> datetime | None:
    """Read a day, which is meant to its end in Rome, or an instant."""
    if not _DAY.match(text):
        raise click.BadParameter(
            f"`{text}`: write a day, such as 2026-06-30, or a day and an hour of Rome, "
            "such as 2026-06-30T16:00"
        )
    if len(text) > len("2026-06-30"):
        return read_instant(context, option, text)
    try:
        return end_of_day(date.fromisoformat(text)).replace(microsecond=_LAST)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"`{text}` is no day of the calendar") from None


@click.command("forecast")
@click.argument("call", required=False)
@click.option(
    "--until",
    required=True,
    callback=_read_until,
    metavar="DATE",
    help="To the end of a day in Rome, such as 2026-06-30, or to an instant.",
)
@click.option(
    "--limit",
    type=WholeNumber(min=1),
    metavar="N",
    help="Only the first N things that would be done.",
)
@json_option
@at_desk
def forecast_command(
    desk: Desk, call: str | None, until: datetime, *, limit: int | None
) -> None:
    """Tell what the workers would do by a day, and do nothing (previsione).

    In all calls or in one: windows, drafts, terms, and whom each would wake. It is
    tried on a copy, by a clock that goes ahead by itself; the copy is deleted.

    A term is over in the first second after its last day: name the day after to
    see what comes of it.

    \b
    Example:
        sportello forecast RLF12025051244 --until 2026-06-30
    """
    foreseen = forecasts.forecast(desk, code=call, until=until)
    shown = foreseen.effects[:limit]
    emit(
        {
            "effects": [_as_json(one) for one in shown],
            "more": len(foreseen.effects) - len(shown),
            "now": instant(foreseen.now),
            "until": instant(foreseen.until),
            "written": False,
        },
        lambda: _tell(foreseen, shown),
    )


def _as_json(one: forecasts.Effect) -> dict[str, object]:
    return {
        "at": instant(one.at),
        "application": one.application,
        "effect": one.event.value if one.event else "fail",
        "call": one.call,
        "term": one.term.value if one.term else None,
        "text": _said(one),
        "wakes": one.wakes.value if one.wakes else None,
        "instead_of": one.instead_of.value if one.instead_of else None,
        "letters": [letter.value for letter in one.letters],
        "fault": one.fault,
    }


def _tell(foreseen: forecasts.Forecast, shown: tuple[forecasts.Effect, ...]) -> None:
    until = f"{civil(foreseen.until)} (Rome)"
    for call in dict.fromkeys(one.call for one in shown):
        table = Table(("when (Rome)", "file", "what+", "wakes"), title=f"{call}:")
        late = False
        for one in shown:
            if one.call != call:
                continue
            if late and one.at > foreseen.now:
                table.rule("from now on")
            elif not late and one.at <= foreseen.now:
                table.rule("due already")
            late = one.at <= foreseen.now
            table.add(civil(one.at), one.application, _said(one), one.wakes)
        table.print()
        say("")
    if more := len(foreseen.effects) - len(shown):
        say(f"{more} more: see them with --limit {len(foreseen.effects)}")
    failing = sum(one.event is None for one in foreseen.effects)
    done = len(foreseen.effects) - failing
    if not foreseen.effects:
        say(f"The workers would do nothing until {until}.")
    else:
        fails = f" and fail in {failing}" if failing else ""
        say(f"The workers would do {done} thing(s){fails} until {until}.")
    say("Nothing was written. What officers and applicants do meanwhile may change it.")


def _said(one: forecasts.Effect) -> str:
    """Tell an effect in the words of whoever works on the files."""
    term = spoken(one.term) if one.term else ""
    if one.event is None:
        return f"FAILS: {term or 'all that is due'} [{one.fault}]"
    said = WORDS.get(one.event, spoken(one.event))
    said = said.format(term=term, version=one.version)
    return f"{said}, and nothing else" if one.instead_of else said
