"""Is a move made only by whoever means it, and told as it happened?"""

import json
import re
import subprocess

import pytest

from tests.builders import CTL, PAPER
from tests.terminals import ACT, FIRST, SECOND, Terminal

REVIEW = ("advance", FIRST, "start_review")


def dump(terminal: Terminal) -> list[str]:
    """Return the whole content of the database, as text."""
    tables = terminal.query("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [
        f"{name}: {row}"
        for (name,) in tables
        for row in terminal.query(f'SELECT * FROM "{name}"')  # noqa: S608 - our own names
    ]


def last_entry(terminal: Terminal) -> dict[str, object]:
    ((body,),) = terminal.query("SELECT body FROM entries ORDER BY seq DESC LIMIT 1")
    entry: dict[str, object] = json.loads(body)
    return entry


# --- doing it -----------------------------------------------------------------


def test_a_move_answers_with_its_receipt(terminal):
    receipt = terminal.ask(*REVIEW, "--yes")

    assert receipt["application"] == FIRST
    assert (receipt["event"], receipt["from"], receipt["to"]) == (
        *("start_review", "submitted", "submitted"),
    )
    assert receipt["entry"]["call"] == CTL
    assert receipt["entry"]["seq"] == 6
    assert re.fullmatch(r"[0-9a-f]{64}", receipt["entry"]["hash"])
    assert receipt["version"] == 2
    assert receipt["money"]["residual"] == "666666.67"
    assert receipt["notices"] == [
        {
            "application": FIRST,
            "letter": "procedure_start",
            "to": "cluster1@pec.example.it",
            "status": "queued",
        }
    ]
    assert receipt["dry_run"] is False


def test_a_move_is_told_in_a_line_and_its_details(terminal):
    done = terminal.type(*REVIEW, "--yes")

    assert done.stdout.splitlines() == [
        f"Done: {FIRST} start_review: stays `submitted` (entry 6 of {CTL}, version 2)",
        "  terms      formal_check started: last instant 19/02/2026 23:59:59",
        "  steps      review open",
        "  letters    procedure_start to cluster1@pec.example.it",
        "  jobs       1 letter waits for the workers",
    ]


def test_events_may_be_written_with_hyphens(terminal):
    assert terminal.ask("advance", FIRST, "start-review", "--yes")["version"] == 2


def test_a_dry_run_shows_everything_and_writes_nothing(terminal):
    before = dump(terminal)

    shown = terminal.type(*REVIEW, "--dry-run")
    predicted = terminal.ask(*REVIEW, "--dry-run")
    after = dump(terminal)
    done = terminal.ask(*REVIEW, "--yes")

    assert shown.stdout.startswith(f"Would do: {FIRST} start_review: stays `submitted`")
    assert before == after
    assert predicted["dry_run"]
    for name in ("from", "to", "money", "terms", "steps", "notices", "version"):
        assert predicted[name] == done[name]


def test_an_overtaking_names_whoever_is_overtaken(terminal):
    shown = terminal.type(
        *("advance", SECOND, "start_review", "--overtake", "--dry-run"),
        *(*ACT, "--reason", "judgment"),
    )

    assert f"  overtakes  {FIRST}" in shown.stdout.splitlines()


def test_the_same_key_again_gives_the_same_answer(terminal):
    first = terminal.ask(*REVIEW, "--key", "K1", "--yes")
    before = dump(terminal)

    second = terminal.ask(*REVIEW, "--key", "K1", "--yes")
    asked = terminal.type(*REVIEW, "--key", "K1")

    assert second == first
    assert dump(terminal) == before
    assert asked.exit_code == 0
    assert "Type" not in asked.stderr


def test_the_same_key_for_something_else_is_refused(terminal):
    terminal.ask(*REVIEW, "--key", "K1", "--yes")

    terminal.refused(
        *("advance", SECOND, "start_review", "--key", "K1", "--yes"),
        code="key.reused",
        exit_code=1,
    )


# --- the question -------------------------------------------------------------


def test_a_move_is_made_once_the_protocol_number_is_typed(terminal):
    done = terminal.type(*REVIEW, text=f"{FIRST}\n")

    assert done.exit_code == 0
    assert done.stdout.startswith(f"Done: {FIRST}")
    shown = done.stderr.splitlines()
    assert shown[0] == f"This will happen: {FIRST} start_review: stays `submitted`"
    assert "cluster1@pec.example.it" in done.stderr
    assert shown[-1].startswith(f"Type {FIRST} to confirm:")


