"""Who works at the office while harm is done, and what do they write down?

Each of them is a process. What one is told is written down outside of the reach of a
kill, and whoever takes the place of a killed one reads there what it was about to do.
"""

import itertools
import json
import random
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
import redis
from dramatiq import Broker, Message
from dramatiq.results.errors import ResultError

from models.session import DatabaseUnavailableError
from models.vocabulary import FINAL_STATES, Event, Role
from tests.builders import CTL, ROME, submission, usual
from tests.faults.soak.machines import Machine
from tests.processes import acknowledge, acknowledged
from workflow.desk import Desk
from workflow.errors import SportelloError, UnavailableError
from workflow.services import intake, moves, views
from workflow.services.views import ApplicationView

Found = TypeVar("Found")

SCARCE, RICH = "RLF12025051245", "RLF12025051246"
"""Calls that take anybody: in one of them there is not enough money for all."""

CALLS = CTL, SCARCE, RICH
_WHO = {
    Role.INTAKE: "clerk",
    Role.OFFICER: "examiner",
    Role.RESPONSIBLE: "rup",
    Role.EVALUATOR: "board",
    Role.MANAGER: "director",
}
_SELDOM = {
    Event.ANNUL,
    Event.DECLARE_CONFLICT,
    Event.DECLARE_INADMISSIBLE,
    Event.DECLARE_NOT_RECEIVABLE,
    Event.DECLARE_UNFUNDED,
    Event.LAPSE,
    Event.NOTIFY_REFUSAL,
    Event.PROPOSE_REVOCATION,
    Event.RECORD_DELIVERY,
    Event.REJECT,
    Event.REQUEST_COMPLETION,
    Event.REVOKE,
    Event.WITHDRAW,
}
"""What would soon leave nothing to do, if it were chosen as often as the rest."""

_AT_HAND = 12
"""Files, of those that arrived first, at which officers look most of the time."""

_AWAY = (UnavailableError, DatabaseUnavailableError)
_ASIDE = 0.1
"""Seconds of rest when something is not there."""

_AGAIN = 3
"""Submissions that are brought again after an interruption, answered or not."""


@dataclass(frozen=True)
class Notebook:
    """What somebody was told, line by line."""

    file: Path

    def write(self, did: str, **more: Any) -> None:
        acknowledge(self.file, json.dumps({"did": did, **more}).encode())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in acknowledged(self.file)]


