"""How fast is the work done with python-statemachine and the ORM of SQLAlchemy?

A machine is made for each row and keeps its state there; a session with its
transaction does one move. It has no queue: what is due is found by a loop.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    DateTime,
    Engine,
    ForeignKey,
    create_engine,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from statemachine import State, StateMachine

from benchmarks.peers import work


class Base(DeclarativeBase):
    """What all tables have in common."""


class Call(Base):
    """What counts the files."""

    __tablename__ = "calls"
    id: Mapped[int] = mapped_column(primary_key=True)
    filed: Mapped[int]


class File(Base):
    """What is moved."""

    __tablename__ = "files"
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey(Call.id))
    number: Mapped[int]
    portal_id: Mapped[str]
    tax_code: Mapped[str]
    requested: Mapped[int]
    content: Mapped[str]
    stage: Mapped[str]
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class History(Base):
    """What was done with a file."""

    __tablename__ = "history"
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey(File.id))
    event: Mapped[str]
    source: Mapped[str | None]
    target: Mapped[str]


class Machine(StateMachine):
    """Which move leads where."""

    submitted = State(initial=True)
    in_review = State()
    awaiting = State()
    admissible = State()
    evaluated = State(final=True)
    lapsed = State(final=True)

    start_review = submitted.to(in_review)
    request_completion = in_review.to(awaiting)
    admit = in_review.to(admissible)
    evaluate = admissible.to(evaluated)
    expire = awaiting.to(lapsed)


def _fire(session: Session, file: File, event: str) -> None:
    source = file.stage
    Machine(file, state_field="stage").send(event)
    session.add(History(file_id=file.id, event=event, source=source, target=file.stage))


def _opened(order: work.Order) -> Engine:
    address = make_url(order.database).set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    engine.connect().close()
    return engine


# What is done


def intake(order: work.Order) -> float:
    """Take submissions in, each in a transaction of its own."""

    def clerk() -> Callable[[bytes], None]:
        engine = _opened(order)
        return lambda line: _take(engine, [line])

    return work.shared(clerk, order.submissions(), hands=work.HANDS)


def intake_in_groups(order: work.Order) -> float:
    """Take submissions in, many in a transaction."""

    def clerk() -> Callable[[Sequence[bytes]], None]:
        engine = _opened(order)
        return lambda lines: _take(engine, lines)

    return work.shared(clerk, work.grouped(order.submissions()), hands=1)


def _take(engine: Engine, lines: Sequence[bytes]) -> None:
    read = [json.loads(line) for line in lines]
    with Session(engine) as session, session.begin():
        call = session.get_one(Call, 1, with_for_update=True)
        files = [_filed(call, told, n) for n, told in enumerate(read, start=1)]
        call.filed += len(files)
        session.add_all(files)
        session.flush()
        session.add_all(
            History(file_id=file.id, event="file", target=file.stage) for file in files
        )


def _filed(call: Call, told: dict[str, Any], number: int) -> File:
    return File(
        call_id=call.id,
        number=call.filed + number,
        portal_id=told["portal_id"],
        tax_code=told["applicant"]["tax_code"],
        requested=round(float(told["requested"]) * 100),
        content=json.dumps(told),
        stage="submitted",
    )


def advance(order: work.Order) -> float:
    """Move files, one after the other."""

    def officer() -> Callable[[int], None]:
        engine = _opened(order)

        def move(number: int) -> None:
            for event in work.MOVES:
                with Session(engine) as session, session.begin():
                    file = session.get_one(File, number, with_for_update=True)
                    _fire(session, file, event)

        return move

    return work.shared(officer, order.files, hands=1)


def sweep(order: work.Order) -> float:
    """Do what is due, a file and a transaction at a time."""

    def hand() -> Callable[[int], None]:
        engine = _opened(order)
        due = (
            select(File)
            .where(File.due_at <= func.now())
            .order_by(File.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

        def expire(_number: int) -> None:
            with Session(engine) as session, session.begin():
                file = session.scalars(due).one()
                _fire(session, file, "expire")
                file.due_at = None

        return expire

    with _opened(order).begin() as connection:
        connection.execute(text(work.BEGUN))
    return work.shared(hand, order.everything, hands=work.HANDS * work.AT_ONCE)


if __name__ == "__main__":
    work.do(
        {
            "intake": intake,
            "intake in groups": intake_in_groups,
            "advance": advance,
            "sweep": sweep,
        }
    )
