"""What happened to the ten applications of the CTL 2025 call?

The call, its window, its money and its nine applicants are real; the amounts
asked, the scores, the officers and everything after the window are invented.
"""

from typing import Any

from commands.demonstration.stage import Stage, paper
from models.vocabulary import Event

FILE = "ctl-2025"
NOTE = (
    "Real: the call, its window, its money and its nine applicants.\n"
    "Invented: what they ask for, the scores, the officers and all that follows."
)
ASKED = (
    "111111.11",
    "108500.00",
    "98000.00",
    "111111.11",
    "104300.00",
    "89950.00",
    "105000.00",
    "111111.11",
    "96700.00",
)
INVESTED = (
    "95424.84",
    "92352.95",
    "80000.00",
    "95424.84",
    "87411.77",
    "70529.42",
    "88235.30",
    "95424.84",
    "78470.59",
)
SCORES = (81, 77, 84, 90, 72, 52, 0, 88, 69)
CUP = "E41B260{:08d}"


GRANTED = (0, 1, 2, 3, 4, 7, 8)
GOING = (0, 1, 3, 4, 7, 8)
"""Those that go on to phase 2: the third withdraws after the grant."""
LOWERED = 3
RETURNED = 4
INCOMPLETE = 6
WEAK = 5


def play(stage: Stage) -> None:
    """Play the whole call, in simulated time."""
    files = _opening_day(stage)
    outsider = _by_another_channel(stage)
    _turns(stage, files, outsider)
    _formal_checks(stage, files)
    _merit(stage, files)
    _not_completed(stage, files)
    _below_threshold(stage, files)
    _late(stage)
    _grants(stage, files)
    _negotiations(stage, files)
    _starts(stage, files)


