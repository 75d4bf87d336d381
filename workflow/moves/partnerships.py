"""How do the partners of a filed application change?"""

from models.vocabulary import ApplicationState, Event, Role
from workflow.machine import Move
from workflow.moves import effects, guards
from workflow.moves import inputs as stated


def change(*sources: ApplicationState) -> Move:
    """Make the row by which partners change (*modifica del partenariato*).

    Who leads stays: another lead is another applicant.
    """
    return Move(
        Event.CHANGE_PARTNERS,
        sources,
        None,
        Role.RESPONSIBLE,
        "Change who applies together with the applicant (modifica del partenariato).",
        "the call, on partnerships",
        inputs=stated.PartnersInputs,
        needs=(guards.partnerships.call_lets_them,),
        accepts=guards.partnerships.CHANGE,
        reason=True,
        effect=effects.partnerships.change,
    )
