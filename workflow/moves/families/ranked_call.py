"""Which moves has a call that ranks those who came until its closing?

Everybody is examined and scored, in any order; one act makes the ranking and gives
the money out, and nothing is negotiated afterwards (*procedura a graduatoria*).
"""

from models.vocabulary import ApplicationState, Family
from workflow.machine import Ranked, Table
from workflow.moves import after_grant, counter, ranked
from workflow.rules.ranking import by_merit, ties_are_drawn

_S = ApplicationState

MOVES = (
    *ranked.FILING,
    *ranked.FORMAL_CHECK,
    *counter.REFUSAL,
    *ranked.MERIT,
    *ranked.ranking(_S.EVALUATED),
    ranked.grant(_S.EVALUATED),
    ranked.RAISE,
    *ranked.PUBLICATION,
    *after_grant.CARRIED_OUT,
)

TABLE = Table(
    Family("ranked_call"),
    MOVES,
    ranked=Ranked(_S.EVALUATED, order=by_merit, draws=ties_are_drawn),
)
