"""What do officers do while harm is done, in one process or with a command each?"""

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from models.vocabulary import FINAL_STATES, ApplicationState, CallState, Event, Role
from tests.builders import ROME, usual
from tests.faults.soak.machines import Machine
from tests.faults.soak.notebooks import (
    BEGINS,
    BUG,
    CALLS,
    DONE,
    REFUSED,
    RICH,
    SCARCE,
    Notebook,
    by_chance,
    insist,
    may_go,
    rest,
)
from workflow.desk import Desk
from workflow.errors import SportelloError
from workflow.services import calls, moves, views
from workflow.services.views import ApplicationView

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
    Event.END_CONFLICT,
    Event.EXTEND_TERM,
    Event.LAPSE,
    Event.NOTIFY_REFUSAL,
    Event.PROPOSE_REVOCATION,
    Event.RECORD_DELIVERY,
    Event.REJECT,
    Event.REQUEST_COMPLETION,
    Event.REVOKE,
    Event.WITHDRAW,
}
"""What would soon leave nothing to do, or is mostly refused, if it came as often as
the rest.
"""

_AT_HAND = 12
"""Files, of those that arrived first, at which officers look most of the time."""


_OVERTAKES = 0.15
"""How often they take a file up that is not the first."""

FIRST_ACT = 10_000
"""Above the numbers of all other acts: by its own each is found again."""

_IN_A_DECREE = 3

OF_DAYS_THAT_WERE_JUMPED_OVER = ("no anchor", "nothing was sealed since")
"""How the faults of anchors begin that come of it."""


def operating(post: Machine, *, who: str, seed: int) -> None:
    """Decide on files, each in the role that it takes."""
    _decide(post, who, seed, _by_service, _chosen)


def typing(post: Machine, *, who: str, seed: int) -> None:
    """Type commands, each a process of its own: decisions, and looks at the whole."""
    _decide(post, who, seed, _by_command, _chosen)


def directing(post: Machine, *, who: str, seed: int) -> None:
    """Type what concerns more than one file: acts on calls, and decrees."""
    _decide(post, who, seed, _by_command, _directed)


Decides = Callable[[Machine, Desk, Notebook, dict[str, Any]], None]
Chooses = Callable[[Desk, str, random.Random], dict[str, Any] | None]


def _decide(
    post: Machine, who: str, seed: int, does: Decides, chooses: Chooses
) -> None:
    book = Notebook.of(post, who)
    with post.desk() as desk:
        while True:
            lines = book.lines()
            chance = by_chance(seed, f"{who} {len(lines)}")
            begun = lines[-1] if lines and lines[-1]["did"] == BEGINS else None
            if begun is None:
                if may_go(post):
                    return
                key = f"{who}-{len(lines)}"
                begun = insist(lambda: chooses(desk, key, chance))  # noqa: B023
                if begun is not None:
                    book.write(BEGINS, **begun)
            if begun is not None:
                book.write_bug(lambda: does(post, desk, book, begun))  # noqa: B023
            time.sleep(chance.random() * 0.05)


def _chosen(desk: Desk, key: str, chance: random.Random) -> dict[str, Any] | None:
    """Choose a file that is still open, and what can be done with it."""
    listed = views.listed(desk, call=chance.choice(CALLS))
    files = [one for one in listed if one.protocol and one.state not in FINAL_STATES]
    if not files:
        return None
    near = files[:_AT_HAND] if chance.random() < 0.8 else files
    file = chance.choice(near)
    filed = [one for one in files if one.state == ApplicationState.SUBMITTED]
    if filed[1:] and chance.random() < _OVERTAKES:
        return _overtaking(desk, key, chance.choice(filed[1:_AT_HAND]), chance)
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


# Calls, and many files at once


