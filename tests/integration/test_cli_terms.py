"""Do people see which terms run and were missed, and why each ends when it does?"""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import holidays
import pytest
from click.testing import CliRunner, Result
from sqlmodel import col, update

from cli import main
from models.session import transaction
from models.tables import Term
from models.vocabulary import Event, TermKind, TermStatus
from tests.builders import CTL, TO_GRANT, Office, rome, submission
from tests.editions import edited
from tests.integration.test_terms_of_files import TO_MINUTES, delivered
from workflow.rules import calendar
from workflow.services import calls, views

KEYS = ("id", "application", "kind", "starts_on", "due_at", "status", "suspended_days")
"""What scripts have been promised."""

ADDED = {
    *("call", "protocol", "ordinal", "next_check", "settled_at", "escalated_at"),
    *("waits_for", "fault", "attempts", "provisional"),
}
BY_HAND = """\
term.started: it was received at 20/01/2026 10:00:00 (Rome), on Tue 20/01/2026; \
entered at 20/01/2026 10:00:00 (Rome)
term.length: 90 days run from `protocol`; the term is not peremptory
term.start_excluded: Tue 20/01/2026 starts the term and is not counted
term.days: 90 days, holidays included, end on Mon 20/04/2026
term.clock_stops: the letter `completion_request` was delivered on Mon 09/02/2026, \
as the receipt `R-1` proves: the clock stops after that day
term.clock_goes_on: the answer was filed on Thu 19/02/2026: the clock goes on after \
Thu 19/02/2026
term.suspended: the clock stood still after Mon 09/02/2026 and until Thu 19/02/2026, \
10 days: Thu 30/04/2026
term.calendar: beside Sundays the calendar known then lists, from its start to its \
end: Sun 05/04/2026, Mon 06/04/2026, Sat 25/04/2026
term.last_instant: Thu 30/04/2026 is counted to its end, 23:59:59 in Rome
term.effect: from 01/05/2026 00:00:00 (Rome) on a worker notes that it has ended and \
wakes the responsible, unless it is met before
term.escalation: from 11/05/2026 00:00:00 (Rome) on, 10 days after its end, the \
manager is told, unless somebody has acted
"""
"""The first of the vectors: 20/01/2026, ninety days, ten of suspension."""

ASKED, ANSWERED = rome(2026, 2, 9, 12), rome(2026, 2, 19, 12)
NOTIFIED, OBSERVED = rome(2026, 3, 11, 12), rome(2026, 3, 18, 12)
AFTER = rome(2026, 4, 1, 12)


def typed(work: Office, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words), obj=work.desk)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def told(work: Office, *words: str, code: int = 0) -> Any:
    return json.loads(typed(work, *words, "--json", code=code).stdout)


def lines(work: Office, *words: str) -> list[str]:
    text = typed(work, *words).stdout.splitlines()
    assert max(map(len, text)) <= 100
    return text


def terms(work: Office, *words: str) -> list[dict[str, Any]]:
    found = told(work, "terms", *words)
    assert found["more"] == 0
    return list(found["terms"])


def kinds(work: Office, *words: str) -> list[str]:
    return [one["kind"] for one in terms(work, *words)]


def explained(work: Office, name: str, code: int = 0) -> dict[str, list[str]]:
    """Return the steps of an explanation, by rule; the last is the result."""
    document = told(work, "explain", "term", name, code=code)
    assert set(document) >= {"steps", "result"}
    said: dict[str, list[str]] = {}
    for step in document["steps"]:
        assert set(step) == {"rule", "source", "text"}
        said.setdefault(step["rule"], []).append(f"{step['text']} [{step['source']}]")
    return {**said, "result": [document["result"]]}


def at(work: Office, instant: datetime) -> None:
    work.clock.move_to(instant)


def asked(work: Office) -> str:
    """Ask for a completion, delivered on the twentieth day of the procedure."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    at(work, ASKED)
    delivered(work, application, "completion_request")
    return application


def answered(work: Office) -> str:
    """File the answer ten days later: the procedure ends on 30/04/2026."""
    application = asked(work)
    at(work, ANSWERED)
    work.routine(application, Event.ANSWER_COMPLETION)
    return application


def notified(work: Office) -> str:
    """Give notice of refusal, delivered on the fiftieth day."""
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.NOTIFY_REFUSAL)
    at(work, NOTIFIED)
    delivered(work, application, "refusal_notice")
    return application


def change(work: Office, of: TermKind, **values: Any) -> None:
    """Change a term behind the program's back."""
    with transaction(work.desk.engine) as session:
        session.exec(update(Term).where(col(Term.kind) == of).values(**values))


