"""How fast does what commits leave to be done reach the broker?

Run by `make bench`, or as `python benchmarks/relay.py [--quick] [--check]`.
Three contestants take turns with the same rows of the outbox and a real Redis:

- relay: it reads the rows, sends them in groups, and notes that they are sent;
- one by one: each row is read, handed to the broker and noted by itself;
- broker alone: messages that are there already are handed to the broker one by
  one; nothing is read, and nothing is noted.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from sqlmodel import SQLModel

from benchmarks.awaited import open_calls, settle
from benchmarks.figures import DATABASES, Line, Target, parser, show, surroundings
from benchmarks.offices import Raw, databases, served
from tests.postboxes import Postbox
from tests.servers import running
from workers import actors, broker
from workers.relay import Relay
from workflow.ambient import SystemAmbient
from workflow.desk import Desk
from workflow.services import outbox

AGAINST_ONE_BY_ONE = Target(floor=3)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    together: int
    """Rows that the relay sends, and messages that the broker alone gets."""
    alone: int
    """Rows that are sent one by one."""


THOROUGH = Plan(rounds=7, together=5_000, alone=500)
QUICK = Plan(rounds=3, together=1_000, alone=100)


# The outbox


def fill(raw: Raw, rows: int) -> None:
    """Have rows in the outbox that were not sent, like one that a move has left."""
    columns = [column.name for column in SQLModel.metadata.tables["outbox"].columns]
    found = raw.connection.execute(f"SELECT {', '.join(columns)} FROM outbox LIMIT 1")  # noqa: S608 - names of ours
    model = dict(zip(columns, found.fetchone(), strict=True)) | {"sent_at": None}
    with raw.transaction() as cursor:
        cursor.execute("DELETE FROM outbox")
        made = (
            {**model, "id": _like(model["id"]), "entry_seq": n} for n in range(rows)
        )
        raw.pour(cursor, "outbox", columns, (tuple(row.values()) for row in made))
    settle(raw)


def _like(identity: Any) -> Any:  # noqa: ANN401 - as the driver has it
    new = SystemAmbient().new_id()
    return new.hex if isinstance(identity, str) else new


# The contestants: each tells how many messages it has sent in how many seconds

Sent = tuple[int, float]


def by_the_relay(desk: Desk, there: Broker, plan: Plan) -> Sent:
    """Send as the active scheduler does."""
    start = time.perf_counter()
    sent = Relay(there, desk).step()
    took = time.perf_counter() - start
    assert sent == plan.together, sent  # noqa: S101 - else something else is measured
    return sent, took


def one_by_one(desk: Desk, there: Broker, plan: Plan) -> Sent:
    """Send as a relay does that knows no groups."""
    start = time.perf_counter()
    for _ in range(plan.alone):
        (job,) = outbox.to_send(desk, most=1)
        there.enqueue(_asked(str(job.id)))
        outbox.mark_sent(desk, [job])
    return plan.alone, time.perf_counter() - start


def by_the_broker_alone(desk: Desk, there: Broker, plan: Plan) -> Sent:
    """Send without looking at the database."""
    messages = [_asked(str(desk.ambient.new_id())) for _ in range(plan.together)]
    start = time.perf_counter()
    for message in messages:
        there.enqueue(message)
    return plan.together, time.perf_counter() - start


def _asked(identity: str) -> Any:  # noqa: ANN401 - a message of whatever it returns
    about = {"call": "BENCH", "application": identity, "cause": "entry 1"}
    return actors.message("do_message", identity, identity=identity, about=about)


CONTESTANTS: dict[str, Callable[[Desk, Broker, Plan], Sent]] = {
    "relay": by_the_relay,
    "one by one": one_by_one,
    "broker alone": by_the_broker_alone,
}


# All of it


def compare(kind: str, plan: Plan) -> bool:
    """Measure on one kind of database, and tell whether the target was met."""
    rates: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with (
        databases(kind) as made,
        made.empty() as url,
        running("redis") as address,
        Raw(url) as raw,
    ):
        open_calls(url, 1)
        with served(url) as desk:
            there = broker.build(address)
            actors.declare(there, desk, Postbox())
            for counts in [False] + [True] * plan.rounds:
                for name, send in CONTESTANTS.items():
                    fill(raw, plan.together)
                    _forget(there)
                    sent, took = send(desk, there, plan)
                    if counts:
                        rates[name].append(sent / took)
            there.close()
    return _report(kind, plan, rates)


def _forget(there: Broker) -> None:
    assert isinstance(there, RedisBroker)  # noqa: S101 - it was built for a Redis
    there.client.flushall()


def _report(kind: str, plan: Plan, rates: Mapping[str, Sequence[float]]) -> bool:
    relay, *others = [Line(name, values) for name, values in rates.items()]
    lines, met = [Line(f"  {relay.name}", relay.values)], []
    for other in others:
        ratio = relay.median / other.median
        remark = f"the relay reaches {AGAINST_ONE_BY_ONE.told(ratio)}"
        met.append(AGAINST_ONE_BY_ONE.is_met(ratio))
        lines.append(Line(f"  {other.name}", other.values, remark))
    print(f"{kind}: {plan.rounds} alternating rounds; {surroundings()}")
    show("messages per second", lines)
    return all(met)


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    options = parser(str(__doc__).splitlines()[0]).parse_args()
    plan = QUICK if options.quick else THOROUGH
    met = [compare(kind, plan) for kind in options.database or DATABASES]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
