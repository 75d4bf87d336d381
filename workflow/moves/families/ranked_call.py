"""Which moves has a call that ranks those who came until its closing?

Everybody is examined and scored, in any order; one act makes the ranking and gives
the money out, and nothing is negotiated afterwards (*procedura a graduatoria*).
"""

from dataclasses import replace

from models.vocabulary import ApplicationState, Family, Letter, TermStart
from workflow.machine import Ranked, Table
from workflow.moves import after_grant, counter, guards, ranked
from workflow.rules.ranking import by_merit, ties_are_drawn

_S = ApplicationState
_BASIS = "the call, C.4"
_PHASE_2 = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS)

MOVES = (
    *ranked.FILING,
    *ranked.FORMAL_CHECK,
    *counter.REFUSAL,
    *ranked.MERIT,
    *ranked.ranking(_S.EVALUATED),
    ranked.grant(_S.EVALUATED),
    replace(after_grant.publication(_S.GRANTED), starts=(TermStart.PUBLISHED,)),
    after_grant.registration(_PHASE_2),
    after_grant.acceptance(
        _S.GRANTED,
        guards.grants.acceptance_is_wanted,
        basis=_BASIS,
        after=Letter.GRANT,
    ),
    after_grant.start(_S.ACCEPTED, basis=_BASIS, after=Letter.ACCEPTANCE_RECEIVED),
    after_grant.start(
        _S.GRANTED,
        guards.grants.no_acceptance_is_wanted,
        guards.grants.is_published,
        basis=_BASIS,
        after=Letter.GRANT,
    ),
    *after_grant.PROGRESS,
    *after_grant.exits(_PHASE_2, revocable=_PHASE_2),
)

TABLE = Table(
    Family("ranked_call"),
    MOVES,
    ranked=Ranked(_S.EVALUATED, order=by_merit, draws=ties_are_drawn),
)
