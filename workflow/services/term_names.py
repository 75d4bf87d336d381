"""Which term does somebody mean?"""

import re
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlmodel import Session, col, select

from models.tables import Application, Term
from workflow.errors import RefusedError
from workflow.services import lookups

_NAME = re.compile(r"(?P<file>.+?)/(?P<kind>[A-Za-z_-]+)(?:/(?P<ordinal>[0-9]{1,9}))?")


def find_term(session: Session, name: str) -> Term:
    """Return the term that somebody means: by its id, or as `APP/KIND[/ORDINAL]`.

    Without an ordinal, the latest of its kind.

    Raises:
        RefusedError: there is none; the message names those that are there.
    """
    name = name.strip()
    with suppress(ValueError):
        if row := session.get(Term, UUID(name)):
            return row
    match = _NAME.fullmatch(name)
    application = _application(session, match["file"] if match else name, name)
    rows = session.exec(
        select(Term)
        .where(Term.application_id == application.id)
        .order_by(col(Term.kind), col(Term.ordinal))
    ).all()
    if match is None:
        raise _unknown(f"say which term of `{name}`", application, rows)
    kind, ordinal = match["kind"].lower().replace("-", "_"), match["ordinal"]
    found = [
        row
        for row in rows
        if row.kind == kind and (ordinal is None or row.ordinal == int(ordinal))
    ]
    if not found:
        raise _unknown(f"there is no term `{name}`", application, rows)
    return found[-1]


def _application(session: Session, file: str, name: str) -> Application:
    try:
        return lookups.find_application(session, file)
    except RefusedError as error:
        if file != name or error.code != "application.unknown":
            raise
        raise RefusedError(
            "term.unknown",
            f"there is no term `{name}`; give APP/KIND, such as "
            "2026/0000001/conclusion, or the id that `sportello terms --json` tells",
        ) from None


def _unknown(what: str, application: Application, rows: Sequence[Term]) -> RefusedError:
    file = lookups.named(application)
    kinds = [row.kind for row in rows]
    there = [
        f"{row.kind}/{row.ordinal}" if kinds.count(row.kind) > 1 else row.kind.value
        for row in rows
    ]
    listed = ", ".join(f"{file}/{one}" for one in there) or "none has started yet"
    return RefusedError("term.unknown", f"{what}; there are: {listed}")
