"""Does one decree grant a prefix of the order, all of it or nothing?"""

import json
import subprocess
from collections.abc import Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.vocabulary import Event
from tests.builders import CTL, TO_GRANT, Office, ctl, rome, submission, usual
from tests.contents import dump, entries, refusals, written
from tests.editions import SECOND, edited, open_to_all
from tests.integration.test_cli_help import EVERY, examples
from tests.integration.test_races import lines_of
from tests.terminals import ALL_ROLES, FIRST, THIRD, Terminal
from tests.terminals import SECOND as NEXT
from workflow.errors import ConflictError, InputError, RefusedError
from workflow.services import calls, decrees, entry_explanations, intake, views

ACT = "decreto 2034/2026-01-20"
BEFORE_GRANT = TO_GRANT[:-1]


def row(application: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a line of the list of a decree."""
    return {
        "application": application,
        "cor": str(2_700_000 + number),
        "cor_on": "2026-01-20",
        "cup": f"E41B{number:011d}",
        "cup_on": "2026-01-20",
        "durc_until": "2026-06-30",
        **changes,
    }


def rows(*applications: str) -> list[dict[str, Any]]:
    return [row(name, number) for number, name in enumerate(applications, start=1)]


def adopt(work: Office, *lines: Mapping[str, Any], **stated: Any) -> dict[str, Any]:
    grants = decrees.read([orjson.dumps(line) for line in lines])
    return decrees.grant(work.desk, CTL, grants, **{"act": ACT, **stated})


def refused(work: Office, *lines: Mapping[str, Any], **stated: Any) -> RefusedError:
    """Adopt a decree that is refused, and see that it left nothing but the refusal."""
    before = dump(work.desk.engine)
    with pytest.raises(RefusedError) as caught:
        adopt(work, *lines, **stated)
    assert written(before, dump(work.desk.engine)) == {"calls", "entries"}
    assert refusals(work)[-1] == caught.value.code
    assert work.verified()
    return caught.value


def evaluated(work: Office, count: int, **changes: Any) -> list[str]:
    """Take applications in and bring all of them to where they can be granted."""
    files = [work.file(number, **changes) for number in range(count)]
    for event in BEFORE_GRANT:
        for file in files:
            work.routine(file, event)
    return files


def states(work: Office) -> list[str]:
    return [file.state.value for file in views.listed(work.desk)]


# --- what it does -------------------------------------------------------------


def test_one_act_grants_many_in_the_order_of_the_call(work):
    files = evaluated(work, 4)

    told = adopt(work, *rows(*reversed(files[:3])))

    assert (told["count"], told["total"]) == (3, "333333.33")
    assert [one["application"] for one in told["granted"]] == files[:3]
    assert states(work) == ["negotiating"] * 3 + ["evaluated"]
    granted = entries(work, event="grant")
    assert [entry["findings"]["decree"] for entry in granted] == [
        {"number": number, "of": 3} for number in (1, 2, 3)
    ]
    assert {entry["act"]["number"] for entry in granted} == {"2034"}
    assert [entry["inputs"]["cor"] for entry in granted] == [
        *("2700003", "2700002", "2700001")
    ]
    assert work.verified()


def test_a_dry_run_tells_what_happens_and_writes_nothing(work):
    files = evaluated(work, 2)
    before = dump(work.desk.engine)

    told = adopt(work, *rows(*files), dry_run=True)

    assert told["dry_run"]
    assert dump(work.desk.engine) == before
    done = adopt(work, *rows(*files))
    assert {**told, "dry_run": False} == done


def test_the_money_that_a_decree_sets_free_goes_to_who_waits(work, tmp_path):
    with_less = edited(tmp_path, ('amount = "1000000.00"', 'amount = "250000.00"'))
    calls.register_call(work.desk, with_less, act="decreto 1/2026-01-15", reason="x")
    files = evaluated(work, 2)
    late = work.file(2, requested="60000.00", investment="35294.12")

    told = adopt(
        work,
        row(files[0], 1, admitted_investment="50000.00"),
        row(files[1], 2),
    )

    (promoted,) = told["promotions"]
    assert (promoted["application"], promoted["amount"]) == (late, "60000.00")
    assert {source["application"] for source in promoted["funded_by"]} >= {files[0]}
    assert work.verified()


def test_who_waits_for_an_own_answer_is_passed_over_and_keeps_its_money(work):
    files = [work.file(number) for number in range(3)]
    for file in files:
        work.routine(file, Event.START_REVIEW)
    work.routine(files[0], Event.REQUEST_COMPLETION)
    for file in files[1:]:
        work.routine(file, Event.ADMIT, Event.EVALUATE)

    told = adopt(work, *rows(*files[1:]))

    assert told["skipped"] == [{"application": files[0], "waits_for": "applicant"}]
    reserved = [file.reserved for file in views.listed(work.desk)]
    assert reserved == [11_111_111, 0, 0]


def test_a_decree_counts_what_it_has_granted_to_who_is_one_undertaking(work):
    other = ctl().beneficiaries[1].tax_code
    one = submission(0)
    one["applicant"]["linked"] = [other]
    aid = {"granted_on": "2025-05-05", "amount": "150000.00", "grantor": "Comune"}
    first, second = [
        str(answer["protocol"])
        for answer in work.take({**one, "aids": [aid]}, submission(1))
    ]
    for event in BEFORE_GRANT:
        for file in (first, second):
            work.routine(file, event)

    told = adopt(work, *rows(first, second))

    # 300,000.00 of ceiling, 150,000.00 of which are used up, and then 111,111.11.
    assert [one["granted"] for one in told["granted"]] == ["111111.11", "38888.89"]
    assert work.verified()


# --- what it refuses ----------------------------------------------------------


def test_a_decree_passes_nobody_over(work):
    files = evaluated(work, 4)

    error = refused(work, *rows(files[0], files[3]))

    assert error.code == "decree.passes_over"
    assert error.details == {"passed_over": files[1:3]}
    assert "put them on the list" in error.message
    assert states(work) == ["evaluated"] * 4
    last = entries(work, outcome="refused")[-1]
    told = entry_explanations.entry(work.desk, f"{CTL}#{last['seq']}")
    assert [one.text for one in told.steps if one.rule == "entry.passed_over"] == [
        f"{file} comes before, and is not in the list of the act" for file in files[1:3]
    ]


def test_one_bad_line_grants_nothing_and_is_named(work):
    files = evaluated(work, 3)
    lines = rows(*files)
    lines[2]["durc_until"] = "2026-01-19"

    error = refused(work, *lines)

    assert error.code == "durc.expired"
    assert error.message.startswith(f"line 3, {files[2]}: `durc_until` 2026-01-19")
    assert error.message.endswith("nothing of the list was granted")
    assert error.details["line"] == 3
    assert states(work) == ["evaluated"] * 3


def test_who_is_not_evaluated_yet_is_refused_by_its_line(work):
    (first,) = evaluated(work, 1)
    second = work.file(1)

    error = refused(work, *rows(first, second))

    assert error.message.startswith(f"line 2, {second}: ")
    assert states(work) == ["evaluated", "submitted"]


def test_a_code_that_two_lines_share_is_refused(work):
    files = evaluated(work, 2)
    lines = rows(*files)
    lines[1]["cup"] = lines[0]["cup"]

    error = refused(work, *lines)

    assert (error.code, error.details["line"]) == ("grant.code_used", 2)


def test_an_application_named_twice_in_two_ways_is_refused(work):
    (first,) = evaluated(work, 1)

    error = refused(work, row(first, 1), row("DOM-0001", 2))

    assert (error.code, error.details) == ("decree.doubled", {"lines": [1, 2]})
    assert f"{first} is on the list more than once, at the lines 1, 2" in error.message


def test_an_application_to_another_call_is_refused(work, tmp_path):
    (first,) = evaluated(work, 1)
    calls.register_call(work.desk, open_to_all(tmp_path))
    (stranger,) = intake.take_in(work.desk, SECOND, lines_of(0, 1))

    error = refused(work, row(first, 1), row(str(stranger["protocol"]), 2))

    assert error.code == "decree.another_call"
    assert error.message.startswith("line 2: ")


def test_an_unknown_application_is_refused_by_its_line(work):
    (first,) = evaluated(work, 1)

    error = refused(work, row(first, 1), row("2026/7777777", 2))

    assert error.code == "application.unknown"
    assert error.message.startswith("line 2: there is no application")


def test_who_was_granted_already_is_not_granted_again(work):
    files = evaluated(work, 2)
    adopt(work, *rows(files[0]))

    error = refused(work, row(files[0], 11), row(files[1], 12))

    assert error.code == "decree.no_place"
    assert f"line 1: {files[0]} is `negotiating`" in error.message


def test_only_a_manager_adopts_a_decree_and_the_attempt_is_recorded(work):
    (first,) = evaluated(work, 1)

    error = refused(work.sit("rup"), *rows(first))

    assert error.code == "role.missing"
    (entry,) = entries(work, outcome="refused")
    assert (entry["event"], entry["act"]["number"]) == ("grant", "2034")


def test_a_decree_of_tomorrow_is_refused(work):
    (first,) = evaluated(work, 1)

    error = refused(work, *rows(first), act="decreto 1/2026-01-21")

    assert error.code == "act.future"


def test_a_dry_run_that_is_refused_leaves_no_trace(work):
    files = evaluated(work, 2)
    before = dump(work.desk.engine)

    with pytest.raises(RefusedError, match="passes over"):
        adopt(work, *rows(files[1]), dry_run=True)

    assert dump(work.desk.engine) == before


def test_what_was_shown_is_done_or_nothing(work):
    files = evaluated(work, 2)
    seen = adopt(work, *rows(*files), dry_run=True, meant=True)
    aid = {"granted_on": "2025-05-05", "amount": "1.00", "grantor": "Comune"}
    work.routine(files[0], Event.WITHDRAW)
    work.clock.move_to(rome(2026, 1, 20, 11))
    work.file(2, aids=[aid])
    lines = rows(files[1])
    before = dump(work.desk.engine)

    with pytest.raises(ConflictError, match="nothing was granted"):
        adopt(work, *lines, seen=seen)

    assert dump(work.desk.engine) == before


def test_an_unknown_call_is_refused(work):
    grants = decrees.read([orjson.dumps(row(FIRST))])

    with pytest.raises(RefusedError, match="there is no call"):
        decrees.grant(work.desk, "CTL", grants, act=ACT)


# --- what the list says -------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{x", "line 2: it is not a JSON document"),
        (b"[]", "line 2: it is not a JSON object"),
        (b"{}", "line 2: `application` is missing"),
        (b"\xff", "line 2: it is not a JSON document"),
        ({"cor": None}, "line 2: `cor` is missing: COR: the code of the aid registry"),
        ({"cor": 27}, "line 2: `cor` must be text"),
        ({"cor_on": 1_768_900_000}, "line 2: `cor_on` must be text"),
        ({"durc_until": "30/06/2026"}, "line 2: `durc_until` `30/06/2026`: "),
        ({"cup": "X"}, "line 2: `cup` `X`: write its 15 characters"),
        ({"cor": "X"}, "line 2: `cor` `X`: write its 1 to 12 digits"),
        (b'{"application":"1","cor":"1","cor":"2"}', "line 2: `cor` is given twice"),
        (b'{"application":"1","cor":"1","cor":null}', "line 2: `cor` is given twice"),
        (
            orjson.dumps(row("D" * 81)),
            "line 2: `application` has more than 80 characters",
        ),
        (b"x" * 100_001, "line 2: it has more than 100000 bytes"),
        ({"admitted_investment": "1000,00"}, "line 2: `admitted_investment`: "),
        ({"overtake": "yes"}, "line 2: `overtake` is nothing that a grant carries"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_what_is_wrong(line, says):
    content = line if isinstance(line, bytes) else orjson.dumps(row(NEXT, 2, **line))

    with pytest.raises(InputError) as caught:
        decrees.read([orjson.dumps(row(FIRST)), content])

    assert caught.value.code == "decree.unreadable"
    assert caught.value.message.startswith(says)
    assert caught.value.message.endswith("nothing was granted")
    assert caught.value.details == {"line": 2}


def test_an_empty_list_is_refused_and_blank_lines_are_not_counted_out():
    with pytest.raises(InputError, match="has no line"):
        decrees.read([b"", b"\n"])

    first = b"\xef\xbb\xbf" + orjson.dumps(row(FIRST))
    (one, other) = decrees.read([first, b"\n", orjson.dumps(row(NEXT))])
    assert (one.line, other.line) == (1, 3)


def test_a_list_that_is_too_long_is_refused_and_not_read_on():
    endless = repeat(orjson.dumps(row(FIRST)))

    with pytest.raises(InputError, match="at most 5000"):
        decrees.read(endless)


# --- from the command line ----------------------------------------------------


@pytest.fixture
def decree(terminal: Terminal) -> Path:
    """Write the list of a decree for applications that can be granted.

    Another officer has proposed them: who proposes does not decide.
    """
    roles = [word for role in ALL_ROLES for word in ("--role", role)]
    added = terminal.type("officer", "add", "gialli", "--name", "G", *roles)
    assert added.exit_code == 0
    proposing = terminal.as_("gialli")
    for event in BEFORE_GRANT:
        for file in (FIRST, NEXT):
            words = [event.value, "--yes"]
            stated = usual(event, rome(2026, 1, 20, 10).date())
            for name, value in stated.get("inputs", {}).items():
                for one in value if isinstance(value, list) else [value]:
                    words += [f"--{name}", one]
            assert proposing.type("advance", file, *words).exit_code == 0
    path = Path("decree.jsonl")
    path.write_bytes(b"\n".join(map(orjson.dumps, rows(FIRST, NEXT))))
    return path


def words(decree: Path, *more: str) -> tuple[str, ...]:
    return ("grant", CTL, str(decree), "--act", ACT, *more)


def test_it_shows_what_will_happen_and_asks(terminal, decree):
    done = terminal.type(*words(decree), text=f"{CTL}\n")

    assert done.exit_code == 0, done.output
    shown, _, _ = done.stderr.partition("Type ")
    assert shown.splitlines()[0] == (
        f"This will grant 2 application(s) of {CTL} on {ACT}: 222222.22 in all"
    )
    assert shown.splitlines()[2].split() == [
        *(FIRST, "111111.11", "111111.11", "negotiating", "-")
    ]
    assert f"Type {CTL} to confirm: " in done.stderr
    assert done.stdout.startswith(f"Granted 2 application(s) of {CTL}")
    assert "residual of the call" in done.stdout
    assert terminal.ask("log", "verify")["ok"]


@pytest.mark.parametrize(
    ("typed", "exit_code", "code"),
    [("", 2, "confirmation.missing"), ("yes\n", 1, "confirmation.wrong")],
)
def test_what_is_not_confirmed_is_not_done(typed, exit_code, code, terminal, decree):
    done = terminal.type(*words(decree), text=typed)

    assert done.exit_code == exit_code
    assert f"Error [{code}]: nothing was done" in done.stderr
    assert terminal.ask("show", FIRST)["state"] == "evaluated"


def test_with_json_it_answers_with_one_document(terminal, decree):
    asked = terminal.type(*words(decree, "--json"))
    tried = terminal.ask(*words(decree, "--dry-run"))
    done = terminal.ask(*words(decree, "--yes"))

    assert json.loads(asked.stdout)["error"]["code"] == "confirmation.missing"
    assert (tried["dry_run"], done["dry_run"]) == (True, False)
    assert done["total"] == "222222.22"
    assert terminal.ask("show", NEXT)["state"] == "negotiating"


def test_what_changes_between_question_and_answer_is_a_conflict(terminal, decree):
    with terminal.start(
        *words(decree),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        assert asking.stderr
        shown = ""
        while "to confirm" not in shown:
            shown += asking.stderr.read(1)
        other = terminal.type(
            *("advance", THIRD, "withdraw", "--document", "a" * 64, "--yes")
        )
        done = terminal.type(*words(decree, "--yes"))
        out, err = asking.communicate(f"{CTL}\n")

    assert (other.exit_code, done.exit_code) == (0, 0)
    assert (asking.returncode, out) == (1, "")
    assert "Error [decree.no_place]" in err


def test_what_is_refused_is_not_asked_about_but_recorded(terminal, decree):
    decree.write_bytes(orjson.dumps(row(NEXT)))

    done = terminal.type(*words(decree), text=f"{CTL}\n")

    assert done.exit_code == 1
    assert "Error [decree.passes_over]" in done.stderr
    assert "Type" not in done.stderr
    (last,) = terminal.type(
        "log", "show", CTL, "--outcome", "refused", "--json"
    ).stdout.splitlines()
    assert json.loads(last)["refusal"]["code"] == "decree.passes_over"


def test_the_example_of_the_help_works(terminal, decree):
    (example,) = examples(EVERY["grant",])

    done = terminal.type(*example[1:])

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Would grant 2 application(s)")