@pytest.mark.parametrize("typed", ["\n", "y\n", f"{SECOND}\n"])
def test_anything_else_does_nothing(typed, terminal):
    before = dump(terminal)

    done = terminal.type(*REVIEW, text=typed)

    assert done.exit_code == 1
    assert "Error [confirmation.wrong]: nothing was done" in done.stderr
    assert done.stdout == ""
    assert dump(terminal) == before


def test_where_nobody_can_answer_it_says_so(terminal):
    done = terminal.type(*REVIEW, text="")

    assert done.exit_code == 2
    assert "add --yes" in done.stderr


def test_with_json_there_is_nobody_to_ask(terminal):
    done = terminal.type(*REVIEW, "--json", text=f"{FIRST}\n")

    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "confirmation.missing"


def test_what_is_refused_is_not_asked_about_but_recorded(terminal):
    done = terminal.type("advance", SECOND, "start_review", text=f"{SECOND}\n")

    assert done.exit_code == 1
    assert "Error [order.turn]" in done.stderr
    assert "Type" not in done.stderr
    entry = last_entry(terminal)
    assert (entry["event"], entry["outcome"]) == ("start_review", "refused")


def test_what_changes_between_question_and_answer_is_a_conflict(terminal):
    with terminal.start(
        *REVIEW, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as asking:
        assert asking.stdin
        assert asking.stderr
        shown = ""
        while "to confirm" not in shown:
            shown += asking.stderr.read(1)
        other = terminal.type(
            *("advance", FIRST, "withdraw", "--document", PAPER, "--yes")
        )
        out, err = asking.communicate(f"{FIRST}\n")

    assert other.exit_code == 0
    assert asking.returncode == 4
    assert out == ""
    assert "Error [application.changed]" in err
    assert "bianchi made `withdraw` at 20/01/2026 10:00:00" in err
    assert last_entry(terminal)["event"] == "withdraw"


def test_a_version_that_is_gone_is_a_conflict(terminal):
    terminal.type(*REVIEW, "--yes")

    said = terminal.refused(
        *("advance", FIRST, "withdraw", "--document", PAPER),
        *("--expect", "1", "--yes"),
        code="application.changed",
        exit_code=4,
    )

    assert "bianchi made `start_review`" in said
    assert f"sportello show {FIRST}" in said


# --- wrong input --------------------------------------------------------------


def test_an_unknown_event_suggests_the_nearest(terminal):
    said = terminal.refused("advance", FIRST, "grnt", code="usage", exit_code=2)

    assert "did you mean `grant`?" in said
    assert f"`sportello events {FIRST}`" in said


def test_an_application_without_an_event_asks_for_one(terminal):
    said = terminal.refused("advance", FIRST, code="usage", exit_code=2)

    assert "say which event" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "start_review", "--dry-run"),
        ("--dry-run", "--json", "start_review"),
        ("--dry-run", "start_review", "--json"),
    ],
)
def test_flags_may_stand_before_the_event(words, terminal):
    done = terminal.type("advance", FIRST, *words)

    assert json.loads(done.stdout)["dry_run"] is True


def test_an_option_with_a_value_comes_after_the_event(terminal):
    words = ("--reason", "withdraw", "start_review")

    said = terminal.refused("advance", FIRST, *words, code="usage", exit_code=2)

    assert f"say the event before `--reason`: `sportello advance {FIRST}" in said


def test_what_only_intake_can_do_says_so(terminal):
    said = terminal.refused("advance", FIRST, "submit", code="usage", exit_code=2)

    assert "`sportello intake --help`" in said


def test_an_unknown_application_is_refused(terminal):
    terminal.refused(
        *("advance", "2026/99", "start_review", "--yes"),
        code="application.unknown",
        exit_code=1,
    )


