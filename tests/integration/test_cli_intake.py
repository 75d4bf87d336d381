"""Are submissions answered one by one, whatever is on the line?"""

import json

import pytest

from tests.builders import CTL, submission
from tests.terminals import Terminal


def lines(*submissions: dict[str, object]) -> str:
    return "\n".join(json.dumps(one) for one in submissions)


def answers(terminal: Terminal, text: str | bytes) -> list[dict[str, object]]:
    done = terminal.type("intake", CTL, "-", text=text)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_line_is_answered_in_its_place(terminal):
    text = lines(submission(3), submission(0)) + "\n{x\n\n" + lines(submission(4))

    done = terminal.type("intake", CTL, "-", text=text)

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["line"] for one in told] == [1, 2, 3, 5]
    assert [one["outcome"] for one in told] == [
        *("submitted", "duplicate", "refused", "submitted")
    ]
    assert told[0] == {
        "line": 1,
        "portal_id": "DOM-0004",
        "outcome": "submitted",
        "protocol": "2026/0000004",
        "received_at": told[0]["received_at"],
        "position": 4,
        "error": None,
    }
    assert done.exit_code == 1
    assert done.stderr == "4 line(s): 2 submitted, 1 duplicate, 1 refused\n"


def test_it_succeeds_when_nothing_is_refused(terminal):
    done = terminal.type("intake", CTL, "-", text=lines(submission(0), submission(5)))

    assert done.exit_code == 0


def test_an_amount_with_a_comma_is_refused_with_how_to_write_it(terminal):
    (told,) = answers(terminal, lines(submission(3, requested="100000,00")))

    assert told["outcome"] == "refused"
    assert "write the digits" in str(told["error"])


def test_a_line_of_any_length_is_read_without_harm(terminal):
    text = lines(submission(3)).encode() + b"\n" + b"x" * 3_000_000

    told = answers(terminal, text)

    assert [(one["line"], one["outcome"]) for one in told] == [
        (1, "submitted"),
        (2, "refused"),
    ]
    assert "line.too_long" in str(told[1]["error"])


def test_a_byte_order_mark_does_not_spoil_the_first_line(terminal):
    (told,) = answers(terminal, b"\xef\xbb\xbf" + lines(submission(3)).encode())

    assert told["outcome"] == "submitted"


def test_a_first_line_that_cannot_be_read_stops_nothing(terminal):
    text = f"portal_id;requested\n{lines(submission(3))}"

    done = terminal.type("intake", CTL, "-", "--json", text=text)

    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["line"], first["outcome"]) == (1, "refused")
    assert (second["line"], second["outcome"]) == (2, "submitted")
    assert done.exit_code == 1


def test_a_portal_id_that_is_taken_is_named(terminal):
    (told,) = answers(terminal, lines(submission(0, requested="1000.00")))

    error = str(told["error"])
    assert "submission.portal_id_used" in error
    assert "`portal_id` DOM-0001" in error
    assert "submission:" not in error


def test_an_unknown_call_takes_nothing_in(terminal):
    done = terminal.type("intake", "CTL", "-", "--json", text=lines(submission(3)))

    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "call.unknown"


def test_whoever_may_not_takes_nothing_in_and_it_is_recorded(terminal):
    auditor = terminal.as_("verdi")

    done = auditor.type("intake", CTL, "-", text=lines(submission(3)))

    assert done.exit_code == 1
    assert "Error [role.missing]" in done.stderr
    assert done.stdout == ""
    refused = terminal.type("log", "show", "--actor", "verdi", "--json").stdout
    assert json.loads(refused)["refusal"]["code"] == "role.missing"


@pytest.mark.parametrize("file", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_a_wrong_command_line(file, terminal):
    terminal.refused("intake", CTL, file, code="usage", exit_code=2)


def test_a_line_before_the_opening_is_refused_with_its_instant(terminal):
    terminal.settings["SPORTELLO_CLOCK"] = "2026-01-20T09:59:59.999+01:00"
    early = Terminal(terminal.home, terminal.settings)

    (told,) = answers(
        early, lines(submission(3, received_at="2026-01-20T09:59:59.999+01:00"))
    )

    assert told["outcome"] == "refused"
    assert told["received_at"] == "2026-01-20T08:59:59.999000Z"
    assert "window.too_early" in str(told["error"])
