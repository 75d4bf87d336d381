"""Which rows does somebody need who tries on a copy what workers would do?"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.copying import copy
from models.tables import (
    Act,
    Applicant,
    Application,
    Call,
    CallVersion,
    Draw,
    Fund,
    Malfunction,
    Notice,
    Officer,
    OfficerRole,
    Opening,
    Step,
    Term,
)
from models.vocabulary import QUEUED_STATES, ApplicationState

_Row = Mapping[str, Any]


def copy_calls(
    source: Session, scratch: Session, *, code: str | None, until: datetime
) -> None:
    """Copy one call, or all, with all that a worker looks at by an instant.

    Of the files in which nothing is due by then, and that wait for no money, only
    the place in the order and the money are copied. The register stays where it
    is, and so do papers and aids: only a decision reads them. What a person is
    called, and where to write, matters to no worker: neither leaves the database.
    """
    calls = select(Call.id)
    if code is not None:
        calls = calls.where(Call.code == code)
    acts = select(CallVersion.act_id).where(col(CallVersion.call_id).in_(calls))
    files = col(Application.call_id).in_(calls)
    applicants = select(Application.applicant_id).where(files)
    touched = _touched(calls, until)
    # Those first that others refer to.
    _copy(source, scratch, Officer, col(Officer.id).is_not(None), _unnamed)
    _copy(source, scratch, OfficerRole, col(OfficerRole.officer_id).is_not(None))
    _copy(source, scratch, Act, col(Act.id).in_(acts))
    _copy(source, scratch, Call, col(Call.id).in_(calls))
    for of_call in (CallVersion, Opening, Malfunction, Draw):
        _copy(source, scratch, of_call, col(of_call.call_id).in_(calls))
    _copy(source, scratch, Applicant, col(Applicant.id).in_(applicants), _unnamed)
    _copy(source, scratch, Application, files)
    _copy(source, scratch, Fund, col(Fund.call_id).in_(calls) & (col(Fund.free) > 0))
    _copy(source, scratch, Step, col(Step.application_id).in_(touched))
    _copy(source, scratch, Term, col(Term.application_id).in_(touched), _untried)
    _copy(source, scratch, Notice, col(Notice.application_id).in_(touched), _unsent)


def _copy(
    source: Session,
    scratch: Session,
    model: type[SQLModel],
    where: ColumnElement[bool],
    blank: Callable[[_Row], _Row] = lambda _row: {},
) -> None:
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    copy(source, scratch, table, where=where, blank=blank)


def _touched(calls: SelectOfScalar[UUID], until: datetime) -> SelectOfScalar[UUID]:
    """Choose the files about which a worker may do something by an instant.

    In each of them something is due by then; what comes of it concerns the same
    file alone. Only money goes to others, to those who hold a place, and drafts
    expire with the window.
    """
    due = (
        select(Term.application_id)
        .where(col(Term.call_id).in_(calls))
        .where(col(Term.next_check) <= until)
    )
    return (
        select(Application.id)
        .where(col(Application.call_id).in_(calls))
        .where(
            or_(
                col(Application.id).in_(due),
                col(Application.state).in_({*QUEUED_STATES, ApplicationState.DRAFT}),
            )
        )
    )


def _unnamed(row: _Row) -> _Row:
    """Leave out what a person is called; by its code a call tells who may apply.

    Letters need some name: that of nobody. Who is erased has none already.
    """
    if row.get("erased_at") is not None:
        return {}
    return dict.fromkeys(row.keys() & {"name", "pec", "email"}, "-")


def _untried(_row: _Row) -> _Row:
    """Forget what failed: what is put aside again is found by that."""
    return {"attempts": 0, "fault": None}


def _unsent(_row: _Row) -> _Row:
    return {"recipient": "", "subject": None, "body": None, "receipt": None}
