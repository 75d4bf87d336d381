"""Does what the help and the README tell people to type really work?"""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from commands.options import EXAMPLES
from models.vocabulary import Event
from tests.builders import (
    CLERK,
    PAPER,
    TO_GRANT,
    Office,
    office,
    rome,
    submission,
    usual,
)
from tests.contents import rows
from tests.editions import edited
from tests.explained import explain_all
from tests.filiere import STILL_OPEN, TO_WORTHY, published
from tests.integration.test_cli_help import EVENTS, EVERY, examples
from tests.integration.test_ranked_call import (
    CODE,
    five_million,
    furnished,
    grant_of,
    points,
)
from tests.stories import STORY
from tests.terminals import SPORTELLO, Terminal
from workflow.services import calls

ROOT = Path(__file__).parents[2]
APP = "2026/0000001"
DONE = {
    Event.EXPIRE: "machine.wrong_state",
    Event.EXPIRE_COMPLETION: "completion_request.not_open",
    Event.EXPIRE_OBSERVATIONS: "refusal_notice.not_open",
    # Money set free is given at once: nothing is left for an officer to give.
    Event.PROMOTE: "money.short",
}
"""What time or money brings about by itself, and what is told afterwards."""

POOR = {Event.PUT_ON_WAITING_LIST, Event.PROMOTE, Event.DECLARE_UNFUNDED}
FILED: dict[Event, dict[str, Any]] = {
    Event.EXPIRE: {"draft": True},
    Event.DECLARE_NOT_RECEIVABLE: {"channel": "pec"},
}


def make_money_short(work: Office, folder: Path) -> None:
    """Leave money for one application; the next one waits for what it asks for."""
    file = edited(folder, ('amount = "1000000.00"', 'amount = "150000.00"'))
    calls.register_call(work.desk, file, act="decreto 1/2026-01-19", reason="money")


def hold_back(work: Office, folder: Path) -> None:
    """Let a letter wait for its release."""
    file = edited(folder, ("held = []", 'held = ["procedure_start"]'))
    calls.register_call(work.desk, file, act="decreto 1/2026-01-19", reason="hold")


def let_them_join(work: Office, folder: Path) -> None:
    """Let several apply together, and write down who joins."""
    section = (
        "[partnership]\none_application_each = true\ninvited_only = false\n"
        'source = "assumed"\nbasis = "chosen for a test"\n\n[filing]'
    )
    file = edited(folder, ("[filing]", section))
    calls.register_call(work.desk, file, act="decreto 1/2026-01-19", reason="joint")
    partner = {"tax_code": "80000000001", "name": "Ente 1", "kind": "public"}
    (folder / "partners.jsonl").write_text(json.dumps(partner), encoding="utf-8")


def held_instead(words: list[str], work: Office) -> list[str]:
    """Name the letter that is held back in place of that of the example."""
    ((notice,),) = rows(work.desk.engine, "SELECT id FROM notices WHERE status='held'")
    return [
        str(UUID(notice)) if word == EXAMPLES["notice"][0] else word for word in words
    ]


def of_the_clerk(words: list[str]) -> list[str]:
    """Name an officer who is one in place of that of the example."""
    (stranger,) = EXAMPLES["officer"]
    return [str(CLERK) if word == stranger else word for word in words]


def bring(work: Office, folder: Path, event: Event) -> None:
    """Bring an application to where the event can be made."""
    files = [APP]
    if event is Event.RELEASE_NOTICE:
        hold_back(work, folder)
    if event is Event.CHANGE_PARTNERS:
        let_them_join(work, folder)
    if event in POOR:
        make_money_short(work, folder)
        work.clock.move_to(rome(2026, 1, 20, 10, 1))
    work.take({**submission(), **FILED.get(event, {})})
    if event in POOR:  # one that had come earlier takes its money
        earlier = "2026-01-20T10:00:30+01:00"
        files = [work.file(1, received_at=earlier), APP]
    for day, step, *changes in STORY[event][1]:
        year, month, number = map(int, day.split("-"))
        work.clock.move_to(max(rome(year, month, number, 9), work.clock.now()))
        for file in files if step in TO_GRANT else [APP]:
            stated = changes[0] if changes else usual(step, work.today)
            work.move(file, step, **stated)
    if event == Event.DECLARE_UNFUNDED:  # whose money will not become its own
        work.routine(files[0], Event.GRANT)


