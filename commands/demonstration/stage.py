"""Who plays in the demonstration, and how is it told?"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from config.loader import find, load
from config.schema import CallDefinition
from models.session import open_engine
from models.vocabulary import CallEvent, Event, MovementKind, Role
from workflow.ambient import FrozenAmbient
from workflow.desk import AnchorFiles, Desk, Identity, IdentityKind
from workflow.errors import RefusedError
from workflow.moves.families import TABLES
from workflow.rules.amounts import format_money, parse_money
from workflow.rules.calendar import ROME
from workflow.services import (
    anchoring,
    calls,
    installation,
    intake,
    moves,
    officers,
    signing,
    sweep,
)

STAFF = (
    ("admin", "Amministratore di sistema", (Role.ADMINISTRATOR,)),
    ("protocollo", "Ufficio protocollo", (Role.INTAKE,)),
    ("verdi", "Istruttore", (Role.OFFICER,)),
    ("bianchi", "Responsabile del procedimento", (Role.RESPONSIBLE,)),
    ("nucleo", "Segreteria del nucleo di valutazione", (Role.EVALUATOR,)),
    ("rossi", "Dirigente", (Role.MANAGER,)),
)

_WHO = {
    Role.INTAKE: "protocollo",
    Role.OFFICER: "verdi",
    Role.RESPONSIBLE: "bianchi",
    Role.EVALUATOR: "nucleo",
    Role.MANAGER: "rossi",
}


_DUE = {
    CallEvent.CLOSE_CALL: "the window has closed",
    Event.EXPIRE_COMPLETION: "no completion came in its term: it is decided as it is",
    Event.EXPIRE_OBSERVATIONS: "no observations came in their term",
    Event.EXPIRE_TERM: "a term of the office has ended: it is told so",
    Event.REMIND_TERM: "the applicant is reminded of a term that is about to end",
    Event.ESCALATE_TERM: "a term of the office was missed: the manager is told",
}
"""What the workers do in the demonstration, in words."""


def rome(*parts: int) -> datetime:
    """Return an instant from civil time in Rome."""
    return datetime(*parts, tzinfo=ROME).astimezone(UTC)  # type: ignore[misc,arg-type]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, as the timeline tells it."""

    at: datetime
    who: str
    file: str
    what: str

    def __str__(self) -> str:
        local = self.at.astimezone(ROME)
        fraction = f".{local.microsecond // 1000:03d}" if local.microsecond else "    "
        instant = f"{local:%d/%m/%Y %H:%M:%S}{fraction}"
        return f"{instant} {self.who:<11}{self.file:<16}{self.what}"


@dataclass
class Stage:
    """The scratch office: its desk, its simulated clock, and who listens."""

    desk: Desk
    clock: FrozenAmbient
    listen: Callable[[Line], None]
    rules: CallDefinition
    lines: list[Line] = field(default_factory=list)

    @property
    def call(self) -> str:
        """The code of the call that is played."""
        return self.rules.code

    def at(self, *parts: int, ms: int = 0) -> None:
        """Set the simulated clock to a civil time in Rome."""
        self.clock.move_to(rome(*parts).replace(microsecond=ms * 1000))

    def tell(self, who: str, file: str, what: str) -> None:
        """Tell one thing that happened."""
        self.say(Line(self.clock.now(), who, file, what))

    def say(self, line: Line) -> None:
        """Tell one thing as it stands."""
        self.lines.append(line)
        self.listen(line)

    def take(self, number: int, **changes: object) -> str | None:
        """Take one submission in; return its protocol, or nothing if refused."""
        filed = submission(self.rules, number, **changes)
        desk = self.desk.as_officer("protocollo")
        (answer,) = intake.take_in(desk, self.call, [orjson.dumps(filed)])
        if answer["outcome"] == "refused":
            self.tell("protocollo", filed["portal_id"], _refused(answer["error"]))
            return None
        self.tell(
            "protocollo",
            answer["protocol"],
            f"in, place {answer['position']}: {short(filed['applicant']['name'])}",
        )
        return str(answer["protocol"])

    def move(self, file: str, event: Event, note: str, **stated: Any) -> None:  # noqa: ANN401 - as each event wants it
        """Make one move as the officer whose role it needs, and tell it."""
        receipt = self._advance(file, event, stated)
        self.tell(self._officer(event), file, note + _aside([receipt]))

    def each(
        self,
        files: Mapping[int, str],
        event: Event,
        note: str,
        stated: Callable[[int], dict[str, Any]],
    ) -> None:
        """Make the same move on several files, a minute apart, and tell it once."""
        started, receipts = self.clock.now(), []
        for number, file in files.items():
            receipts.append(self._advance(file, event, stated(number)))
            self.clock.advance(timedelta(minutes=1))
        what = note + _aside(receipts)
        self.say(Line(started, self._officer(event), span(files), what))

    def _advance(
        self, file: str, event: Event, stated: dict[str, Any]
    ) -> dict[str, Any]:
        desk = self.desk.as_officer(self._officer(event))
        return moves.advance(desk, moves.MoveCommand(file, event, **stated))

    def sweep(self) -> None:
        """Let the workers do all that is due, and tell it."""
        for done in sweep.sweep(self.desk).applied:
            self.tell("worker", done.application or "the call", _DUE[done.event])

    def seal(self) -> None:
        """Seal the register as a worker does every evening, and tell it."""
        made = anchoring.seal(self.desk)
        self.tell("worker", "the register", f"anchor {made.number} seals all of it")

    def fail(self, file: str, event: Event, note: str) -> None:
        """Try a move that a rule refuses, and tell the refusal."""
        try:
            self._advance(file, event, {})
        except RefusedError as error:
            self.tell(self._officer(event), file, f"REFUSED [{error.code}]: {note}")
            return
        message = f"{event} on {file} was to be refused and was not"
        raise AssertionError(message)

    def _officer(self, event: Event) -> str:
        """Name the officer whose role an event needs."""
        return _WHO[TABLES[self.rules.family].of_event(event)[0].role]