# Why a term ends when it does


def test_a_completion_answered_in_ten_days_is_explained_as_by_hand(work):
    application = answered(work)

    document = told(work, "explain", "term", f"{application}/conclusion")

    said = [f"{step['rule']}: {step['text']}" for step in document["steps"]]
    assert said == BY_HAND.splitlines()
    assert document["result"] == (
        f"{application}/conclusion: it ends on Thu 30/04/2026 23:59:59 (Rome)"
    )
    assert document["faults"] == []


def test_each_step_names_its_source(work):
    application = answered(work)

    document = told(work, "explain", "term", f"{application}/conclusion")

    source = {step["rule"]: step["source"] for step in document["steps"]}
    assert source["term.started"].startswith("entry 3, submit; art. 53 DPR 445/2000")
    assert source["term.length"].startswith(
        "version 1 of the call, terms.conclusion; assumed: not found; similar calls"
    )
    assert source["term.days"] == "art. 2963 c.c.; art. 155 c.p.c."
    assert source["term.clock_stops"] == "entry 6, record_delivery; art. 3 DPR 68/2005"
    assert source["term.clock_goes_on"].startswith("entry 7, answer_completion; art. 6")
    assert "art. 2 c. 7" in source["term.suspended"]
    edition = f"holidays {holidays.version.__version__} IT"
    assert source["term.calendar"] == f"L. 260/1949, {edition}"
    assert source["term.effect"] == "version 1 of the call, terms.conclusion.effect"


def test_an_explanation_is_text_line_by_line_like_the_others(work):
    application = answered(work)

    text = typed(work, "explain", "term", f"{application}/conclusion").stdout
    said = text.splitlines()

    assert said[0].startswith(" 1. it was received at 20/01/2026 10:00:00 (Rome)")
    assert said[1] == "    [entry 3, submit; art. 53 DPR 445/2000; the call, C.1]"
    assert said[-1].endswith("it ends on Thu 30/04/2026 23:59:59 (Rome)")


@pytest.mark.parametrize(
    "sweeps", [("2026-03-12", "2026-03-23"), ("2026-03-23",)], ids=["daily", "late"]
)
def test_a_completion_that_is_never_answered_stops_the_clock_thirty_days(
    work, tmp_path, sweeps
):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act="decreto 2/2026-01-20")
    application = asked(work)
    for day in sweeps:
        year, month, number = map(int, day.split("-"))
        at(work, rome(year, month, number, 9))
        typed(work, "sweep")

    said = explained(work, f"{application}/conclusion")

    by_itself, unanswered = said["term.clock_goes_on"]
    assert by_itself.startswith(
        "it had stood still for as long as it may: the clock goes on after "
        "Wed 11/03/2026 [entry "
    )
    assert unanswered.startswith(
        "no answer came within its term: the clock goes on after Wed 11/03/2026 [entry"
    )
    assert said["term.suspended"][0].startswith(
        "the clock stood still after Mon 09/02/2026 and until Wed 11/03/2026, 30 days: "
        "Wed 20/05/2026"
    )
    assert "Wed 20/05/2026 23:59:59" in said["result"][0]
    assert "version 2 of the call" in said["term.length"][0]


def test_an_answer_after_the_thirty_days_is_told_not_to_have_stopped_it_longer(
    work, tmp_path
):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act="decreto 2/2026-01-20")
    application = asked(work)
    at(work, rome(2026, 3, 15, 9))
    work.routine(application, Event.ANSWER_COMPLETION)

    said = explained(work, f"{application}/conclusion")

    assert said["term.clock_goes_on"][-1].startswith(
        "the answer was filed on Sun 15/03/2026: the clock goes on after "
        "Wed 11/03/2026, for it may not stand still longer"
    )
    assert "Wed 20/05/2026 23:59:59" in said["result"][0]


def test_observations_are_told_to_stop_the_clock_ten_days_more(work):
    application = notified(work)
    at(work, OBSERVED)
    work.routine(application, Event.FILE_OBSERVATIONS)

    said = explained(work, f"{application}/conclusion")

    assert said["term.clock_goes_on"][0].startswith(
        "observations were filed on Wed 18/03/2026: the clock goes on after "
        "Sat 28/03/2026, 10 days later [entry"
    )
    assert "17 days: Thu 07/05/2026" in said["term.suspended"][0]
    assert "it ends on Thu 07/05/2026 23:59:59" in said["result"][0]


