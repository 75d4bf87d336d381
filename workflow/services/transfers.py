"""How does everything move to another database, and is it the same there?"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session, SQLModel

from config.settings import masked
from models.copying import Content, Rows, copy, read
from models.schema import HEAD, Form, form, hold, make_tables
from models.session import (
    DatabaseUnavailableError,
    first_line,
    keep_readers_going,
    reading,
    transaction,
)
from models.tables import Installation
from workflow.desk import Desk
from workflow.errors import (
    ConflictError,
    RefusedError,
    TamperedError,
    UnavailableError,
)
from workflow.services import log
from workflow.services.log import Examined
from workflow.services.privacy import file_of, make_file

Progress = Callable[[int, int], None]
"""Is told how many rows are done, of how many; each is written, and read again."""

_TABLES = SQLModel.metadata.sorted_tables
"""In an order in which none names rows of one that comes later."""

_RESTLESS = ("calls", "ticks", "outbox", "memos")
"""Tables of which one changes with whatever people or workers do."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was copied, and whether the register verifies where it is now."""

    source: str
    target: str
    rows: Mapping[str, int]
    """How many of each table."""
    examined: Examined


def transfer(
    desk: Desk, target: Engine, *, tell: Progress = lambda _done, _total: None
) -> Transferred:
    """Copy all that a database holds into an empty one, as it is at one moment.

    What is there is read again before it is kept. In the source nothing changes; if
    anything fails the target is as it was.

    Raises:
        ConflictError: the source was written to meanwhile.
        RefusedError: the target is not empty, or does not take a row.
        TamperedError: the source holds what makes no sense.
        UnavailableError: one of the two cannot be used now.
    """
    if target.url == desk.engine.url:
        raise RefusedError(
            "copy.same_database", "--to names the database that is to be copied"
        )
    with _prepared(target):
        rows = _transferred(desk, target, tell)
    examined = log.examine(replace(desk, engine=target))
    return Transferred(_shown(desk.engine), _shown(target), rows, examined)


@contextmanager
def _prepared(target: Engine) -> Iterator[None]:
    """Have the target ready; what was made of a file is gone again if this fails."""
    file = file_of(target)
    is_new = file is not None and not file.exists()
    try:
        with _about_target():
            make_file(target)
            with reading(target) as session:
                _refuse_form(form(session))
            if file is not None:
                keep_readers_going(target)
        yield
    except BaseException:
        if file is not None and is_new:
            for suffix in ("", "-wal", "-shm"):
                file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
        raise


@contextmanager
def _about_target() -> Iterator[None]:
    """Name the option where the sentence would name the setting."""
    try:
        yield
    except (DatabaseUnavailableError, UnavailableError) as error:
        said = error.message.replace("SPORTELLO_DATABASE_URL", "--to")
        raise UnavailableError(error.code, f"--to: {said}") from error


def _refuse_form(found: Form) -> None:
    if found not in {Form.EMPTY, Form.PRESENT}:
        raise RefusedError(
            "copy.target_form",
            f"the target is neither empty nor in the form {HEAD} of this version; "
            "name an empty database",
        )


def _transferred(desk: Desk, target: Engine, tell: Progress) -> dict[str, int]:
    # The tables of the target may still have to be made.
    with (
        reading(desk.engine) as source,
        transaction(target, any_form=True) as session,
    ):
        hold(session.connection())
        _make_room(session)
        total = 2 * sum(_count(source, table.name) for table in _TABLES)
        counted = _Counted(tell, total)
        contents = {}
        for table in _TABLES:
            contents[table.name] = content = Content()

            def told(rows: Rows, content: Content = content) -> None:
                content.add(rows)
                counted.add(len(rows))

            with _in_words(table.name):
                copy(source, session, table, told=told)
        for table in _TABLES:
            there = Content()
            for rows in read(session, table):
                there.add(rows)
                counted.add(len(rows))
            if there.total != contents[table.name].total:
                raise TamperedError(
                    "copy.differs",
                    f"`{table.name}` is not the same in the target; nothing was kept "
                    "there: somebody else writes to it, or it changes what it is given",
                )
        _refuse_moved_on(desk, contents)
        return {str(name): content.rows for name, content in contents.items()}


def _make_room(session: Session) -> None:
    """Make the tables, or see that there is nothing in those that are there."""
    found = form(session)
    _refuse_form(found)
    if found is Form.EMPTY:
        make_tables(session)
    for table in _TABLES:
        if table.name == Installation.__tablename__:
            continue
        if session.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise RefusedError(
                "copy.target_not_empty",
                f"the target holds something already (in `{table.name}`); nothing is "
                "overwritten: name an empty database",
            )
    # What the database is for comes with the rest.
    session.execute(delete(Installation))


class _Counted:
    """Counts what is done, and tells it."""

    def __init__(self, tell: Progress, total: int) -> None:
        self._tell, self._total, self._done = tell, total, 0
        tell(0, total)

    def add(self, rows: int) -> None:
        self._done += rows
        self._tell(self._done, self._total)


@contextmanager
def _in_words(table: str) -> Iterator[None]:
    """Say of which table a row makes no sense, without repeating the row."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RefusedError(
            "copy.row_refused",
            f"the target does not take a row of `{table}`: {first_line(error)}; "
            "nothing was kept there",
        ) from error
    except (LookupError, TypeError, ValueError) as error:
        raise TamperedError(
            "copy.source_damaged",
            f"a row of `{table}` makes no sense, and nothing was kept in the target; "
            "look at `sportello log verify`",
        ) from error


def _refuse_moved_on(desk: Desk, copied: Mapping[str, Content]) -> None:
    """See that nobody has written to the source since: it would be missing."""
    with reading(desk.engine) as source:
        for table in _TABLES:
            if table.name in _RESTLESS:
                now = Content()
                for rows in read(source, table):
                    now.add(rows)
                is_same = now.total == copied[table.name].total
            else:
                is_same = _count(source, table.name) == copied[table.name].rows
            if not is_same:
                raise ConflictError(
                    "copy.source_moved",
                    f"somebody wrote to the database meanwhile (`{table.name}`), and "
                    "that would be missing: stop scheduler and workers, have nobody "
                    "give commands, and copy again; nothing was kept in the target",
                )


def _count(session: Session, table: str) -> int:
    counted = select(func.count()).select_from(SQLModel.metadata.tables[table])
    return int(session.execute(counted).scalar_one())


def _shown(engine: Engine) -> str:
    return masked(engine.url.render_as_string(hide_password=True))
