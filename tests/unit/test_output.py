"""Is what people read aligned, in the time of Rome, and harmless?"""

import re
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from commands.output import Table, civil, clean, day, print_pairs, print_wrapped
from commands.plain import fitted, say


def test_text_stands_on_the_left_and_figures_on_the_right():
    table = Table(("name", "amount>", "note+"))
    table.add("a", "1.00", "x")
    table.add("bcd", "100.00", "")

    assert table.lines() == [
        "name  amount  note",
        "a       1.00  x",
        "bcd   100.00  -",
    ]


def test_a_line_may_go_across_a_table():
    table = Table(("name", "amount>"))
    table.add("a", "1.00")
    table.rule("here")

    assert table.lines()[-1] == "--- here ---"


def test_a_table_without_rows_is_not_there(capsys):
    Table(("name",), title="Names").print()

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("instant", "digits", "text"),
    [
        (datetime(2026, 1, 20, 9, tzinfo=UTC), 0, "20/01/2026 10:00:00"),
        (datetime(2026, 7, 20, 9, tzinfo=UTC), 0, "20/07/2026 11:00:00"),
        (datetime(2026, 1, 20, 9, tzinfo=UTC), 3, "20/01/2026 10:00:00.000"),
        ("2026-03-05T14:59:59.999999Z", 0, "05/03/2026 15:59:59"),
        ("2026-03-05T14:59:59.999999Z", 3, "05/03/2026 15:59:59.999"),
        ("2026-03-05T14:59:59.000001Z", 6, "05/03/2026 15:59:59.000001"),
        (None, 0, "-"),
    ],
)
def test_instants_are_told_in_the_civil_time_of_rome(instant, digits, text):
    assert civil(instant, digits=digits) == text


def test_in_a_terminal_no_word_is_broken_as_long_as_all_of_them_fit(
    monkeypatch, capsys
):
    cells = (
        "2026/0000001",
        "submitted -> declared_inadmissible",
        "105000.00 -> 0.00",
        "0.00 -> 105000.00",
        "21 start_review, 22 notify_refusal, 23 declare_inadmissible",
    )
    table = Table(("protocol", "state+", "reserved+>", "granted+>", "by+"), indent="  ")
    table.add(*cells)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    for columns in (100, 82):
        monkeypatch.setenv("COLUMNS", str(columns))
        table.print()

        shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
        words = Counter(" ".join(cells).split()) + Counter(
            ("protocol", "state", "reserved", "granted", "by")
        )
        assert Counter(shown.split()) == words
        assert max(map(len, shown.splitlines())) <= columns


def test_days_are_told_as_acts_write_them():
    assert (day("2026-03-05"), day(None)) == ("05/03/2026", "-")


def test_a_text_cannot_command_the_terminal():
    assert clean("a\x1b[31mb\u009bc\nd") == "a [31mb c d"


LONG = "Manifestazione di interesse per lo sviluppo delle filiere"


def test_no_line_is_wider_than_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)

    say(f"  {LONG}")
    say(f"Error: {LONG}", err=True)
    print_pairs([("title", LONG)], indent="  ")
    print_wrapped("1. ", LONG)
    table = Table(("call", "title+"))
    table.add("RLO12022099901", LONG)
    table.print()

    shown = capsys.readouterr()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.out).splitlines()
    assert lines[:6] == [
        "  Manifestazione di interesse per lo",
        "    sviluppo delle filiere",
        "  title  Manifestazione di interesse per",
        "         lo sviluppo delle filiere",
        "1. Manifestazione di interesse per lo",
        "   sviluppo delle filiere",
    ]
    assert max(map(len, (*lines, *shown.err.splitlines()))) <= 40
    assert " ".join(shown.err.split()) == f"Error: {LONG}"
    assert set(LONG.split()) < set(" ".join(lines[6:]).split())


def test_in_a_pipe_a_line_stays_a_line(capsys):
    say(LONG * 3)
    print_pairs([("title", LONG * 3)])

    assert capsys.readouterr().out == f"{LONG * 3}\ntitle  {LONG * 3}\n"


def test_a_list_under_a_sentence_keeps_its_lines():
    text = f"it cannot be used:\n  {LONG}\n  short"

    assert fitted(text, 40).splitlines() == [
        "it cannot be used:",
        "  Manifestazione di interesse per lo",
        "    sviluppo delle filiere",
        "  short",
    ]
