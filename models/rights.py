"""Who may do what in the database itself, whatever the program lets them do?

Three roles of PostgreSQL: the owner migrates, the application works and the auditor
reads. What is granted to the last two is here, table by table; SQLite has no roles.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import text
from sqlmodel import Session, SQLModel

from models.schema import FORM_TABLE
from models.tables import APPEND_ONLY, Notice

ERASABLE = frozenset(
    {
        "outbox",  # a job that is done
        "documents",  # these three: a draft that is handed over again
        "aids",
        "applicant_links",
        "protocol_counters",  # of a year in which only refused lines asked for one
    }
)
"""Tables of which the application may delete rows; of no other any row ever goes."""

WRITTEN_ONCE = frozenset({*APPEND_ONLY, "acts", "draws"})
"""Tables whose rows the application may not even change."""

AUDITED = frozenset(
    {
        *APPEND_ONLY,
        "acts",
        "applications",
        "calls",
        "delegations",
        "draws",
        "funds",
        "installation",
        "malfunctions",
        "officer_roles",
        "officers",
        "openings",
        "partners",
        "protocol_counters",
        "steps",
        "terms",
        "ticks",
    }
)
"""Tables that an auditor of the register reads whole: who acted is told, not who
applied."""

_NAMES_PEOPLE = frozenset({"recipient", "subject", "body"})

AUDITED_IN_PART: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "notices": tuple(
            name for name in Notice.model_fields if name not in _NAMES_PEOPLE
        )
    }
)
"""Tables of which an auditor reads some columns: a letter without what it says."""

WITHHELD = frozenset(
    {
        "aids",
        "applicant_links",
        "applicants",
        "commands",
        "delivery_receipts",
        "documents",
        "memos",
        "outbox",
    }
)
"""Tables that an auditor does not read. A new table is named here or above."""

_READ, _ADD = "SELECT", "INSERT"
_EVERY = (_READ, _ADD, "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

Rights = Mapping[str, tuple[str, ...]]
"""What a role may do with each table, in words of SQL."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the tables are and whose they are."""

    database: str
    schema: str
    owner: str


def of_application() -> Rights:
    """Return what the program needs to work; nothing of it changes the register."""
    rights = {name: _to_work_with(name) for name in SQLModel.metadata.tables}
    # Whoever seals, or changes who may act, locks this row. A lock needs the right
    # to change some column, and this one can have no other value.
    return {
        **rights,
        "installation": (_READ, "UPDATE (id)"),
        "officers": (_READ, _ADD, "UPDATE (name, email, retired_at)"),
        FORM_TABLE: (_READ,),
    }


def _to_work_with(table: str) -> tuple[str, ...]:
    if table in WRITTEN_ONCE:
        return (_READ, _ADD)
    may_change = (_READ, _ADD, "UPDATE")
    return (*may_change, "DELETE") if table in ERASABLE else may_change


def of_auditor() -> Rights:
    """Return what somebody needs who reads and verifies the register."""
    whole = dict.fromkeys((*sorted(AUDITED), FORM_TABLE), (_READ,))
    part = {
        name: (f"{_READ} ({', '.join(columns)})",)
        for name, columns in AUDITED_IN_PART.items()
    }
    return {**whole, **part}


def statements(
    setting: Setting, *, application: str, auditor: str, identity: str | None = None
) -> Iterator[str]:
    """Give the two roles what they may do and take the rest from them.

    With an *identity* the database also takes nothing from whoever shows less.

    They can be carried out again at any time, and have to be after an upgrade. Of a
    table to come the application has what it has of each, the auditor nothing.
    """
    schema, both = (
        _quoted(setting.schema),
        f"{_quoted(application)}, {_quoted(auditor)}",
    )
    for role in (application, auditor):
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
            f" THEN CREATE ROLE {_quoted(role)} NOLOGIN; END IF; END $$"
        )
    yield f"GRANT CONNECT ON DATABASE {_quoted(setting.database)} TO {both}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {both}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {both}"
    yield f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {_quoted(setting.owner)}"
    for table in (*sorted(SQLModel.metadata.tables), FORM_TABLE):
        yield f"REVOKE ALL ON {schema}.{_quoted(table)} FROM PUBLIC, {both}"
    for role, rights in ((application, of_application()), (auditor, of_auditor())):
        for table, may in sorted(rights.items()):
            yield (
                f"GRANT {', '.join(may)} ON {schema}.{_quoted(table)} "
                f"TO {_quoted(role)}"
            )
    yield (
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {_quoted(setting.owner)} IN SCHEMA {schema}"
        f" GRANT {_READ}, {_ADD} ON TABLES TO {_quoted(application)}"
    )
    if identity is not None:
        yield f"UPDATE {schema}.installation SET identity = '{identity}'"  # noqa: S608 - a word of ours


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def setting(session: Session) -> Setting:
    """Tell where the tables are and whose they are."""
    row = session.execute(_SETTING).one()
    return Setting(row.database, row.schema, row.owner)