def _opening_day(stage: Stage) -> list[str]:
    stage.at(2026, 1, 20, 9, 59, 59, ms=999)
    stage.take(0, requested=ASKED[0], investment=INVESTED[0])
    files = []
    for number, (asked, invested) in enumerate(zip(ASKED, INVESTED, strict=True)):
        stage.at(2026, 1, 20, 10, 0, number // 4, ms=120 + 217 * (number % 4))
        files.append(_certain(stage.take(number, requested=asked, investment=invested)))
    return files


def _by_another_channel(stage: Stage) -> str:
    stage.at(2026, 1, 20, 11, 42, 7, ms=310)
    outsider = stage.take(
        0,
        portal_id="PEC-0042",
        applicant={
            "tax_code": "99000000101",
            "name": "Consorzio Esempio (by PEC)",
            "pec": "consorzio@pec.example.it",
        },
        requested="40000.00",
        investment="30000.00",
        documents=[],
        channel="pec",
    )
    return _certain(outsider)


def _turns(stage: Stage, files: list[str], outsider: str) -> None:
    stage.at(2026, 1, 21, 9, 5)
    stage.fail(files[3], Event.START_REVIEW, "three files arrived earlier")
    stage.at(2026, 1, 21, 9, 40)
    stage.move(
        files[3],
        Event.START_REVIEW,
        "review by act: it overtakes three files",
        inputs={"overtake": True},
        act="ordine di servizio 7/2026-01-21",
        reason="the examiner of the earlier files is ill",
    )
    stage.at(2026, 1, 21, 10, 5)
    others = _some(files, 0, 1, 2, 4, 5, 6, 7, 8)
    stage.each(others, Event.START_REVIEW, "review started, in turn", lambda _: {})
    stage.at(2026, 1, 21, 12)
    stage.move(
        outsider,
        Event.DECLARE_NOT_RECEIVABLE,
        "not receivable: not by the portal",
        act="nota 31/2026-01-21",
        reason="filed by PEC instead of through Bandi e Servizi",
    )


def _formal_checks(stage: Stage, files: list[str]) -> None:
    incomplete = _some(files, 1, INCOMPLETE)
    stage.at(2026, 1, 22, 10)
    stage.each(
        incomplete,
        Event.REQUEST_COMPLETION,
        "completion requested",
        lambda _: {"inputs": {"item": ["regularity declaration not signed"]}},
    )
    stage.at(2026, 1, 22, 10, 5)
    _delivered(stage, incomplete, "completion_request")
    stage.at(2026, 1, 26, 10)
    _admit(stage, _some(files, 0, 2, 3, 4, WEAK, 7, 8))
    stage.at(2026, 1, 29, 15, 20)
    stage.move(
        files[1],
        Event.ANSWER_COMPLETION,
        "completion answered, in time",
        inputs={"document": paper("completion")},
    )
    stage.at(2026, 1, 30, 9)
    _admit(stage, _some(files, 1))


def _merit(stage: Stage, files: list[str]) -> None:
    stage.at(2026, 2, 2, 11)
    scored = _some(files, 0, 1, 2, 3, 4, WEAK, 7, 8)
    stage.each(
        scored,
        Event.EVALUATE,
        "scored, in turn",
        lambda number: {
            "inputs": {"minutes": "verbale 2/2026", "score": _sheet(stage, number)}
        },
    )


def _not_completed(stage: Stage, files: list[str]) -> None:
    stage.at(2026, 2, 3, 0, 0, 20)
    stage.sweep()
    stage.at(2026, 2, 3, 11)
    stage.move(
        files[INCOMPLETE],
        Event.NOTIFY_REFUSAL,
        "notice of refusal sent",
        reason="the regularity declaration is not signed",
    )
    stage.at(2026, 2, 3, 11, 1)
    _delivered(stage, _some(files, INCOMPLETE), "refusal_notice")


def _below_threshold(stage: Stage, files: list[str]) -> None:
    stage.at(2026, 2, 4, 9)
    stage.move(
        files[WEAK],
        Event.NOTIFY_REFUSAL,
        "notice of refusal: scored 52, threshold 60",
        reason="the score, 52, is below the threshold of 60",
    )
    stage.at(2026, 2, 4, 9, 1)
    _delivered(stage, _some(files, WEAK), "refusal_notice")
    stage.at(2026, 2, 11, 17, 30)
    stage.move(
        files[WEAK],
        Event.FILE_OBSERVATIONS,
        "observations filed, in time",
        inputs={"document": paper("observations")},
    )
    stage.at(2026, 2, 14, 0, 0, 20)
    stage.sweep()
    stage.at(2026, 2, 16, 10)
    stage.move(
        files[INCOMPLETE],
        Event.DECLARE_INADMISSIBLE,
        "inadmissible by decree",
        act="decreto 1480/2026-02-16",
        reason="incomplete after the completion request",
    )
    stage.at(2026, 2, 23, 10)
    stage.move(
        files[WEAK],
        Event.REJECT,
        "rejected by decree",
        act="decreto 1602/2026-02-23",
        reason="the observations do not change the score, 52 of 100",
    )


def _late(stage: Stage) -> None:
    stage.at(2026, 3, 5, 16, 0, 20)
    stage.sweep()
    stage.at(2026, 3, 5, 16, 0, 33)
    stage.take(
        INCOMPLETE,
        portal_id="BS-2026011",
        requested=ASKED[INCOMPLETE],
        investment=INVESTED[INCOMPLETE],
    )


def _grants(stage: Stage, files: list[str]) -> None:
    granted = _some(files, *GRANTED)
    stage.at(2026, 3, 9, 12)
    stage.each(
        granted,
        Event.GRANT,
        "granted by decree",
        lambda number: {
            "inputs": {
                "cor": f"27{number + 1:05d}",
                "cup": CUP.format(number + 1),
                "cor_on": "2026-03-09",
                "cup_on": "2026-03-09",
                "durc_until": "2026-06-30",
            },
            "act": "decreto 2034/2026-03-09",
        },
    )
    stage.at(2026, 3, 9, 16)
    _delivered(stage, granted, "grant")
    stage.at(2026, 3, 12, 9)
    stage.each(
        granted,
        Event.RECORD_PUBLICATION,
        "grant published",
        lambda _: {
            "inputs": {"published_on": "2026-03-12", "reference": "BURL 11/2026"}
        },
    )
    stage.at(2026, 3, 12, 10)
    stage.each(
        granted,
        Event.CONFIRM_COR,
        "act sent to the aid registry",
        lambda _: {"inputs": {"sent_on": "2026-03-12"}},
    )
    stage.at(2026, 3, 16, 9, 30)
    stage.move(
        files[2],
        Event.WITHDRAW,
        "withdrawn after the grant",
        inputs={"document": paper("withdrawal")},
    )


def _negotiations(stage: Stage, files: list[str]) -> None:
    going = _some(files, *GOING)
    stage.at(2026, 3, 18, 9)
    stage.each(
        going,
        Event.CONVENE_NEGOTIATION,
        "negotiation convened",
        lambda _: {"inputs": {"meeting_on": "2026-03-25"}},
    )
    stage.at(2026, 3, 25, 10)
    stage.each(
        going,
        Event.SIGN_MINUTES,
        "minutes of the negotiation signed",
        lambda number: {
            "inputs": {"minutes": f"verbale N{number}", "signed_on": "2026-03-25"}
        },
    )
    stage.at(2026, 4, 14, 10)
    stage.each(going, Event.FILE_PLAN, "definitive plan filed", _plan)
    stage.at(2026, 4, 16, 10)
    stage.move(
        files[RETURNED],
        Event.RETURN_PLAN,
        "definitive plan returned for corrections",
        reason="the budget of activity 2 does not add up",
    )
    stage.at(2026, 4, 16, 10, 1)
    _delivered(stage, _some(files, RETURNED), "plan_returned")
    stage.at(2026, 4, 22, 16)
    stage.move(
        files[RETURNED], Event.FILE_PLAN, "corrected plan filed", **_plan(RETURNED)
    )


def _starts(stage: Stage, files: list[str]) -> None:
    going = _some(files, *GOING)
    stage.at(2026, 4, 28, 12)
    stage.each(
        {number: file for number, file in going.items() if number != LOWERED},
        Event.DETERMINE_AMOUNT,
        "amount determined by decree",
        _determination,
    )
    stage.at(2026, 4, 28, 12, 30)
    stage.move(
        files[LOWERED],
        Event.DETERMINE_AMOUNT,
        "amount lowered by decree",
        **_determination(LOWERED),
    )
    stage.at(2026, 4, 28, 16)
    _delivered(stage, going, "amount_determined")
    stage.at(2026, 5, 11, 11)
    stage.each(
        going,
        Event.ACCEPT,
        "grant accepted",
        lambda number: {"inputs": {"document": paper(f"acceptance {number}")}},
    )
    stage.at(2026, 6, 3, 9)
    stage.each(
        going,
        Event.START,
        "plan in progress",
        lambda _: {"inputs": {"started_on": "2026-06-03"}},
    )


def _plan(number: int) -> dict[str, Any]:
    return {
        "inputs": {"document": paper(f"plan {number}"), "investment": _spent(number)}
    }


def _determination(number: int) -> dict[str, Any]:
    return {
        "inputs": {"admitted_investment": _spent(number)},
        "act": "decreto 3377/2026-04-28",
    }


def _spent(number: int) -> str:
    """Return the investment of the definitive plan: one came back smaller."""
    return "82000.00" if number == LOWERED else INVESTED[number]


def _admit(stage: Stage, files: dict[int, str]) -> None:
    kinds = [document.kind for document in stage.rules.documents]
    stage.each(
        files, Event.ADMIT, "admissible", lambda _: {"inputs": {"checked": kinds}}
    )


def _delivered(stage: Stage, files: dict[int, str], letter: str) -> None:
    stage.each(
        files,
        Event.RECORD_DELIVERY,
        f"delivered: {letter.replace('_', ' ')}",
        lambda number: {
            "inputs": {"letter": letter, "receipt": f"PEC {letter} {number + 1}"}
        },
    )


def _sheet(stage: Stage, number: int) -> list[str]:
    sheet, left = [], SCORES[number]
    for criterion in stage.rules.merit.criteria:
        given = min(left, criterion.max_points)
        sheet.append(f"{criterion.code}={given}")
        left -= given
    return sheet


def _some(files: list[str], *numbers: int) -> dict[int, str]:
    return {number: files[number] for number in numbers}


def _certain(protocol: str | None) -> str:
    if protocol is None:
        message = "a submission of the demonstration was refused"
        raise AssertionError(message)
    return protocol