def test_without_observations_the_clock_is_told_to_go_on_at_their_end(work):
    application = notified(work)
    at(work, AFTER)
    typed(work, "sweep")

    said = explained(work, f"{application}/conclusion")
    observations = explained(work, f"{application}/observations")

    assert said["term.clock_goes_on"][0].startswith(
        "no observations came within their term: the clock goes on after "
        "Sat 21/03/2026 [entry"
    )
    assert "it ends on Thu 30/04/2026 23:59:59" in said["result"][0]
    assert observations["term.expired"][0].startswith(
        "a worker made `expire_observations`: due from 22/03/2026 00:00:00 (Rome) on, "
        "executed at 01/04/2026 12:00:00 (Rome) [entry"
    )
    assert observations["term.missed"][0].startswith(
        "it was missed and nobody has settled it yet: the responsible has to act"
    )


def test_a_receipt_that_comes_after_the_answer_is_told_as_both(work):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    at(work, ANSWERED)
    work.routine(application, Event.ANSWER_COMPLETION)
    delivered(work, application, "completion_request", delivered_on="2026-02-09")

    said = explained(work, f"{application}/conclusion")

    assert "term.clock_stops" not in said
    assert said["term.clock_goes_on"][0].startswith(
        "the letter `completion_request` was delivered on Mon 09/02/2026, as the "
        "receipt `R-1` proves, when it had been answered already: the clock goes on "
        "after Thu 19/02/2026"
    )
    assert "it ends on Thu 30/04/2026" in said["result"][0]


def test_a_term_from_receipt_names_the_receipt_that_proves_it(work):
    application = asked(work)

    said = explained(work, f"{application}/completion")

    assert said["term.started"][0].startswith(
        "the letter `completion_request` was delivered on Mon 09/02/2026, as the "
        "receipt `R-1` proves; entered at 09/02/2026 12:00:00 (Rome) [entry 6,"
    )
    assert "once a receipt proves it" in said["term.length"][0]
    assert "a worker stops waiting for the answer" in said["term.effect"][0]


def test_a_roll_off_a_holiday_is_told_with_the_days_that_were_skipped(work):
    application = work.file()
    work.routine(application, Event.START_REVIEW, Event.REQUEST_COMPLETION)
    at(work, rome(2026, 3, 26, 12))
    delivered(work, application, "completion_request")

    said = explained(work, f"{application}/completion")

    assert said["term.moved_off_holiday"][0].startswith(
        "Sun 05/04/2026, Mon 06/04/2026 not working (holidays"
    )
    assert "it ends on Tue 07/04/2026 23:59:59" in said["result"][0]


def test_an_extension_is_told_with_its_act_before_it_is_counted(work):
    application = asked(work)
    extend = {
        "inputs": {"term": "completion", "days": 7},
        "act": "decreto 9/2026-02-09",
        "reason": "the office was shut",
    }
    work.move(application, Event.EXTEND_TERM, **extend)

    said = explained(work, f"{application}/completion")

    assert list(said).index("term.extension") < list(said).index("term.extended")
    assert said["term.extension"][0].startswith(
        "7 days more were given on Mon 09/02/2026: the office was shut [entry 7, "
        "extend_term; decreto 9/2026-02-09"
    )
    assert "it ends on Thu 26/02/2026 23:59:59" in said["result"][0]


def test_a_clock_that_stands_still_is_reckoned_as_if_it_went_on_now(work):
    application = asked(work)
    at(work, rome(2026, 2, 12, 12))

    said = explained(work, f"{application}/conclusion")

    assert "3 days: Thu 23/04/2026" in said["term.suspended"][0]
    assert (
        "reckoned as if it did after Thu 12/02/2026" in said["term.suspension_open"][0]
    )
    assert "by itself from 12/03/2026 00:00:00 (Rome) on" in said["term.effect"][0]
    assert "calendar known now" in said["term.calendar"][0]
    assert said["result"] == [
        (
            f"{application}/conclusion: its clock stands still; if it went on now, it "
            "would end on Thu 23/04/2026 23:59:59 (Rome): provisional"
        )
    ]


