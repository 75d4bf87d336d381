"""Which table of moves does a procedure family follow?"""

from models.vocabulary import ProcedureFamily
from workflow.machine import Table
from workflow.moves.negotiated_counter import TABLE as NEGOTIATED_COUNTER
from workflow.moves.plain_counter import TABLE as PLAIN_COUNTER

TABLES: dict[ProcedureFamily, Table] = {
    ProcedureFamily.NEGOTIATED_COUNTER: NEGOTIATED_COUNTER,
    ProcedureFamily.PLAIN_COUNTER: PLAIN_COUNTER,
}
