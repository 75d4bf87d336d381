"""What may a login of the database do there, as the documentation tells it?

A model of a few lines, by tables and columns; it asks no rule of the product.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from sqlalchemy import make_url

APPLICATION, AUDITOR = "walk_application", "walk_auditor"
LOGINS = {"walk_clerk": APPLICATION, "walk_reader": AUDITOR}
"""Of whoever works, and of whoever reads; each is a member of a role."""

REGISTER = {
    "entries",
    "movements",
    "call_versions",
    "anchors",
    "office_entries",
    "rankings",
    "ranked_places",
    "approved_lists",
    "list_changes",
}
NEVER_CHANGED = {*REGISTER, "acts", "draws"}
GIVEN_WITH_THE_DATABASE = {"installation", "alembic_version"}
"""What it is for, and in which form it is: whoever brings it up says so."""

IN_PART = {"officers": {"name", "email", "retired_at"}, "installation": {"id"}}
"""What alone may be changed of them: who somebody is stays, and what the base is."""

REPLACED = {"documents", "aids", "applicant_links"}
"""With a draft that is handed over again."""

USED_UP = {"outbox", "protocol_counters"}
"""A job that is done, and the counter of a year in which nobody came."""

OF_APPLICANTS = {"applicants", "applicant_links", "documents", "aids"}
OF_POST = {"delivery_receipts", "outbox"}
OF_COMMANDS = {"commands", "memos"}
"""What was answered to somebody who asks again, and what somebody was told."""

SAID_IN_A_LETTER = {"recipient", "subject", "body"}


class Right(NamedTuple):
    """What may be done with a column, or with a whole table."""

    table: str
    column: str
    what: str


OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
OF_TABLES = ("DELETE", "TRUNCATE", "TRIGGER")


def may(role: str, right: Right) -> bool:
    """Tell whether whoever works, or whoever reads, may do something."""
    table, column, what = right
    if role == AUDITOR:
        withheld = OF_APPLICANTS | OF_POST | OF_COMMANDS
        said = table == "notices" and column in SAID_IN_A_LETTER
        return what == "SELECT" and table not in withheld and not said
    changes = table not in NEVER_CHANGED | GIVEN_WITH_THE_DATABASE
    return {
        "SELECT": True,
        "INSERT": table not in GIVEN_WITH_THE_DATABASE,
        "UPDATE": column in IN_PART[table] if table in IN_PART else changes,
        "DELETE": table in REPLACED | USED_UP,
    }.get(what, False)


# --- asked of the server itself ----------------------------------------------------


@contextmanager
def connected(url: str) -> Iterator[Connection[Any]]:
    """Connect as a person with a database client would."""
    address = make_url(url).set(drivername="postgresql")
    shown = address.render_as_string(hide_password=False)
    with closing(psycopg.connect(shown, autocommit=True)) as connection:
        yield connection


def as_login(url: str, login: str) -> str:
    """Return the address with which that login comes."""
    return make_url(url).set(username=login).render_as_string(hide_password=False)


def enter(url: str) -> None:
    """Make the logins, unless they are there: they are those of the server."""
    with connected(url) as connection:
        for login, role in LOGINS.items():
            found = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            if connection.execute(found, [login]).fetchone() is None:
                made = f"CREATE ROLE {login} LOGIN IN ROLE {role}"
                connection.execute(made.encode())


def drop(url: str) -> None:
    """Take the logins and their roles away, once no database knows them."""
    with connected(url) as connection:
        for role in (*LOGINS, *LOGINS.values()):
            connection.execute(f"DROP ROLE IF EXISTS {role}".encode())


def spoil(url: str) -> None:
    """Give away what nobody should have, and take what they need."""
    with connected(url) as connection:
        for statement in (
            f"GRANT UPDATE, DELETE ON entries TO {APPLICATION}, PUBLIC",
            f"GRANT UPDATE (number) ON acts TO {APPLICATION}",
            f"GRANT SELECT ON applicants TO {AUDITOR}",
            f"GRANT SELECT (body) ON notices TO {AUDITOR}",
            f"GRANT CREATE ON SCHEMA public TO {AUDITOR}",
            f"REVOKE ALL ON calls FROM {APPLICATION}",
        ):
            connection.execute(statement.encode())


def held(url: str, login: str) -> Iterator[tuple[Right, bool]]:
    """Tell of all that can be done with all tables whether a login may."""
    with connected(url) as connection:
        asked = {"login": login}
        yield from _read(connection.execute(_COLUMNS, {**asked, "of": [*OF_COLUMNS]}))
        yield from _read(connection.execute(_WHOLE, {**asked, "of": [*OF_TABLES]}))


def may_make(url: str, login: str) -> bool:
    """Tell whether a login may make things of its own there, or become another."""
    with connected(url) as connection:
        row = connection.execute(_MAY_MAKE, {"login": login}).fetchone()
        return row != (False,)


def _read(rows: Iterable[Any]) -> Iterator[tuple[Right, bool]]:
    for table, column, what, has in rows:
        yield Right(table, column, what), has


_COLUMNS = """
SELECT relname, attname, what,
    has_column_privilege(%(login)s::name, c.oid, attnum, what)
FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
    AND NOT attisdropped, unnest(%(of)s::text[]) AS what
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_WHOLE = """
SELECT relname, '', what, has_table_privilege(%(login)s::name, oid, what)
FROM pg_class, unnest(%(of)s::text[]) AS what
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_MAY_MAKE = """
SELECT has_schema_privilege(%(login)s::name, 'public', 'CREATE')
    OR has_database_privilege(%(login)s::name, current_database(), 'CREATE')
    OR rolsuper OR rolcreaterole OR rolcreatedb
    OR EXISTS (
        SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND pg_has_role(%(login)s::name, relowner, 'MEMBER')
    )
FROM pg_roles WHERE rolname = %(login)s
"""