def test_a_clock_that_has_gone_on_unnoticed_is_no_longer_provisional(work, tmp_path):
    longer = ("[terms.completion]\ncount = 10", "[terms.completion]\ncount = 40")
    calls.register_call(work.desk, edited(tmp_path, longer), act="decreto 2/2026-01-20")
    application = asked(work)
    at(work, rome(2026, 3, 14, 12))

    (one,) = (one for one in terms(work) if one["kind"] == "conclusion")
    said = explained(work, f"{application}/conclusion")

    assert (one["due_at"], one["provisional"]) == ("2026-05-20T21:59:59.000000Z", False)
    assert "went on by itself after Wed 11/03/2026" in said["term.suspension_limit"][0]
    assert "has gone on by itself; it ends on Wed 20/05/2026" in said["result"][0]


def test_a_file_that_ends_while_its_clock_stands_still_is_told_as_of_then(work):
    application = asked(work)
    at(work, ANSWERED)
    work.routine(application, Event.WITHDRAW)
    at(work, AFTER)

    said = explained(work, f"{application}/conclusion")

    assert "no object any more since `withdraw`" in said["term.cancelled"][0]
    assert "it was cancelled; its last instant was Mon 20/04/2026" in said["result"][0]


def test_what_a_worker_did_is_told_with_when_it_was_due_and_when_it_was_done(work):
    application = answered(work)
    at(work, rome(2026, 5, 20, 12))
    typed(work, "sweep")

    said = explained(work, f"{application}/conclusion")

    assert said["term.expired"][0].startswith(
        "a worker made `expire_term`: due from 01/05/2026 00:00:00 (Rome) on, executed "
        "at 20/05/2026 12:00:00 (Rome) [entry"
    )
    assert said["term.escalated"][0].startswith(
        "a worker told the manager that it was missed: due from 11/05/2026 00:00:00 "
        "(Rome) on, executed at 20/05/2026 12:00:00 (Rome) [entry"
    )
    assert "the manager has to act" in said["term.missed"][0]
    assert "term.escalation" not in said
    assert "term.effect" not in said


def test_a_lapse_that_a_worker_proposed_is_told_and_waits_for_the_manager(work):
    application = work.file()
    work.routine(application, *TO_MINUTES)
    at(work, rome(2026, 2, 25, 12))
    typed(work, "sweep")

    said = explained(work, f"{application}/definitive_plan")
    decision = explained(work, f"{application}/lapse_decision")

    assert said["term.expired"][0].startswith(
        "a worker made `propose_lapse`: due from 20/02/2026 00:00:00 (Rome) on"
    )
    assert "the manager has to act" in said["term.missed"][0]
    assert "lets the proposal of lapse fall" in decision["term.effect"][0]


@pytest.mark.parametrize(
    ("event", "rule", "words"),
    [
        (None, "term.effect", "it is over since 20/02/2026 00:00:00 (Rome): a worker"),
        (Event.FILE_PLAN, "term.met", "what it was for was done: `file_plan`"),
    ],
)
def test_how_a_plan_that_is_awaited_stands_is_told(work, event, rule, words):
    application = work.file()
    work.routine(application, *TO_MINUTES, *([event] if event else []))
    at(work, rome(2026, 2, 25, 12))

    said = explained(work, f"{application}/definitive_plan")

    assert said[rule][0].startswith(words)
    assert said["term.started"][0].startswith(
        "the minutes were signed on Tue 20/01/2026"
    )


@pytest.mark.parametrize("kind", ["formal_check", "merit", "aid_registry"])
def test_the_terms_of_every_phase_are_explained_and_agree(kind, work):
    application = work.file()
    work.routine(application, *TO_GRANT)

    said = explained(work, f"{application}/{kind}")

    assert said["term.started"]
    assert "DOES NOT AGREE" not in said["result"][0]


# With the calendar of then


@pytest.fixture
def another_edition(monkeypatch) -> Iterator[None]:
    """Publish a list of holidays that has one day more, from now on."""
    listed = holidays.country_holidays

    def with_one_more(*given: Any, **named: Any) -> Any:
        return {*listed(*given, **named), date(2026, 4, 30)}

    monkeypatch.setattr(holidays, "country_holidays", with_one_more)
    monkeypatch.setattr(holidays.version, "__version__", "9.99")
    yield
    calendar._built.cache_clear()


