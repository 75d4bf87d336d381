"""Which moves has a plain counter procedure?

What is granted is carried out as it was applied for: nothing is negotiated. The
applicant accepts the grant first where the call wants it.
"""

from models.vocabulary import ApplicationState, Family
from workflow.machine import Table
from workflow.moves import after_grant, counter

_S = ApplicationState

MOVES = (
    *counter.FILING,
    *counter.FORMAL_CHECK,
    *counter.REFUSAL,
    *counter.MERIT,
    *counter.WAITING_LIST,
    counter.grant(_S.GRANTED),
    after_grant.publication(_S.GRANTED),
    *after_grant.CARRIED_OUT,
)

TABLE = Table(Family("plain_counter"), MOVES)
