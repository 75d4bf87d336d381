"""What does a play leave behind, in figures?"""

from collections.abc import Mapping

from commands.demonstration.stage import Stage, span
from commands.output import civil
from commands.plain import say
from models.vocabulary import Event
from workflow.rules.amounts import format_money
from workflow.services import calls, log, views
from workflow.services.views import ApplicationView


def every_file(scene: Stage) -> None:
    """Show each file on a line: for a call with a few."""
    say("\nThe queue, in the order of arrival")
    say(f"{'protocol':<14}{'state':<16}{'asked':>12}{'granted':>12}  applicant")
    for file in views.listed(scene.desk):
        say(
            f"{file.protocol:<14}{file.state:<16}"
            f"{format_money(file.requested):>12}{format_money(file.granted):>12}"
            f"  {file.applicant[:43]}"
        )
    waiting = views.queue(scene.desk, scene.call).items
    say(f"Waiting for a grant: {len(waiting) or 'nobody'}")


def every_state(scene: Stage) -> None:
    """Show how many files stand in each state: for a call with many."""
    files = dict(enumerate(views.listed(scene.desk)))
    say("\nWho stands where")
    say(
        f"{'state':<12}{'which':<13}{'files':>6}"
        f"{'asked':>14}{'reserved':>14}{'granted':>14}"
    )
    for state in dict.fromkeys(file.state for file in files.values()):
        same = {number: one for number, one in files.items() if one.state == state}
        say(_summed(state, same))
    promoted = len(tuple(log.entries(scene.desk, log.Wanted(event=Event.PROMOTE))))
    say(f"{promoted} of them had no money when they filed, and were promoted.")
    end = views.queue(scene.desk, scene.call).first_without_money
    if end is not None:
        say(f"The money ends before {end.protocol}, received {civil(end.received_at)}.")


def _summed(state: str, files: Mapping[int, ApplicationView]) -> str:
    sums = (
        sum(file.requested for file in files.values()),
        sum(file.reserved for file in files.values()),
        sum(file.granted for file in files.values()),
    )
    told = "".join(f"{format_money(cents):>14}" for cents in sums)
    return f"{state:<12}{span(files):<13}{len(files):>6}{told}"


def money(scene: Stage) -> None:
    """Show what is left of the allocation."""
    call = calls.shown(scene.desk, scene.call)
    say("\nThe money")
    for name, cents in (
        ("allocation", call.allocation),
        ("granted", call.granted),
        ("reserved", call.reserved),
        ("residual", call.residual),
        ("waited for", call.waiting_amount),
    ):
        say(f"{name:<14}{format_money(cents):>12}")