def user(session: Session) -> str:
    """Return under which role we work."""
    return str(session.execute(text("SELECT current_user")).scalar_one())


def is_read_only(session: Session) -> bool:
    """Tell whether nobody may write here, as on a replica."""
    told = session.execute(text("SHOW transaction_read_only")).scalar_one()
    return str(told) == "on"


def is_above(session: Session, role: str, owner: str) -> bool:
    """Tell whether a role can become the owner, as a superuser always can."""
    named = {"role": role, "owner": owner}
    return bool(session.execute(_IS_ABOVE, named).scalar_one())


def is_there(session: Session, role: str) -> bool:
    """Tell whether there is such a role."""
    return session.execute(_IS_THERE, {"role": role}).first() is not None


def missing(session: Session, role: str, rights: Rights) -> list[str]:
    """Return what a role would have to be allowed and is not."""
    held = _held(session, role)
    return [
        f"{one} on {table}"
        for table, may in sorted(rights.items())
        for one in may
        if "(" not in one and (table, one) not in held
    ]


def beyond(session: Session, role: str, rights: Rights) -> list[str]:
    """Return what a role may do beyond its rights, by whatever way it may."""
    whole = [
        f"{one} on {table}"
        for table, one in sorted(_held(session, role))
        if one not in rights.get(table, ())
    ]
    part = [
        f"{one} ({column}) on {table}"
        for table, column, one in sorted(_held_in_part(session, role))
        if one not in rights.get(table, ())
        and column not in _columns(one, rights.get(table, ()))
    ]
    return whole + part


def _held(session: Session, role: str) -> set[tuple[str, str]]:
    tables = [*SQLModel.metadata.tables, FORM_TABLE]
    wanted = {"role": role, "tables": tables, "every": list(_EVERY)}
    return {(row.name, row.may) for row in session.execute(_HELD, wanted)}


def _held_in_part(session: Session, role: str) -> set[tuple[str, str, str]]:
    """Return what a role may do with columns of tables that it may not do with all."""
    tables = [*SQLModel.metadata.tables, FORM_TABLE]
    wanted = {"role": role, "tables": tables}
    found = session.execute(_HELD_IN_PART, wanted)
    return {(row.name, row.part, row.may) for row in found}


def _columns(may: str, rights: Iterable[str]) -> set[str]:
    """Return of which columns some rights say that something may be done."""
    parts = (one.removeprefix(may).strip(" ()") for one in rights if f"{may} (" in one)
    return {name.strip() for part in parts for name in part.split(",")}


def legible(session: Session, table: str, columns: Iterable[str]) -> bool:
    """Tell whether we may read some columns; of a file we read all or nothing."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return all(
        session.execute(_LEGIBLE, {"name": table, "wanted": column}).scalar_one()
        for column in columns
    )


_SETTING = text(
    "SELECT current_database() AS database, schemaname AS schema, tableowner AS owner "
    "FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'entries'"
)
_IS_THERE = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
_IS_ABOVE = text("SELECT pg_has_role(:role, :owner, 'MEMBER')")
_HELD = text(
    "SELECT name, may FROM unnest(CAST(:tables AS text[])) AS name, "
    "unnest(CAST(:every AS text[])) AS may "
    "WHERE has_table_privilege(CAST(:role AS name), name, may)"
)
_HELD_IN_PART = text(
    "SELECT name, attname AS part, may FROM unnest(CAST(:tables AS text[])) AS name "
    "JOIN pg_attribute ON attrelid = to_regclass(quote_ident(name)) AND attnum > 0 "
    "AND NOT attisdropped, "
    "unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS may "
    "WHERE has_column_privilege(CAST(:role AS name), attrelid, attnum, may) "
    "AND NOT has_table_privilege(CAST(:role AS name), attrelid, may)"
)
_LEGIBLE = text("SELECT has_column_privilege(:name, :wanted, 'SELECT')")
