"""What can be done with an application?"""

import click

from commands.entry import at_desk
from commands.lazy import json_option
from commands.options import CODES
from commands.output import emit, print_wrapped
from commands.plain import say
from models.vocabulary import ApplicationState
from workflow.desk import Desk
from workflow.machine import Table as Moves
from workflow.moves.families import TABLES
from workflow.services import calls, views


@click.command("events")
@click.argument("application", metavar="APP")
@click.option(
    "--all", "everything", is_flag=True, help="Name the events of other states too."
)
@json_option
@at_desk
def events_command(desk: Desk, application: str, *, everything: bool) -> None:
    """Show what can be done now with an application, and what is missing.

    For each event: the role that may make it, the options it needs, those it may
    be given and, if it cannot be made now, what is in the way. The codes of
    documents and criteria are those of `sportello call show CALL`.

    \b
    Example:
        sportello events 2026/0000001
    """
    one, found = views.events(desk, application)
    events = list(found)
    if everything:
        family = calls.shown(desk, one.call).rules.family
        events += _of_other_states(TABLES[family], one.state)
    name, call = one.protocol or one.portal_id, one.call

    def tell() -> None:
        say(f"{name} is `{one.state}`")
        _tell("Can be made now", [one for one in events if one.allowed], call)
        _tell("Not now", [one for one in events if not one.allowed], call)
        if not events:
            say("nothing more happens to it: this state is final")

    emit(
        {
            "application": name,
            "state": one.state.value,
            "codes": f"{CODES} {call}",
            "events": [_as_json(event) for event in events],
        },
        tell,
    )


def _of_other_states(moves: Moves, state: ApplicationState) -> list[views.EventView]:
    here = {move.event for move in moves.from_state(state)}
    others = [move for move in moves.moves if move.event not in here]
    return [
        views.EventView(
            event=move.event,
            role=move.role,
            allowed=False,
            missing=(f"it starts from {', '.join(map(str, move.sources))}",),
            needs=(),
            may=(),
            help=move.help,
            target=move.target,
        )
        for move in others
    ]


def _as_json(event: views.EventView) -> dict[str, object]:
    return {
        "event": event.event.value,
        "role": event.role.value,
        "also": [role.value for role in event.also],
        "not_by": list(event.not_by),
        "allowed": event.allowed,
        "missing": list(event.missing),
        "needs": list(event.needs),
        "may": list(event.may),
        "to": event.target.value if event.target else None,
        "help": event.help,
    }


def _tell(title: str, events: list[views.EventView], call: str) -> None:
    if not events:
        return
    say(f"\n{title}")
    for event in events:
        needs = f"  {' '.join(event.needs)}" if event.needs else ""
        roles = " or ".join((event.role, *event.also))
        print_wrapped("  ", f"{event.event} ({roles}){needs}", hanging=4)
        print_wrapped("      ", event.help)
        if {"--checked", "--score"} & set(event.needs):
            say(f"      codes: {CODES} {call}")
        if event.may:
            print_wrapped("      may state: ", " ".join(event.may))
        if event.not_by:
            print_wrapped("      not by who proposed it: ", ", ".join(event.not_by))
        for missing in event.missing:
            print_wrapped("      missing: ", missing)
