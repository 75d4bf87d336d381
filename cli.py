"""What may somebody type?"""

import click

from commands.lazy import Lazy, json_option
from commands.program import Program
from workflow.ambient import SystemAmbient

COMMANDS = {
    "init": Lazy(
        "commands.init:init_command",
        "Create the database, or bring an older one to the present form.",
    ),
    "doctor": Lazy(
        "commands.doctor:doctor_command",
        "Check that everything the program stands on is in order (diagnosi).",
    ),
    "demo": Lazy(
        "commands.demo:demo_command",
        "Show one real call, played in simulated time (dimostrazione).",
    ),
    "rehearse": Lazy(
        "commands.rehearse:rehearse_command",
        "Play the opening of a call, and say what it felt like (prova generale).",
    ),
    "officer": Lazy(
        "commands.officers:officer_group",
        "Keep the list of who may do what (responsabili).",
    ),
    "call": Lazy(
        "commands.calls:call_group",
        "Check, load, look at and act on calls (bandi).",
    ),
    "intake": Lazy(
        "commands.intake:intake_command",
        "Take submissions in, in the order of the file (presentazione).",
    ),
    "grant": Lazy(
        "commands.decrees:grant_command",
        "Grant many applications by one decree, all of them or none (concessione).",
    ),
    "unfund": Lazy(
        "commands.closings:unfund_command",
        "Close the whole waiting list, because the money has run out (non finanziate).",
    ),
    "list": Lazy(
        "commands.applications:list_command",
        "List the applications (domande).",
    ),
    "show": Lazy(
        "commands.applications:show_command",
        "Show one application with its whole file (fascicolo).",
    ),
    "queue": Lazy(
        "commands.queue:queue_command",
        "Show who waits for a grant, in order: who is next, who blocks whom.",
    ),
    "list-of": Lazy(
        "commands.lists:list_of_command",
        "Show who was on the approved list of a call at a date (elenco).",
    ),
    "terms": Lazy(
        "commands.terms:terms_command",
        "Show the terms in the order in which they end (scadenzario).",
    ),
    "digest": Lazy(
        "commands.digest:digest_command",
        "Show what waits for an officer today (promemoria del giorno).",
    ),
    "explain": Lazy(
        "commands.explain:explain_group",
        "Say why something is as it is, step by step, with the sources (motivazione).",
    ),
    "events": Lazy(
        "commands.events:events_command",
        "Show what can be done now with an application, and what is missing.",
    ),
    "advance": Lazy(
        "commands.advance:advance_group",
        "Make one move on an application (avanzamento).",
    ),
    "receipts": Lazy(
        "commands.delivery_receipts:receipts_command",
        "Take receipts of certified mail in (ricevute PEC).",
    ),
    "forecast": Lazy(
        "commands.forecast:forecast_command",
        "Tell what the workers would do by a day, and do nothing (previsione).",
    ),
    "sweep": Lazy(
        "commands.sweep:sweep_command",
        "Do all that is due by now, once (scadenzario).",
    ),
    "run": Lazy(
        "commands.run:run_command",
        "Do by itself all that is due and all that commands leave (tutto in uno).",
    ),
    "scheduler": Lazy(
        "commands.scheduler:scheduler_command",
        "Give out what is due, and what commands have left to be done (scadenzario).",
    ),
    "worker": Lazy(
        "commands.workers:worker_command",
        "Do the jobs that wait in Redis: submissions, what is due, letters (lavori).",
    ),
    "letters": Lazy(
        "commands.letters:letters_group",
        "See a letter before it is sent (modelli delle comunicazioni).",
    ),
    "notices": Lazy(
        "commands.notices:notices_group",
        "Show letters and what became of them (comunicazioni).",
    ),
    "retention": Lazy(
        "commands.retention:retention_command",
        "Tell which personal data is kept, and erase it (conservazione).",
    ),
    "report": Lazy(
        "commands.reports:report_command",
        "Tell how calls went in a period, by the register alone (monitoraggio).",
    ),
    "log": Lazy(
        "commands.log:log_group",
        "Read, verify and seal the register of transitions (registro).",
    ),
    "db": Lazy(
        "commands.databases:db_group",
        "Say who may do what in the database itself (ruoli della base dati).",
    ),
    "copy": Lazy(
        "commands.copying:copy_command",
        "Move everything to another database, and verify it there (trasloco).",
    ),
}


@click.group(
    cls=Program,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command takes --help, with an example, and --json. To have your "
    'shell complete what you type: eval "$(_SPORTELLO_COMPLETE=bash_source '
    'sportello)" in ~/.bashrc, or zsh_source in ~/.zshrc.',
)
@click.version_option(package_name="sportello")
@json_option
@click.pass_context
def main(context: click.Context) -> None:
    """Run public calls for grants at a counter (procedura a sportello).

    Applications are taken in the order in which they arrive, examined in their
    turn and granted while there is money. Every step is a move of a fixed table
    and an entry of a register that can be verified.

    Settings are read from the environment or from a .env file: SPORTELLO_HOME,
    SPORTELLO_DATABASE_URL, SPORTELLO_OFFICER and others; `sportello doctor`
    shows them.

    \b
    Example:
        sportello demo
    """
    if context.obj is None:
        # What changes after this instant changes under the operator's eyes.
        context.obj = SystemAmbient().now()