def notebooks(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read what all of them have written, by their names."""
    files = sorted((folder / "notebooks").iterdir())
    return {file.name: Notebook(file).lines() for file in files}


def _notebook(post: Machine, who: str) -> Notebook:
    return Notebook(post.folder / "notebooks" / who)


def may_go(post: Machine) -> bool:
    """Tell whether nothing new is to be begun."""
    return (post.folder / "evening").exists()


def send_home(folder: Path) -> None:
    """Have all of them finish what they began, and end."""
    (folder / "evening").touch()


# Officers


def operating(post: Machine, *, who: str, seed: int) -> None:
    """Decide on files, each in the role that it takes."""
    _decide(post, who, seed, _by_service)


def typing(post: Machine, *, who: str, seed: int) -> None:
    """Type commands, each a process of its own: decisions, and looks at the whole."""
    _decide(post, who, seed, _by_command)


Decides = Callable[[Machine, Desk, Notebook, dict[str, Any]], None]


def _decide(post: Machine, who: str, seed: int, does: Decides) -> None:
    book = _notebook(post, who)
    with post.desk() as desk:
        while True:
            lines = book.lines()
            chance = random.Random(f"{seed} {who} {len(lines)}")  # noqa: S311 - a seeded test
            begun = lines[-1] if lines and lines[-1]["did"] == "begins" else None
            if begun is None:
                if may_go(post):
                    return
                key = f"{who}-{len(lines)}"
                begun = _insist(lambda: _chosen(desk, key, chance))  # noqa: B023
                if begun is not None:
                    book.write("begins", **begun)
            if begun is not None:
                _noting_bugs(book, lambda: does(post, desk, book, begun))  # noqa: B023
            time.sleep(chance.random() * 0.05)


def _noting_bugs(book: Notebook, does: Callable[[], None]) -> None:
    try:
        does()
    except Exception:  # noqa: BLE001 - the tests must see it
        book.write("bug", told=traceback.format_exc())


def _insist(does: Callable[[], Found]) -> Found:
    """Do something as often as it takes until what it needs is there."""
    while True:
        try:
            return does()
        except _AWAY:
            time.sleep(_ASIDE)


def _chosen(desk: Desk, key: str, chance: random.Random) -> dict[str, Any] | None:
    """Choose a file that is still open, and what can be done with it."""
    listed = views.listed(desk, call=chance.choice(CALLS))
    files = [one for one in listed if one.protocol and one.state not in FINAL_STATES]
    if not files:
        return None
    near = files[:_AT_HAND] if chance.random() < 0.8 else files
    file = chance.choice(near)
    if chance.random() < 0.1:
        return _overtaking(desk, key, file, chance)
    _, known = views.events(desk, str(file.protocol))
    events = sorted((one for one in known if one.allowed), key=lambda one: one.event)
    if not events:
        return None
    weights = [1 if one.event in _SELDOM else 8 for one in events]
    (found,) = chance.choices(events, weights)
    return _command(desk, key, file, found.event, role=found.role)


def _overtaking(
    desk: Desk, key: str, file: ApplicationView, chance: random.Random
) -> dict[str, Any]:
    """Take a file up before its turn: by an act, or as nobody may."""
    event = chance.choice((Event.START_REVIEW, Event.EVALUATE))
    command = _command(desk, key, file, event, role=Role.OFFICER)
    if chance.random() < 0.7:
        command["stated"]["inputs"] = {
            **command["stated"].get("inputs", {}),
            "overtake": True,
        }
        if chance.random() < 0.8:
            today = desk.ambient.now().astimezone(ROME).date()
            command["stated"]["act"] = f"decreto 9/{today.isoformat()}"
        command["stated"]["reason"] = "a judge says so"
    return command


def _command(
    desk: Desk, key: str, file: ApplicationView, event: Event, *, role: Role
) -> dict[str, Any]:
    today = desk.ambient.now().astimezone(ROME).date()
    stated = usual(event, today)
    if event in {Event.GRANT, Event.RENEW_COR}:  # codes that no other process gives
        number = int(str(file.protocol).rpartition("/")[2])
        inputs = {"cor": f"{9_000_000 + number}"}
        if event == Event.GRANT:
            inputs = {"cor": f"{number}", "cup": f"E41B{number:011d}"}
        stated["inputs"] |= inputs
    # Half of what is typed comes from those who may do everything.
    who = _WHO.get(role, "rossi") if hash_of(key) % 2 else "rossi"
    return {
        "key": key,
        "application": file.protocol,
        "event": event.value,
        "stated": stated,
        "login": who,
    }


def hash_of(key: str) -> int:
    return sum(key.encode())


def _by_service(
    _post: Machine, desk: Desk, book: Notebook, begun: dict[str, Any]
) -> None:
    """Decide until there is an answer: the same again, under the same key."""
    command = moves.MoveCommand(
        begun["application"],
        Event(begun["event"]),
        key=begun["key"],
        **begun["stated"],
    )
    try:
        answer = _insist(
            lambda: moves.advance(desk.as_officer(begun["login"]), command)
        )
    except SportelloError as error:
        book.write("refused", key=begun["key"], code=error.code)
    else:
        book.write("done", key=begun["key"], entry=answer["entry"])


_LOOKS = (
    ("log", "verify", SCARCE),
    ("log", "anchor"),
    ("queue", SCARCE),
    ("terms", RICH),
    ("notices",),
    ("doctor",),
    ("sweep",),
    ("explain", "money", SCARCE),
)


def _by_command(
    post: Machine, _desk: Desk, book: Notebook, begun: dict[str, Any]
) -> None:
    """Type it, until there is an answer; and look at something afterwards."""
    words = ["advance", begun["application"], begun["event"], "--yes"]
    words += ["--key", begun["key"], *_options(begun["stated"])]
    told = _typed(post, book, words, who=begun["login"])
    if told is None:
        return
    code, answer = told
    if code == 0:
        book.write("done", key=begun["key"], entry=answer["entry"])
    else:
        book.write("refused", key=begun["key"], code=answer["error"]["code"])
    look = _LOOKS[hash_of(begun["key"]) % len(_LOOKS)]
    _typed(post, book, list(look), who="rossi")


def _options(stated: dict[str, Any]) -> Iterator[str]:
    for name, value in (stated.get("inputs") or {}).items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
            continue
        for one in value if isinstance(value, list) else [value]:
            yield from (option, str(one))
    for name in ("act", "reason"):
        if stated.get(name):
            yield from (f"--{name}", stated[name])


def _typed(
    post: Machine, book: Notebook, words: list[str], *, who: str
) -> tuple[int, Any] | None:
    """Type a command until it is answered; none if what it says makes no sense."""
    # The whole command line: whoever types nothing does not load it.
    from tests.terminals import Terminal  # noqa: PLC0415 - see above

    while True:
        settings = {**post.settings(), "SPORTELLO_OFFICER": who}
        done = Terminal(post.folder / "home", settings).run(*words, "--json")
        if done.returncode < 0 or (done.returncode == 3 and words[0] != "doctor"):
            time.sleep(_ASIDE)  # it was killed, or something was not there
            continue
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = None
        if answer is None or "Traceback" in done.stderr or done.returncode == 5:
            told = f"{words} {done.returncode}\n{done.stdout}\n{done.stderr}"
            book.write("bug", told=told)
            return None
        return done.returncode, answer


# Whoever brings submissions


def handing_in(post: Machine, *, who: str, call: str, seed: int) -> None:
    """Bring a file of submissions that grows, as at the desk."""
    book = _notebook(post, who)

    def bring(desk: Desk) -> None:
        lines = _lines(post, book, who, seed)
        for answer in intake.take_in(desk.as_officer("clerk"), call, lines):
            book.write("filed", call=call, answer=answer)

    with post.desk() as desk:
        while not may_go(post):
            try:
                bring(desk)
            except _AWAY:
                time.sleep(_ASIDE)
            except Exception:  # noqa: BLE001 - the tests must see it
                book.write("bug", told=traceback.format_exc())
                return


def _lines(post: Machine, book: Notebook, who: str, seed: int) -> Iterator[bytes]:
    """Bring what was not answered, and some of what was."""
    for number in itertools.count(max(len(answered(book)) - _AGAIN, 0)):
        if may_go(post):
            return
        yield line(who, number)
        chance = random.Random(f"{seed} {who} {number}")  # noqa: S311 - a seeded test
        time.sleep(chance.random() * 0.6)


def answered(book: Notebook) -> set[str]:
    """Name the submissions that were answered."""
    return {one["answer"]["portal_id"] for one in book.lines() if one["did"] == "filed"}


def pushing(post: Machine, *, who: str, call: str, seed: int) -> None:
    """Push submissions one by one, as a portal does, until each is answered."""
    book = _notebook(post, who)
    with closing(post.broker()) as portal:
        portal.declare_queue("intake")
        while not may_go(post):
            number = len(answered(book))
            answer = _pushed(portal, call, line(who, number))
            if answer is not None:
                book.write("filed", call=call, answer=answer)
                chance = random.Random(f"{seed} {who} {number}")  # noqa: S311 - a seeded test
                time.sleep(chance.random() * 0.3)


def _pushed(portal: Broker, call: str, content: bytes) -> dict[str, Any] | None:
    """Push one and wait a while; without an answer it is pushed again later."""
    args = (call, content.decode())
    message: Message[Any] = Message("intake", "receive_submission", args, {}, {})
    backend = next(one for one in portal.middleware if hasattr(one, "backend")).backend
    try:
        portal.enqueue(message)
        told = message.get_result(backend=backend, block=True, timeout=3_000)
    except (ResultError, redis.RedisError, OSError):
        time.sleep(_ASIDE)
        return None
    assert isinstance(told, dict)
    return told


def line(who: str, number: int) -> bytes:
    """Write a submission by an applicant whom no list names."""
    code = 80_000_000_000 + number
    return orjson.dumps(
        {
            **submission(0),
            "portal_id": f"{who}-{number:05d}",
            "applicant": {
                "tax_code": f"{code}",
                "name": f"Ente {code}",
                "pec": f"ente{number}@pec.example.it",
            },
        }
    )