@pytest.mark.parametrize(
    ("words", "code", "exit_code", "says"),
    [
        (("annul", "--reason", "x"), "act.missing", 1, "--act"),
        (("annul", *ACT), "reason.missing", 1, "--reason"),
        (("annul", "--act", "x", "--reason", "x"), "act.unreadable", 2, "TYPE NUMBER"),
        (
            ("annul", "--act", "decreto 1/2026-02-31", "--reason", "x"),
            *("act.unreadable", 2, "TYPE NUMBER"),
        ),
        (
            ("annul", "--act", "decreto 1/2026-01-21", "--reason", "x"),
            *("act.future", 1, "after today"),
        ),
        (("withdraw",), "input.invalid", 2, "--document is missing: SHA-256"),
        (("withdraw", "--document", "ab"), "input.invalid", 2, "64 characters"),
        (("admit",), "input.invalid", 2, "--checked is missing"),
        (
            ("evaluate", "--score", "quality", "--minutes", "1"),
            *("input.invalid", 2, "CRITERION=POINTS"),
        ),
        (("withdraw", "--documnt", PAPER), "usage", 2, "--document"),
        (("record_delivery", "--letter", "x", "--receipt", "R"), "usage", 2, "grant"),
        (
            ("settle", *ACT, "--recognised", "1.00"),
            "machine.wrong_state",
            1,
            "events APP",
        ),
    ],
)
def test_wrong_input_names_the_option_the_rule_and_the_way_out(
    words, code, exit_code, says, terminal
):
    said = terminal.refused(
        "advance", FIRST, *words, "--yes", code=code, exit_code=exit_code
    )

    assert says in said


def test_everything_that_is_wrong_with_the_options_is_told_at_once(terminal):
    said = terminal.refused(
        *("advance", FIRST, "grant", *ACT, "--cor", "a", "--cup", "b"),
        *("--admitted-investment", "1,0", "--yes"),
        code="input.invalid",
        exit_code=2,
    )

    assert "--cor `a`: it must be 1 to 12 digits" in said
    assert "--cup `b`: it must be 15 characters" in said
    assert "--admitted-investment: '1,0' is not an amount: write the digits" in said


@pytest.mark.parametrize(
    ("event", "words", "code"),
    [
        ("record_publication", ("--published-on", "2026-01-19"), "date"),
        ("record_publication", ("--published-on", "2026-01-21"), "date"),
    ],
)
def test_dates_in_the_wrong_order_are_refused(event, words, code, terminal):
    terminal.to_negotiation()

    done = terminal.type(
        "advance", FIRST, event, *words, "--reference", "BURL 4", "--yes"
    )

    assert done.exit_code == 1
    assert words[0] in done.stderr
    assert last_entry(terminal)["outcome"] == "refused"


@pytest.mark.parametrize("day", ["20/01/2026", "2026-02-30", "tomorrow"])
def test_a_day_is_written_in_one_way(day, terminal):
    said = terminal.refused(
        *("advance", FIRST, "sign_minutes", "--minutes", "1", "--signed-on", day),
        code="usage",
        exit_code=2,
    )

    assert "YYYY-MM-DD" in said


def test_a_role_that_may_not_is_refused_and_recorded(terminal):
    said = terminal.as_("verdi").refused(
        *REVIEW, "--yes", code="role.missing", exit_code=1
    )

    entry = last_entry(terminal)
    assert "`officer`" in said
    assert entry["outcome"] == "refused"
    assert entry["refusal"] == {"code": "role.missing", "message": said}


def test_an_officer_who_does_not_exist_is_refused_and_recorded(terminal):
    terminal.as_("ghost").refused(*REVIEW, "--yes", code="officer.unknown", exit_code=1)

    actor = last_entry(terminal)["actor"]
    assert actor == {
        "kind": "unknown",
        "id": None,
        "role": "officer",
        "identity": "declared",
    }


def test_whoever_does_not_say_who_they_are_is_refused(terminal):
    said = terminal.as_("").refused(
        *REVIEW, "--yes", code="officer.undeclared", exit_code=1
    )

    assert "SPORTELLO_OFFICER" in said


def test_a_refused_command_changes_nothing_but_its_entry(terminal):
    def content() -> list[str]:
        kept = ("entries: ", "calls: ")
        return [line for line in dump(terminal) if not line.startswith(kept)]

    before = content()

    terminal.refused(
        *("advance", SECOND, "start_review", "--yes"), code="order.turn", exit_code=1
    )

    assert content() == before
    assert last_entry(terminal)["refusal"]
    assert terminal.ask("log", "verify")["ok"]
