"""Which moves has a plain counter procedure?

What is granted is carried out as it was applied for: nothing is negotiated. The
applicant accepts the grant first where the call wants it.
"""

from models.vocabulary import ApplicationState, Family, Letter
from workflow.machine import Table
from workflow.moves import after_grant, counter, guards

_S = ApplicationState
_BASIS = "the call, C.4"
_PHASE_2 = (_S.GRANTED, _S.ACCEPTED, _S.IN_PROGRESS)

MOVES = (
    *counter.FILING,
    *counter.FORMAL_CHECK,
    *counter.REFUSAL,
    *counter.MERIT,
    *counter.WAITING_LIST,
    counter.grant(_S.GRANTED),
    after_grant.publication(_S.GRANTED),
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

TABLE = Table(Family("plain_counter"), MOVES)
