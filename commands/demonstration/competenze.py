"""What happened to the 180 applications of Competenze & Innovazione?

The call, its money, the 179 applications for 8.8 million and the 59 grants for 2.5
are public figures. Who applied and for how much each, the hours, the officers and
the acts are invented, so that the figures come out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from commands.demonstration.stage import Line, Stage, documents, rome, span
from models.vocabulary import Event, SuspensionCause
from workflow.errors import RefusedError
from workflow.register import written
from workflow.rules.amounts import format_money, parse_money
from workflow.services import call_acts, calls, decrees, intake

FILE = "competenze-innovazione-2025"
NOTE = (
    "Public figures: 7 million, 179 applications for 8.8, 59 grants for 2.5.\n"
    "Invented: who applied and for how much, the hours, the officers, the acts."
)
ASKED = ("50000.00",) * 175 + ("15000.00",) * 3 + ("5000.00",)
INVESTED = {"50000.00": "71428.58", "15000.00": "21428.58", "5000.00": "7142.86"}
"""Investments declared, of which the call gives 70%."""
ADMITTED = ("60000.00",) * 50 + ("63571.43",) * 8 + ("62857.14",)
"""Investments admitted by the act: 70% is 42,000.00, 44,500.00 and 44,000.00."""
GRANTED = len(ADMITTED)
A_DAY = 20
"""How many arrive on each of the days that are played, a week apart."""
FIRST_DAY = rome(2025, 1, 15, 10, 30)
WEEK = timedelta(days=7)
PAUSE = timedelta(minutes=13, seconds=7, milliseconds=311)
SUSPENSION = "determinazione 61/2025-03-13"
DECREE = "determinazione 94/2025-04-14"


def play(stage: Stage) -> None:
    """Play the call until the money that the first grants leave has gone on."""
    files = _fill(stage)
    _suspend(stage)
    _too_late(stage)
    _review(stage, files[:GRANTED])
    _not_examined(stage, files[150])
    _pass_over(stage, files)
    _grant(stage, files[:GRANTED])


# The counter fills


def _fill(stage: Stage) -> list[str]:
    """Take 179 in, day by day; return their protocols."""
    files: list[str] = []
    for first in range(0, len(ASKED), A_DAY):
        files += _one_day(stage, range(first, min(first + A_DAY, len(ASKED))))
    return files


def _one_day(stage: Stage, numbers: range) -> list[str]:
    day = FIRST_DAY + numbers.start // A_DAY * WEEK
    arrivals = [day + PAUSE * (number - numbers.start) for number in numbers]
    stage.clock.move_to(arrivals[-1])
    answers = _take(
        stage,
        [
            _submission(stage, number, at)
            for number, at in zip(numbers, arrivals, strict=True)
        ],
    )
    _tell_day(stage, numbers, arrivals, answers)
    return [str(answer["protocol"]) for answer in answers]


def _take(stage: Stage, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    desk = stage.desk.as_officer("protocollo")
    return list(intake.take_in(desk, stage.call, [orjson.dumps(one) for one in lines]))


def _submission(stage: Stage, number: int, at: datetime) -> dict[str, Any]:
    """Return what the portal hands over for one of the enterprises."""
    asked = ASKED[number] if number < len(ASKED) else ASKED[0]
    return {
        "portal_id": f"CI-{number + 1:04d}",
        "applicant": {
            "tax_code": f"98{number + 1:09d}",
            "name": f"Impresa Esempio {number + 1}",
            "pec": f"impresa{number + 1}@pec.example.it",
        },
        "requested": asked,
        "investment": INVESTED[asked],
        "received_at": written(at),
        "documents": documents(stage.rules, number),
    }


def _tell_day(
    stage: Stage,
    numbers: range,
    arrivals: Sequence[datetime],
    answers: Sequence[dict[str, Any]],
) -> None:
    """Tell who of a day has money and who waits for it."""
    call = calls.shown(stage.desk, stage.call)
    funded = [answer["outcome"] for answer in answers].count("submitted")
    if funded:
        left = format_money(call.residual) if call.residual else "NOTHING"
        what = f"in: {format_money(call.reserved)} reserved, {left} left"
        stage.say(Line(arrivals[0], "protocollo", span(numbers[:funded]), what))
    if funded < len(numbers):
        what = (
            f"in, WITHOUT MONEY: {call.waiting} wait for "
            f"{format_money(call.waiting_amount)}"
        )
        stage.say(Line(arrivals[funded], "protocollo", span(numbers[funded:]), what))


# The counter stops


def _suspend(stage: Stage) -> None:
    stage.at(2025, 3, 13, 12)
    call_acts.suspend(
        stage.desk.as_officer("rossi"),
        stage.call,
        cause=SuspensionCause.ACT,
        act=SUSPENSION,
        reason="179 applications ask for 1.8 million more than there is",
    )
    stage.tell("rossi", "", f"SUSPENDED by {SUSPENSION}")


def _too_late(stage: Stage) -> None:
    stage.at(2025, 3, 13, 12, 4, 9, ms=118)
    late = _submission(stage, len(ASKED), stage.clock.now())
    (answer,) = _take(stage, [late])
    code = answer["error"]["code"]
    stage.tell("protocollo", late["portal_id"], f"REFUSED [{code}]: number 180")
    stage.tell("", "", "its instant is kept, to the microsecond")


# The first are examined


def _review(stage: Stage, files: Sequence[str]) -> None:
    first = dict(enumerate(files))
    kinds = [document.kind for document in stage.rules.documents]
    sheet = {"score": _sheet(stage), "minutes": "verbale 4/2025"}
    stage.at(2025, 3, 17, 9)
    stage.each(first, Event.START_REVIEW, "review started, in turn", lambda _: {})
    stage.at(2025, 3, 24, 9)
    stage.each(
        first, Event.ADMIT, "admissible", lambda _: {"inputs": {"checked": kinds}}
    )
    stage.at(2025, 4, 7, 9)
    stage.each(first, Event.EVALUATE, "scored 80 of 100", lambda _: {"inputs": sheet})


def _sheet(stage: Stage) -> list[str]:
    """Return four fifths of the points for each criterion."""
    return [
        f"{criterion.code}={criterion.max_points * 4 // 5}"
        for criterion in stage.rules.merit.criteria
    ]


def _not_examined(stage: Stage, file: str) -> None:
    stage.at(2025, 4, 8, 9)
    stage.fail(file, Event.START_REVIEW, "it waits for money")


# One act for 59


def _pass_over(stage: Stage, files: Sequence[str]) -> None:
    stage.at(2025, 4, 14, 11, 50)
    try:
        _decree(stage, [*files[: GRANTED - 2], files[GRANTED - 1]])
    except RefusedError as error:
        what = f"REFUSED [{error.code}]: n. {GRANTED - 1}"
        stage.tell("rossi", span([*range(GRANTED - 2), GRANTED - 1]), what)
        return
    message = "an act that passes somebody over was adopted"
    raise AssertionError(message)


def _grant(stage: Stage, files: Sequence[str]) -> None:
    stage.at(2025, 4, 14, 12)
    told = _decree(stage, files)
    granted = sum(parse_money(one["granted"]) for one in told["granted"])
    asked = sum(parse_money(amount) for amount in ASKED[:GRANTED])
    stage.tell("rossi", span(range(GRANTED)), f"GRANTED by {DECREE}")
    stage.tell(
        "",
        "",
        f"{format_money(granted)} in all: {format_money(asked - granted)} is set free",
    )
    for promotion in told["promotions"]:
        origin = span(_number(source) for source in promotion["funded_by"])
        stage.tell(
            "(worker)",
            promotion["application"],
            f"PROMOTED: {promotion['amount']} that {origin} left",
        )


def _number(source: dict[str, Any]) -> int:
    """Return which application set a sum free, counted from 0."""
    return int(source["application"].partition("/")[2]) - 1


def _decree(stage: Stage, files: Sequence[str]) -> dict[str, Any]:
    lines = (
        {
            "application": file,
            "cor": f"24{number + 1:05d}",
            "cor_on": "2025-04-10",
            "cup": f"E49J25{number + 1:09d}",
            "cup_on": "2025-04-10",
            "durc_until": "2025-07-31",
            "admitted_investment": admitted,
        }
        for number, (file, admitted) in enumerate(zip(files, ADMITTED, strict=False))
    )
    return decrees.grant(
        stage.desk.as_officer("rossi"),
        stage.call,
        decrees.read(orjson.dumps(line) for line in lines),
        act=DECREE,
    )