def test_another_edition_of_the_holidays_leaves_an_explanation_as_it_was(work, request):
    application = answered(work)
    before = told(work, "explain", "term", f"{application}/conclusion")

    request.getfixturevalue("another_edition")
    calendar._built.cache_clear()

    assert told(work, "explain", "term", f"{application}/conclusion") == before
    assert told(work, "terms")["terms"][-1]["due_at"] == "2026-04-30T21:59:59.000000Z"


def test_a_clock_that_stands_still_is_reckoned_with_the_holidays_known_now(
    work, request
):
    application = asked(work)
    at(work, ANSWERED)

    request.getfixturevalue("another_edition")
    calendar._built.cache_clear()
    said = explained(work, f"{application}/conclusion")

    assert "holidays 9.99 IT" in said["term.calendar"][0]
    assert "it would end on Sat 02/05/2026" in said["result"][0]


def test_a_term_of_the_first_versions_is_explained_by_its_entries(work):
    application = answered(work)
    change(work, TermKind.CONCLUSION, holidays=[], started_seq=None)

    said = explained(work, f"{application}/conclusion")

    assert "Mon 06/04/2026" in said["term.calendar"][0]
    assert "it ends on Thu 30/04/2026" in said["result"][0]


# What does not agree


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (
            {"due_at": rome(2026, 5, 29, 23, 59, 59)},
            (
                "the steps lead to Thu 30/04/2026 23:59:59 (Rome) with 10 days of "
                "suspension, and Fri 29/05/2026 23:59:59 (Rome) with 10 are kept"
            ),
        ),
        (
            {"due_at": rome(2026, 4, 1, 23, 59, 59)},
            "entry 7 says that it ends on Thu 30/04/2026 23:59:59 (Rome)",
        ),
        ({"suspended_days": 11}, "with 11 are kept"),
        ({"extra_days": 5}, "the steps lead to Tue 05/05/2026"),
        ({"started_seq": 4}, "entry 3 started it, and 4 is kept"),
        ({"holidays": []}, "the holidays that are kept are not those"),
        ({"ordinal": 2}, "no entry of the register says what started it"),
    ],
    ids=["later", "earlier", "days", "more time", "start", "holidays", "stranger"],
)
def test_an_explanation_that_does_not_agree_says_so_and_exits_with_5(
    values, fault, work
):
    application = answered(work)
    change(work, TermKind.CONCLUSION, **values)

    said = explained(work, f"{application}/conclusion", code=5)
    text = typed(work, "explain", "term", f"{application}/conclusion", code=5).stdout

    assert "IT DOES NOT AGREE" in said["result"][0]
    assert fault in said["result"][0]
    assert "IT DOES NOT AGREE" in text


def test_a_term_that_makes_no_sense_is_told_to_have_been_changed(work):
    application = asked(work)
    backwards = {"first": "2026-02-09", "until": "2026-02-01", "at_most": None}
    change(work, TermKind.CONCLUSION, suspensions=[backwards])

    for words in (("terms",), ("explain", "term", f"{application}/conclusion")):
        error = told(work, *words, code=5)["error"]
        assert error["code"] == "term.altered"


# Which term


def test_a_term_is_found_by_its_id_by_its_kind_and_by_its_number(work):
    application = work.file()
    work.routine(application, *TO_MINUTES)
    at(work, rome(2026, 2, 25, 12))
    typed(work, "sweep")
    work.routine(application, Event.DISMISS_LAPSE)
    portal = views.shown(work.desk, application).summary.portal_id
    (first, second) = (
        one
        for one in told(work, "show", application)["terms"]
        if one["kind"] == "definitive_plan"
    )

    def result(name: str) -> str:
        return explained(work, name)["result"][0]

    latest = f"{application}/definitive_plan/2: it ends on Fri 27/03/2026"
    assert result(f"{application}/definitive_plan").startswith(latest)
    assert result(f"{application}/definitive-plan/2").startswith(latest)
    assert result(f"{portal}/definitive_plan").startswith(latest)
    assert result(second["id"]).startswith(latest)
    assert result(first["id"]) == result(f"{application}/definitive_plan/1")
    assert "it ended on Thu 19/02/2026" in result(first["id"])
    assert (
        "was done: `dismiss_lapse`" in (explained(work, first["id"])["term.settled"][0])
    )


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("{}", "term.unknown", "say which term of `2026/0000001`; there are: {}/conc"),
        ("{}/merit", "term.unknown", "there is no term `{}/merit`; there are: {}/conc"),
        ("{}/conclusion/2", "term.unknown", "there are: {}/conclusion"),
        ("{}/nonsense", "term.unknown", "there are: {}/conclusion"),
        ("nonsense", "term.unknown", "give APP/KIND, such as 2026/0000001/conclusion"),
        (
            "00000000-0000-7000-8000-000000000000",
            "term.unknown",
            "give APP/KIND",
        ),
        ("2026/99/conclusion", "application.unknown", "no application `2026/99`"),
    ],
)
def test_a_term_that_is_not_there_is_refused_with_those_that_are(
    name, code, words, work
):
    application = work.file()

    words_typed = ("explain", "term", name.replace("{}", application))
    error = told(work, *words_typed, code=1)["error"]

    assert error["code"] == code
    assert words.replace("{}", application) in error["message"]


