"""Is it somebody else's doing that a command cannot make sense of what it reads?"""

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from sqlalchemy.exc import SQLAlchemyError

from config.loader import CallFileError
from config.settings import SettingsError
from workflow.desk import Desk
from workflow.errors import TamperedError

_MAKE_NO_SENSE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    SQLAlchemyError,
    TypeError,
    ValueError,
)
"""What is raised where something is not what the program has written."""

_TURN_ROWS = frozenset({"models.columns", "sqlalchemy.sql.sqltypes"})
"""Where what is stored becomes an instant, a word or an identifier."""


@contextmanager
def told_from_bugs(desk: Desk) -> Iterator[None]:
    """Say in words that the register, or a row beside it, was changed by hand.

    Whoever can write to the database can put anything anywhere, and no reader can
    be ready for all of it. So the register is verified before something is taken
    for a bug: a bug keeps its traceback.

    Raises:
        TamperedError: what was read is not what the program has written.
    """
    try:
        yield
    except (CallFileError, SettingsError):
        raise
    except _MAKE_NO_SENSE as error:
        found = _first_fault(desk)
        if found is not None:
            raise TamperedError(
                "register.damaged",
                f"this cannot be told, because the register does not verify: {found}; "
                "somebody has changed it: `sportello log verify` tells all that is "
                "wrong; call the auditor",
            ) from error
        if _comes_from_a_row(error):
            raise TamperedError(
                "database.changed",
                "a row of the database holds what this program never writes "
                f"({type(error).__name__}): somebody has changed it; put the database "
                "aside, do not delete it, and call who runs it",
            ) from error
        raise


def _first_fault(desk: Desk) -> str | None:
    # Only for what has gone wrong: it takes a while to load.
    from workflow.services import log  # noqa: PLC0415 - see above

    examined = log.examine(desk)
    for call in examined.calls:
        for fault in call.faults:
            where = f"{call.call}#{fault.seq}" if fault.seq else call.call
            return f"{where}: {fault.fault}"
    for fault in examined.office.faults:
        where = f"entry {fault.seq} of the officers" if fault.seq else "the officers"
        return f"{where}: {fault.fault}"
    return None


def _comes_from_a_row(error: BaseException) -> bool:
    # What it says is not told: it may be the name of somebody.
    return any(
        frame.f_globals.get("__name__") in _TURN_ROWS
        for frame, _ in walk_tb(error.__traceback__)
    )
