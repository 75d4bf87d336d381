"""Why is something as it is?"""

import click

from commands.entry import at_desk
from commands.lazy import Listing, json_option
from commands.output import clean, emit, print_wrapped
from workflow.desk import Desk
from workflow.errors import TamperedError
from workflow.services import (
    accounts,
    entry_explanations,
    explanations,
    term_explanations,
)
from workflow.services.histories import Explanation


@click.group("explain", cls=Listing)
@json_option
def explain_group() -> None:
    """Say why something is as it is, step by step, with the sources (motivazione).

    \b
    Example:
        sportello explain turn 2026/0000001
    """


@explain_group.command("turn")
@click.argument("application", metavar="APP")
@click.option("--all", "everything", is_flag=True, help="Name everybody, in full.")
@json_option
@at_desk
def turn_command(desk: Desk, application: str, *, everything: bool) -> None:
    """Say who comes before an application, and whether it is its turn (turno).

    Its place and how it came to it, how everybody earlier stands, and whether it
    was overtaken, or overtook anybody, and under which act.

    \b
    Example:
        sportello explain turn 2026/0000003
    """
    _answer(explanations.turn(desk, application, everything=everything))


@explain_group.command("money")
@click.argument("call")
@click.option(
    "--all", "everything", is_flag=True, help="One step for each reservation too."
)
@json_option
@click.pass_context
@at_desk
def money_command(
    desk: Desk, context: click.Context, call: str, *, everything: bool
) -> None:
    """Say where the money of a call went, down to what is left (residuo).

    From the allocation through every movement, with the running totals, as the
    register tells it. It exits with 5 if that is not how the call stands.

    \b
    Example:
        sportello explain money RLF12025051244
    """
    told = accounts.money(desk, call, everything=everything)
    _answer(told)
    if told.faults:
        context.exit(TamperedError.exit_code)


@explain_group.command("term")
@click.argument("term", metavar="ID")
@json_option
@click.pass_context
@at_desk
def term_command(desk: Desk, context: click.Context, term: str) -> None:
    """Say when a term ends and how it was reckoned, day by day (computo).

    What started it, by which entry and which proof; how long the call makes it;
    what stopped its clock or gave more time; the holidays that were reckoned with;
    and what a worker does at its end, or did. A clock that stands still is reckoned
    as if it went on now. It exits with 5 if the steps do not lead to its end.

    ID is APP/KIND, such as 2026/0000001/completion, for the latest of its kind,
    APP/KIND/2 for the second, or the id that `sportello terms --json` tells.

    \b
    Example:
        sportello explain term 2026/0000001/conclusion
    """
    told = term_explanations.term(desk, term)
    _answer(told)
    if told.faults:
        context.exit(TamperedError.exit_code)


@explain_group.command("aid")
@click.argument("application", metavar="APP")
@json_option
@at_desk
def aid_command(desk: Desk, application: str) -> None:
    """Say how much aid an application has, or may have, and why (aiuto).

    With the "de minimis" aids that count, their days, and what they leave. Once
    it is granted, as it was computed then.

    \b
    Example:
        sportello explain aid 2026/0000001
    """
    _answer(explanations.aid(desk, application))


@explain_group.command("entry")
@click.argument("entry", metavar="CALL#NUMBER")
@json_option
@at_desk
def entry_command(desk: Desk, entry: str) -> None:
    """Say all about one entry of the register, by the entries before it (voce).

    What was done, by whom and in what role, under which version of the call, in
    its turn or not, how much money was left and who was next; or by which rule it
    was refused. What the tables say today has no part in it.

    \b
    Example:
        sportello explain entry RLF12025051244#3
    """
    _answer(entry_explanations.entry(desk, entry))


def _answer(told: Explanation) -> None:
    def tell() -> None:
        width = len(str(len(told.steps)))
        for number, step in enumerate(told.steps, start=1):
            print_wrapped(f"{number:>{width}}. ", clean(step.text))
            print_wrapped(f"{'':{width}}  ", f"[{clean(step.source)}]")
        print_wrapped("", clean(told.result))

    emit(
        {
            "steps": [
                {"rule": step.rule, "source": step.source, "text": step.text}
                for step in told.steps
            ],
            "result": told.result,
            "faults": list(told.faults),
        },
        tell,
    )