def test_a_draft_has_no_term_to_explain(work):
    work.take({**submission(), "draft": True, "portal_id": "D-1"})

    error = told(work, "explain", "term", "D-1/conclusion", code=1)["error"]

    assert error["message"].endswith("there are: none has started yet")


# The list


def test_terms_are_listed_by_their_last_instant_in_100_columns(work):
    first = asked(work)
    second = work.file(1)

    text = lines(work, "terms")

    assert [line.split()[:2] for line in text[1:5]] == [
        [first, "completion"],
        [first, "formal_check"],
        [first, "conclusion"],
        [second, "conclusion"],
    ]
    assert text[0].split()[-3:] == ["has", "to", "act"]
    assert text[1].split()[2:5] == ["09/02/2026", "19/02/2026", "23:59:59"]


def test_the_widest_line_fits_in_100_columns(work):
    asked(work)
    at(work, rome(2026, 2, 20, 12))
    change(work, TermKind.FORMAL_CHECK, status=TermStatus.EXPIRED)
    change(work, TermKind.COMPLETION, kind=TermKind.PLAN_CORRECTION)

    text = lines(work, "terms")

    assert any(" plan_correction " in line for line in text)
    assert any("*  suspended    11 days" in line for line in text)
    assert max(map(len, text)) > 95


def test_scripts_find_the_keys_they_were_promised(work):
    application = asked(work)

    document = told(work, "terms", application)

    assert set(document) == {"terms", "more"}
    for one in document["terms"]:
        assert tuple(one)[: len(KEYS)] == KEYS
        assert set(one) == {*KEYS, *ADDED}
    completion = document["terms"][0]
    shown = views.shown(work.desk, application)
    assert {key: completion[key] for key in (*KEYS[1:], "call", "protocol")} == {
        "application": shown.summary.id,
        "kind": "completion",
        "starts_on": "2026-02-09",
        "due_at": "2026-02-19T22:59:59.000000Z",
        "status": "running",
        "suspended_days": 0,
        "call": CTL,
        "protocol": application,
    }
    assert completion["next_check"] == "2026-02-19T23:00:00.000000Z"


def test_terms_are_listed_of_one_file_of_one_call_and_of_all(work):
    first, second = work.file(0), work.file(1)

    assert [one["protocol"] for one in terms(work, first)] == [first]
    assert [one["protocol"] for one in terms(work, CTL)] == [first, second]
    assert [one["protocol"] for one in terms(work)] == [first, second]
    assert told(work, "terms", "2026/99", code=1)["error"]["code"] == (
        "application.unknown"
    )


@pytest.mark.parametrize(
    ("filed", "last", "before"),
    [
        (rome(2026, 1, 20, 10), "2026-02-19", "2026-02-18"),
        (rome(2026, 2, 28, 10), "2026-03-30", "2026-03-29"),  # summer time begins
    ],
    ids=["winter", "summer"],
)
def test_due_by_a_day_is_until_midnight_in_rome(filed, last, before, work):
    at(work, filed)
    application = work.file()
    work.routine(application, Event.START_REVIEW)

    assert kinds(work, "--due-by", last) == ["formal_check"]
    assert kinds(work, "--due-by", before) == []
    assert kinds(work, CTL, "--due-by", "9999-12-31") == ["formal_check", "conclusion"]


