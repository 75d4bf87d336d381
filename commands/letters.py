"""What do the letters to applicants say, and when is each sent?"""

import click

from commands.entry import at_desk
from commands.lazy import Listing, json_option
from commands.output import Table, clean, emit, print_wrapped
from commands.plain import say
from models.vocabulary import Letter
from workflow.desk import Desk
from workflow.services import previews


@click.group("letters", cls=Listing)
@json_option
def letters_group() -> None:
    """See a letter before it is sent (modelli delle comunicazioni).

    \b
    Example:
        sportello letters list
    """


@letters_group.command("list")
@json_option
def list_command() -> None:
    """List the letters, and the moves that send each (elenco).

    \b
    Example:
        sportello letters list
    """
    found = previews.listed()

    def tell() -> None:
        table = Table(("letter", "title+", "sent by+"))
        for one in found:
            events = dict.fromkeys(occasion.event for occasion in one.occasions)
            table.add(one.letter, one.title, ", ".join(events))
        table.print()

    emit(
        {
            "letters": [
                {
                    "letter": one.letter.value,
                    "title": one.title,
                    "sent_by": [
                        {
                            "procedure": occasion.procedure,
                            "event": occasion.event,
                            "from": list(occasion.sources),
                        }
                        for occasion in one.occasions
                    ],
                }
                for one in found
            ]
        },
        tell,
    )


@letters_group.command("render")
@click.argument(
    "letter", metavar="LETTER", type=click.Choice([one.value for one in Letter])
)
@click.option(
    "--application", required=True, metavar="APP", help="To whose applicant it goes."
)
@json_option
@at_desk
def render_command(desk: Desk, letter: str, application: str) -> None:
    """Show a letter as the file stands now; nothing is kept or sent (anteprima).

    What only the move will bring, such as an act or a reason, has its place between
    «». `sportello letters list` shows the letters.

    \b
    Example:
        sportello letters render grant --application 2026/0000001
    """
    shown = previews.preview(desk, Letter(letter), application)

    def tell() -> None:
        print_wrapped("To: ", clean(shown.to))
        print_wrapped("Oggetto: ", shown.text.subject)
        say()
        for line in shown.text.body.splitlines():
            print_wrapped("", line)
        if shown.unknown:
            say()
            missing = ", ".join(shown.unknown)
            print_wrapped("Only the move will bring: ", missing)

    emit(
        {
            "letter": letter,
            "application": shown.application,
            "to": shown.to,
            "subject": shown.text.subject,
            "body": shown.text.body,
            "unknown": list(shown.unknown),
        },
        tell,
    )