def short(text: str, length: int = 36) -> str:
    """Cut a text so that a line of the timeline fits a terminal of 100 columns."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def submission(rules: CallDefinition, number: int, **changes: object) -> dict[str, Any]:
    """Return what the portal hands over for one of the clusters."""
    cluster = rules.beneficiaries[number]
    return {
        "portal_id": f"BS-{2026000 + number + 1}",
        "applicant": {
            "tax_code": cluster.tax_code,
            "name": cluster.name,
            "pec": f"cluster{number + 1}@pec.example.it",
        },
        "requested": "105000.00",
        "investment": "95000.00",
        "documents": documents(rules, number),
        **changes,
    }


def documents(rules: CallDefinition, number: int) -> list[dict[str, str]]:
    """Return the invented documents of an applicant, each by its hash."""
    return [
        {
            "kind": document.kind,
            "name": f"{document.kind}.pdf.p7m",
            "sha256": paper(f"{document.kind}{number}"),
        }
        for document in rules.documents
    ]


def paper(name: str) -> str:
    """Return the hash of an invented document."""
    return hashlib.sha256(name.encode()).hexdigest()


@contextmanager
def stage(home: Path, call: str, listen: Callable[[Line], None]) -> Iterator[Stage]:
    """Set the scene: a scratch rehearsal database, the staff, the published call."""
    file = find(call)
    rules = load(file)
    clock = FrozenAmbient(rules.window.published_at)
    engine = open_engine(f"sqlite:///{home / 'sportello.db'}")
    desk = Desk(
        engine,
        clock,
        Identity(IdentityKind.DECLARED, "admin"),
        clock.now(),
        channel="demo",
        # Where the settings look for them in a home.
        anchor_files=AnchorFiles(
            home / "keys" / "register.pem", home / "anchors.jsonl"
        ),
    )
    try:
        installation.initialise(engine, clock, rehearsal=True)
        signing.prepare(desk)
        for login, name, roles in STAFF:
            officers.add(desk, login, name, roles)
        loaded = calls.register_call(desk, file)
        scene = Stage(desk, clock, listen, rules)
        what = f"call {scene.call} published, version {loaded.version}"
        scene.tell("admin", "", what)
        yield scene
    finally:
        engine.dispose()


def _refused(error: dict[str, Any]) -> str:
    late = error["details"].get("late_microseconds")
    if late is not None:
        return f"REFUSED [{error['code']}]: {late / 1_000_000:.3f} s late"
    return f"REFUSED [{error['code']}]: it opens at 10:00:00"


def span(numbers: Iterable[int]) -> str:
    """Name several files, counted from 0, in a few signs: `n. 1-3,5`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1]:
            runs[-1].append(number + 1)
        else:
            runs.append([number + 1])
    return "n. " + ",".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs
    )


def _aside(receipts: list[dict[str, Any]]) -> str:
    movements = [
        movement for receipt in receipts for movement in receipt["money"]["movements"]
    ]
    kinds = {movement["kind"] for movement in movements}
    if MovementKind.GRANT in kinds:
        total = sum(parse_money(movement["granted"]) for movement in movements)
        return f", {format_money(total)} in all"
    if kinds & {MovementKind.RELEASE, MovementKind.REDETERMINE}:
        return f"; free: {receipts[-1]['money']['residual']}"
    return ""