def test_due_by_counts_an_hour_of_the_day_and_the_first_second_of_the_next(
    work,
):
    application = work.file()
    work.routine(application, Event.START_REVIEW)
    for due, wanted in (
        (rome(2026, 3, 31, 12), ["formal_check"]),
        (rome(2026, 3, 31, 23, 59, 59), ["formal_check"]),
        (rome(2026, 4, 1), []),
    ):
        change(work, TermKind.FORMAL_CHECK, due_at=due)
        assert kinds(work, "--due-by", "2026-03-31") == wanted


def test_a_clock_that_stands_still_is_marked_and_told_in_a_footnote(work):
    asked(work)
    at(work, rome(2026, 2, 12, 12))

    (conclusion,) = terms(work, "--status", "suspended")
    text = lines(work, "terms", "--status", "suspended")

    assert conclusion["due_at"] == "2026-04-23T21:59:59.000000Z"
    assert (conclusion["suspended_days"], conclusion["provisional"]) == (3, True)
    assert "23/04/2026 23:59:59*  suspended     3 days" in text[1]
    assert text[2].startswith("* its clock stands still: reckoned as if it went on now")


def test_due_by_looks_at_where_a_clock_that_stands_still_would_end(work):
    asked(work)  # kept with 20/04/2026
    at(work, rome(2026, 2, 12, 12))  # now it would be 23/04/2026

    assert "conclusion" not in kinds(work, "--due-by", "2026-04-22")
    assert "conclusion" in kinds(work, "--due-by", "2026-04-23")


def test_what_was_missed_says_who_has_to_act_until_somebody_does(work):
    application = answered(work)
    at(work, rome(2026, 5, 2, 12))
    typed(work, "sweep")
    early = {one["kind"]: one["waits_for"] for one in terms(work, "--missed")}
    at(work, rome(2026, 5, 20, 12))
    typed(work, "sweep")
    late = {one["kind"]: one["waits_for"] for one in terms(work, "--missed")}
    text = lines(work, "terms")

    work.routine(application, Event.ADMIT)
    settled = kinds(work, "--missed")

    assert early == {"formal_check": "responsible", "conclusion": "responsible"}
    assert late == {"formal_check": "responsible", "conclusion": "manager"}
    assert text[1].split()[-3:] == ["expired", "-", "responsible"]
    assert text[2].split()[-4:] == ["expired", "10", "days", "manager"]
    assert settled == ["conclusion"]
    expired = terms(work, "--status", "expired")
    assert [(one["kind"], one["waits_for"]) for one in expired] == [
        ("formal_check", None),
        ("conclusion", "manager"),
    ]


def test_what_nobody_has_noticed_yet_is_told(work):
    answered(work)
    at(work, rome(2026, 5, 2, 12))

    assert lines(work, "terms")[-1] == (
        "2 due already and no worker has noticed: see `sportello sweep`"
    )


def test_terms_that_are_over_are_listed_on_request(work):
    answered(work)

    assert kinds(work) == ["formal_check", "conclusion"]
    assert kinds(work, "--status", "met") == ["completion"]
    assert kinds(work, "--status", "cancelled") == []
    assert lines(work, "terms", "--missed") == [
        "no term to show: none runs, stands still or was missed like that"
    ]


def test_a_long_list_is_cut_short_and_says_how_many_more_there_are(work):
    asked(work)
    work.file(1)
    every = [one["id"] for one in terms(work)]

    for limit in range(1, 5):
        found = told(work, "terms", "--limit", str(limit))
        assert [one["id"] for one in found["terms"]] == every[:limit]
        assert found["more"] == 4 - limit
    text = lines(work, "terms", "--limit", "3")
    assert len(text) == 6
    assert text[-1] == "1 more: see them with --limit 4"


