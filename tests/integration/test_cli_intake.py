"""Are submissions answered one by one, whatever is on the line?"""

import json
import os
import pty
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from config import handed_in
from tests.builders import CTL, submission
from tests.terminals import ACT, FIRST, Terminal


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


def test_what_has_no_end_is_not_taken_in_by_any_command(terminal):
    Path("zero").symlink_to("/dev/zero")
    os.mkfifo("pipe")

    for words in (
        ("intake", CTL, "zero"),
        ("grant", CTL, "zero", *ACT),
        ("grant", CTL, "pipe", *ACT),
        ("log", "verify", "--anchors", "pipe"),
        ("advance", FIRST, "change_partners", "--partners", "zero"),
    ):
        said = terminal.refused(*words, code="usage", exit_code=2)
        assert "it is a device or a pipe, not a file; bring it" in said
    told = terminal.type("receipts", "zero", "pipe", "--json")
    mails = json.loads(told.stdout)["receipts"]
    assert [mail["error"]["message"] for mail in mails] == [
        "it is a device or a pipe, not a file"
    ] * 2


def test_after_a_line_without_an_end_the_intake_ends_with_what_to_do(
    terminal, monkeypatch
):
    monkeypatch.setattr(handed_in, "_NO_LINE", 3_000_000)
    text = lines(submission(3)).encode() + b"\n" + b"\0" * 6_000_000

    done = terminal.type("intake", CTL, "-", text=text)

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["outcome"] for one in told] == ["submitted", "refused"]
    assert "[file.endless]: line 2 has no end: what stands before" in done.stderr
    assert done.exit_code == 2


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


# --- while it runs ------------------------------------------------------------


@contextmanager
def running(terminal: Terminal, file: str = "-", **more: int) -> Iterator[Popen[str]]:
    """Run intake in a process of its own, fed and read line by line."""
    streams = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, **more}
    with terminal.start("intake", CTL, file, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: Popen[str]) -> dict[str, object]:
    assert process.stdout
    answer: dict[str, object] = json.loads(process.stdout.readline())
    return answer


def say(process: Popen[str], *submissions: dict[str, object]) -> None:
    assert process.stdin
    process.stdin.write(lines(*submissions) + "\n")
    process.stdin.flush()


def test_each_line_of_a_pipe_is_answered_before_the_next_one_comes(terminal):
    with running(terminal) as process:
        say(process, submission(3))
        first = told(process)
        say(process, submission(4))
        second = told(process)
        process.communicate(timeout=60)

    assert (first["line"], first["outcome"]) == (1, "submitted")
    assert (second["line"], second["outcome"]) == (2, "submitted")
    assert process.returncode == 0


def test_a_file_that_comes_while_another_is_taken_in_waits_and_then_says_so(terminal):
    with running(terminal) as process:
        say(process, submission(3))
        told(process)

        said = terminal.type("intake", CTL, "-", text=lines(submission(4)))

    assert said.exit_code == 3
    assert "Error [intake.taken]: another process is taking submissions" in said.stderr
    assert said.stdout == ""


def test_an_interruption_keeps_what_was_answered_and_the_file_goes_on(terminal):
    with running(terminal) as process:
        say(process, submission(3))
        first = told(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr
        said = process.stderr.read()

    assert "Interrupted: 1 line(s) were answered, and what was answered is" in said
    assert "Traceback" not in said
    assert "Fatal" not in said
    again = answers(terminal, lines(submission(3), submission(4)))
    assert [one["outcome"] for one in again] == ["duplicate", "submitted"]
    assert again[0]["protocol"] == first["protocol"]


def test_a_terminal_that_does_not_see_the_answers_sees_how_far_it_is(terminal):
    file = Path("submissions.jsonl")
    file.write_text(lines(submission(3), submission(4)), encoding="utf-8")
    main_end, other_end = pty.openpty()
    try:
        with running(terminal, str(file), stderr=other_end) as process:
            out, _ = process.communicate(timeout=60)
        shown = os.read(main_end, 10_000).decode()
    finally:
        os.close(main_end)
        os.close(other_end)

    assert [json.loads(line)["line"] for line in out.splitlines()] == [1, 2]
    assert "taken in" in shown
    assert "100%" in shown
    assert "2 line(s): 2 submitted" in shown


def test_where_there_is_no_terminal_no_bar_is_drawn(terminal):
    file = Path("submissions.jsonl")
    file.write_text(lines(submission(3)), encoding="utf-8")

    done = terminal.run("intake", CTL, str(file))

    assert done.stderr == "1 line(s): 1 submitted\n"