def _directed(desk: Desk, key: str, chance: random.Random) -> dict[str, Any] | None:
    """Choose an act on a call, or a decree; often just a file, as others do."""
    if chance.random() < 0.3:
        return _chosen(desk, key, chance)
    call = calls.shown(desk, chance.choice(CALLS))
    now = desk.ambient.now()
    number = FIRST_ACT + int(key.rpartition("-")[2])
    act = f"decreto {number}/{now.astimezone(ROME).date().isoformat()}"
    formal = ("--act", act, "--reason", "so it was decided", "--yes")
    found = {"key": key, "number": f"{number}", "count": 1, "login": "rossi"}
    if call.state == CallState.SUSPENDED and call.reopens_at is None:
        opens = (now + _CLOSED_FOR).isoformat(timespec="seconds")
        return {**found, "words": ["call", "reopen", call.code, "--at", opens, *formal]}
    what = chance.choice(("suspend", "refinance", "grant", "grant"))
    if what == "suspend":
        return {**found, "words": ["call", "suspend", call.code, *formal]}
    if what == "refinance":
        more = f"{(call.allocation + 11_111_111) / 100:.2f}"
        words = ["call", "refinance", call.code, "--allocation", more, *formal]
        return {**found, "words": words}
    lines = _list_of_a_decree(desk, key, call.code)
    if not lines:
        return _chosen(desk, key, chance)
    words = ["grant", call.code, "-", *formal]
    return {**found, "count": len(lines), "lines": lines, "words": words}


_CLOSED_FOR = timedelta(hours=6)


def _list_of_a_decree(desk: Desk, key: str, call: str) -> list[dict[str, Any]]:
    """List who may be granted without passing anybody over, with what each carries."""
    listed = []
    for one in views.listed(desk, call=call):
        if one.state == ApplicationState.EVALUATED:
            command = _command(desk, key, one, Event.GRANT, role=Role.MANAGER)
            inputs = command["stated"]["inputs"]
            listed.append({"application": one.protocol, **inputs})
        elif one.reserved and one.state not in FINAL_STATES:
            break
    return listed[:_IN_A_DECREE]


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
        answer = insist(lambda: moves.advance(desk.as_officer(begun["login"]), command))
    except SportelloError as error:
        book.write(REFUSED, key=begun["key"], code=error.code)
    else:
        book.write(DONE, key=begun["key"], entry=answer["entry"])


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
    words = begun.get("words") or [
        *("advance", begun["application"], begun["event"], "--yes"),
        *("--key", begun["key"], *_options(begun["stated"])),
    ]
    if "lines" in begun:
        decree = post.folder / "home" / f"{begun['key']}.jsonl"
        decree.write_text("\n".join(map(json.dumps, begun["lines"])), encoding="utf-8")
        words = [f"{decree}" if word == "-" else word for word in words]
    told = _typed(post, book, words, who=begun["login"])
    if told is None:
        return
    code, answer = told
    if code == 0 and "number" in begun:
        book.write(DONE, key=begun["key"], number=begun["number"])
    elif code == 0:
        book.write(DONE, key=begun["key"], entry=answer["entry"])
    else:
        book.write(REFUSED, key=begun["key"], code=answer["error"]["code"])
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
            rest()  # it was killed, or something was not there
            continue
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = None
        is_bug = "Traceback" in done.stderr or _code_of(answer) == "usage"
        is_damage = done.returncode == 5 and not _only_days_are_missing(answer)
        if answer is None or is_bug or is_damage:
            told = f"{words} {done.returncode}\n{done.stdout}\n{done.stderr}"
            book.write(BUG, told=told)
            return None
        return done.returncode, answer


def _code_of(answer: Any) -> str | None:
    error = answer.get("error") if isinstance(answer, dict) else None
    return error["code"] if isinstance(error, dict) else None


def _only_days_are_missing(answer: Any) -> bool:
    """Tell whether all that a verification finds is that days were jumped over."""
    return (
        "anchors" in answer
        and answer["office"]["ok"]
        and all(one["ok"] for one in answer["calls"])
        and all(
            one["fault"].startswith(OF_DAYS_THAT_WERE_JUMPED_OVER)
            for one in answer["anchors"]["faults"]
        )
    )