OF_LISTS = {
    Event.FIND_WORTHY: TO_WORTHY[:-1],
    Event.FIND_UNWORTHY: TO_WORTHY[:-1],
    Event.ASK_TO_LEAVE_LIST: TO_WORTHY,
}
"""What happens only to proposals for a list, and what before it."""


@pytest.mark.parametrize("event", OF_LISTS)
def test_the_example_of_every_event_of_a_list_is_carried_out(
    event, tmp_path, sqlite_office_url, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (words,) = examples(EVERY["advance", event.value])
    with office(sqlite_office_url) as work:
        found = published(work, STILL_OPEN, at=work.clock.now())
        name = found.file()
        found.routine(name, *OF_LISTS[event])
        if event is Event.ASK_TO_LEAVE_LIST:
            found.update()
        clock = work.clock.now().isoformat()
    settings = {
        "SPORTELLO_DATABASE_URL": sqlite_office_url,
        "SPORTELLO_OFFICER": "rossi",
        "SPORTELLO_CLOCK": clock,
    }

    done = Terminal(tmp_path, settings).type(*words[1:], "--yes")

    assert done.exit_code == 0, done.output
    with office(sqlite_office_url) as work:
        assert explain_all(work)[event]


def test_the_example_of_a_grant_that_grows_is_carried_out(tmp_path):
    url = f"sqlite:///{tmp_path / 'sportello.db'}"
    with furnished(url, five_million(tmp_path), CODE) as ranked:
        work, names = ranked.work, ranked.file("2500000.00", "2000000.00", "2000000.00")
        ranked.close()
        for name, total in zip(names, (90, 80, 70), strict=True):
            ranked.examine(name, points(total))
        ranked.rank()
        for number, name in enumerate((names[0], names[2])):
            work.move(name, Event.GRANT, **grant_of(work, number))
        work.move(names[1], Event.WITHDRAW, inputs={"document": PAPER})
        work.clock.advance(timedelta(days=1))
        ranked.fund()
        clock, today = work.clock.now().isoformat(), work.today.isoformat()
    (words,) = examples(EVERY["advance", "raise_grant"])
    then = {
        APP: names[2],
        "2026-06-30": today,
        "decreto 1234/2026-03-10": f"decreto 1234/{today}",
    }
    settings = {
        "SPORTELLO_DATABASE_URL": url,
        "SPORTELLO_OFFICER": "director",
        "SPORTELLO_CLOCK": clock,
    }

    typed = [then.get(word, word) for word in words[1:]]
    done = Terminal(tmp_path, settings).type(*typed, "--antimafia", "BDNA 1", "--yes")

    assert done.exit_code == 0, done.output


OF_OTHERS = {*OF_LISTS, Event.RAISE_GRANT}


@pytest.mark.parametrize("name", [one for one in EVENTS if Event(one) not in OF_OTHERS])
def test_the_example_of_every_event_is_carried_out(
    name, tmp_path, sqlite_office_url, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    event = Event(name)
    (words,) = examples(EVERY["advance", name])
    with office(sqlite_office_url) as work:
        bring(work, tmp_path, event)
        if event is Event.RELEASE_NOTICE:
            words = held_instead(words, work)
    words = of_the_clerk(words)
    terminal = Terminal(
        tmp_path,
        {
            "SPORTELLO_DATABASE_URL": sqlite_office_url,
            "SPORTELLO_OFFICER": "rossi",
            "SPORTELLO_CLOCK": f"{STORY[event][0]}T18:00:00+01:00",
        },
    )

    done = terminal.type(*words[1:], "--yes")

    if event in DONE:
        assert done.exit_code == 1
        assert f"[{DONE[event]}]" in done.stderr
    else:
        assert done.exit_code == 0, done.output
        assert done.stderr == ""
    assert terminal.ask("log", "verify")["ok"]
    with office(sqlite_office_url) as work:
        assert explain_all(work)[event]


# --- the README and the demonstration -----------------------------------------


def environment(**more: str) -> dict[str, str]:
    path = f"{SPORTELLO.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": os.environ["HOME"], **more}


def by_hand() -> str:
    """Return the commands of the README, as they stand there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("## By hand")
    section, _, _ = rest.partition("\n## ")
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    return "\n".join(lines) + "\n"


def test_the_commands_of_the_readme_all_work(tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    script = by_hand()

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert script.count("sportello ") >= 12
    assert ran.returncode == 0, ran.stderr
    verified = ran.stdout[ran.stdout.rindex("officers:") :]
    assert [line for line in verified.splitlines() if line[:1] != " "] != []
    assert all(
        line.endswith(": ok") for line in verified.splitlines() if line[:1] != " "
    )


def demonstrated(folder: Path, *words: str) -> str:
    """Return what a demonstration prints; its database stays in the folder."""
    return subprocess.run(
        [SPORTELLO, *words],
        env=environment(TMPDIR=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("words", [("demo", "--json"), ("--json", "demo")])
def test_the_demonstration_answers_in_json(words, tmp_path):
    told = json.loads(demonstrated(tmp_path, *words))

    assert told["ok"]
    assert len(told["files"]) == 10


@pytest.fixture(scope="module", params=["ctl", "competenze"])
def demonstration(request, tmp_path_factory):
    """Show a call once to all who only look at it."""
    folder = tmp_path_factory.mktemp("demonstration")
    return demonstrated(folder, "demo", request.param)


@pytest.mark.parametrize("demonstration", ["competenze"], indirect=True)
def test_the_demonstration_of_a_counter_tells_its_story_in_100_columns(demonstration):
    story, _, _ = demonstration.partition("The database is ")

    assert max(map(len, story.splitlines())) <= 100
    assert len(story.splitlines()) < 60
    for said in (
        "n. 121-140      in: 7000000.00 reserved, NOTHING left",
        "n. 161-179      in, WITHOUT MONEY: 39 wait for 1800000.00",
        "SUSPENDED by determinazione",
        "REFUSED [call.suspended]: number 180",
        "n. 1-59         GRANTED by determinazione",
        "2500000.00 in all: 450000.00 is set free",
        "2025/0000141    PROMOTED: 50000.00 that n. 1-7 left",
        "2025/0000149    PROMOTED: 50000.00 that n. 51-59 left",
        "The money ends before 2025/0000150",
    ):
        assert said in story
    assert story.count("PROMOTED") == 9


@pytest.mark.parametrize("demonstration", ["competenze"], indirect=True)
def test_the_demonstration_of_a_counter_ends_with_the_public_figures(demonstration):
    ends = [line.split() for line in demonstration.splitlines()]

    assert ["granted", "n.", "1-59", "59", "2950000.00", "0.00", "2500000.00"] in ends
    assert ["submitted", "n.", "60-149", "90", *["4500000.00"] * 2, "0.00"] in ends
    assert ["waiting", "n.", "150-179", "30", "1350000.00", "0.00", "0.00"] in ends
    assert ["residual", "0.00"] in ends


def test_what_the_demonstration_suggests_works_as_it_is_printed(
    demonstration, tmp_path
):
    shown = demonstration
    typed = [
        line.strip()
        for line in shown.splitlines()
        if line.startswith(("  export ", "  /", "  sportello "))
    ]

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join((*typed, "sportello log anchor"))],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(typed) == 10, shown
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "anchor  2 of" in ran.stdout
    assert shown.splitlines()[-1].startswith("The register verifies: ")


def test_the_last_line_of_make_demo_tells_whether_the_register_verifies(tmp_path):
    ran = subprocess.run(
        [
            "make",
            "-C",
            ROOT,
            "-o",
            ".venv/.runtime",
            "demo",
            f"PYTHON={sys.executable}",
        ],
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )

    lines = [line for line in ran.stdout.splitlines() if not line.startswith("make")]
    assert ran.returncode == 0, ran.stderr
    assert lines[-1].startswith("The register verifies: ")