@pytest.mark.parametrize(
    "words",
    [
        ("--due-by", "31/03/2026"),
        ("--due-by", "20260331"),
        ("--due-by", "2026-02-30"),
        ("--status", "late"),
        ("--missed", "--status", "running"),
        ("--limit", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_for_is_a_wrong_command_line(words, work):
    assert told(work, "terms", *words, code=2)["error"]["code"] == "usage"


# In the file


def test_the_file_shows_what_was_missed_and_who_has_to_act(work):
    application = answered(work)
    at(work, rome(2026, 5, 2, 12))
    typed(work, "sweep")

    shown = told(work, "show", application)
    text = typed(work, "show", application).stdout

    assert {one["kind"]: one["waits_for"] for one in shown["terms"]} == {
        "completion": None,
        "formal_check": "responsible",
        "conclusion": "responsible",
    }
    (line,) = (line for line in text.splitlines() if "  conclusion " in line)
    assert line.split()[-3:] == ["10", "days", "responsible"]


def test_the_file_and_the_list_show_the_same_end(work):
    application = asked(work)
    at(work, rome(2026, 2, 12, 12))

    shown = told(work, "show", application)["terms"]
    text = typed(work, "show", application).stdout

    assert shown == terms(work, application)
    assert "23/04/2026 23:59:59*" in text
    assert "\n  * its clock stands still" in text


# Parked


def break_file(work: Office) -> None:
    """Make the file unreadable for workers by one term that is not due."""
    backwards = {"first": "2026-02-09", "until": "2026-02-01", "at_most": None}
    change(work, TermKind.FORMAL_CHECK, suspensions=[backwards])


def mend_file(work: Office) -> None:
    change(work, TermKind.FORMAL_CHECK, suspensions=[])


def failed(work: Office) -> str:
    """Let a worker fail on a completion that nobody answered."""
    application = asked(work)
    at(work, rome(2026, 2, 19, 12))
    break_file(work)
    at(work, rome(2026, 2, 20, 12))
    typed(work, "sweep")
    return application


def test_what_a_worker_failed_on_is_listed_with_its_fault_and_its_next_try(work):
    application = failed(work)

    parked = {one["kind"]: one for one in terms(work, "--parked")}
    text = lines(work, "terms", "--parked")
    everything = lines(work, "terms")

    assert set(parked) == {"completion", "formal_check"}
    assert parked["completion"]["fault"] == "ValueError"
    assert parked["completion"]["attempts"] == 1
    assert parked["completion"]["next_check"] == "2026-02-20T11:01:00.000000Z"
    assert text[1].split() == [
        *(application, "completion", "19/02/2026", "23:59:59"),
        *("1", "20/02/2026", "12:01:00", "ValueError"),
    ]
    assert text[-1] == "`sportello sweep --parked` tries them again at once"
    assert everything[-1].startswith("2 parked, a worker failed on it")


def test_a_parked_term_is_explained_with_its_fault(work):
    application = failed(work)

    said = explained(work, f"{application}/completion")

    assert said["term.parked"][0].startswith(
        "a worker has failed on it 1 time(s), last with `ValueError`; it tries again "
        "at 20/02/2026 12:01:00 (Rome), or at once with `sportello sweep --parked`"
    )


def test_a_sweep_leaves_what_is_parked_until_it_is_asked_to_try(work):
    application = failed(work)
    mend_file(work)

    swept = told(work, "sweep")
    tried = told(work, "sweep", "--parked")

    assert (swept["applied"], swept["retried"], swept["parked"]) == (0, 0, 2)
    assert (tried["applied"], tried["retried"], tried["parked"]) == (2, 2, 0)
    assert {one["application"] for one in tried["done"]} == {application}
    assert {one["event"] for one in tried["done"]} == {
        "expire_completion",
        "expire_term",
    }
    assert terms(work, "--parked") == []
    assert work.verified()


def test_what_fails_again_is_parked_again_and_exits_with_3(work):
    failed(work)

    tried = told(work, "sweep", "--parked", code=3)
    text = typed(work, "sweep", "--parked", code=3).stdout

    assert (tried["applied"], tried["retried"], tried["parked"]) == (0, 2, 2)
    assert [one["attempts"] for one in terms(work, "--parked")] == [3, 3]
    assert text.splitlines()[-1] == "2 parked: see `sportello terms --parked`"


def test_a_sweep_without_anything_parked_has_nothing_to_try_again(work):
    asked(work)

    tried = told(work, "sweep", "--parked")

    assert (tried["applied"], tried["retried"], tried["parked"]) == (0, 0, 0)


def test_a_sweep_names_the_application_of_each_effect(work):
    application = asked(work)
    at(work, rome(2026, 3, 6, 12))

    text = typed(work, "sweep").stdout.splitlines()

    assert text[0].split() == ["call", "application", "what", "due", "entry"]
    assert [line.split()[1:3] for line in text[1:]] == [
        [application, "expire_completion"],
        [application, "expire_term"],
        ["-", "close_call"],
    ]


def test_a_sweep_without_effects_says_so(work):
    asked(work)

    assert typed(work, "sweep").stdout == "nothing is due\n"
