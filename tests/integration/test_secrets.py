"""Does a password that stands in a setting ever come out of it?"""

import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from tests.terminals import FIRST, Terminal, every_command

SECRET = "segreto"  # noqa: S105 - nobody has it
WHO = f"//maria:{SECRET}@"
NOWHERE = {
    "SPORTELLO_DATABASE_URL": f"postgresql:{WHO}127.0.0.1:1/x",
    "SPORTELLO_BROKER_URL": f"redis:{WHO}127.0.0.1:1/0",
    "SPORTELLO_SMTP_URL": f"smtps:{WHO}127.0.0.1:1",
    "SPORTELLO_SENDER": "bandi@pec.example.it",
    "SPORTELLO_TSA_URL": f"https:{WHO}127.0.0.1:1/x",
    "SPORTELLO_LOG_LEVEL": "debug",
}
"""Where nobody listens: each says where it could not get to."""

ASIDE = {"demo"}
"""It has a database of its own."""

ODD = {
    "SPORTELLO_DATABASE_URL": [
        f"postgresql:{WHO}127.0.0.1:port/x",
        f"postgresql:{WHO}127.0.0.1:99999/x",
        f"postgresql://maria:{SECRET}@{SECRET}@127.0.0.1:1/x",
        f"postgresql://maria:{SECRET}/{SECRET}@127.0.0.1:1/x",
        f"postgresql://maria:{SECRET}#{SECRET}@127.0.0.1:1/x",
        f"postgresql://maria:{SECRET}?{SECRET}@127.0.0.1:1/x",
        f"postgresql://maria:{SECRET}:{SECRET}@127.0.0.1:1/x",
        f"postgresql://{SECRET}@:{SECRET}/x",
        f"postgresql://127.0.0.1:1/x?password={SECRET}",
        f"postgresql://127.0.0.1:1/x?options=-c%20password={SECRET}",
        f"postgresql+nosuch:{WHO}127.0.0.1/x",
        f"postgres:{WHO}127.0.0.1:1/x",
        f"mysql:{WHO}127.0.0.1/x",
        SECRET,
    ],
    "SPORTELLO_BROKER_URL": [
        f"redis:{WHO}127.0.0.1:port",
        f"redis:{WHO}127.0.0.1:1/0?password={SECRET}",
        f"redis://:{SECRET}@{SECRET}@127.0.0.1:1",
        f"redis://:{SECRET}/{SECRET}@127.0.0.1:1",
        f"redis://:{SECRET}#{SECRET}@127.0.0.1:1",
        f"rediss:{WHO}127.0.0.1:1",
        f"amqp:{WHO}127.0.0.1",
        SECRET,
    ],
    "SPORTELLO_SMTP_URL": [
        f"smtps:{WHO}127.0.0.1:port",
        f"smtp+plain:{WHO}127.0.0.1:1",
        f"smtps://maria:{SECRET}@{SECRET}@127.0.0.1:1",
        f"smtps://maria:{SECRET}/{SECRET}@127.0.0.1:1",
        f"smtps://maria:{SECRET}#{SECRET}@127.0.0.1:1",
        f"http:{WHO}127.0.0.1",
        SECRET,
    ],
    "SPORTELLO_TSA_URL": [
        f"https:{WHO}127.0.0.1:port",
        f"https://127.0.0.1:1/x?apikey={SECRET}",
        f"https://maria:{SECRET}@{SECRET}@127.0.0.1:1/x",
        f"ftp:{WHO}127.0.0.1",
    ],
}
"""Addresses in which the password is not where it belongs, or nothing else is."""


COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("doctor",),
    ("worker",),
    ("rehearse", "ctl-2025", "--applications", "1"),
)


@pytest.fixture
def nowhere(terminal: Terminal) -> Terminal:
    """Sit where every address has a password, and none leads anywhere."""
    Path("roots.pem").write_bytes(b"")
    terminal.settings |= {**NOWHERE, "SPORTELLO_TSA_ROOTS": "roots.pem"}
    return terminal


def some(param: click.Parameter) -> str:
    """Return a value that the command line takes."""
    if isinstance(param.type, click.Choice):
        return str(param.type.choices[0])
    if isinstance(param.type, click.Path):
        return "roots.pem"
    return "2026-01-21" if param.name in {"since", "until", "at"} else FIRST


def words_of(path: tuple[str, ...], command: click.Command) -> list[str]:
    """Return the shortest line that a command takes."""
    words = [path[0], FIRST, *path[1:]] if path[0] == "advance" else [*path]
    for param in command.params:
        named = [] if isinstance(param, click.Argument) else [param.opts[0]]
        words += [*named, some(param)] if param.required else []
    return words


def test_no_command_tells_a_password_if_nothing_answers(nowhere: Terminal):
    reached, moves = set(), 0

    for path, command in every_command():
        moves += path[0] == "advance"
        if path[0] in ASIDE or (path[0] == "advance" and moves > 1):
            continue  # one move is as good as any: they say it in the same place

        done = nowhere.type(*words_of(path, command), "--json")

        said = done.stdout + done.stderr
        assert SECRET not in said, path
        if "database.unreachable" in said:
            reached.add(path)

    assert len(reached) > 50, "most of them look for the database"


@pytest.mark.parametrize("setting", ODD)
def test_no_address_however_it_is_written_is_told_with_its_password(
    terminal: Terminal, setting: str
):
    terminal.settings |= {"SPORTELLO_SENDER": "bandi@pec.example.it"}
    terminal.settings |= {"SPORTELLO_TSA_ROOTS": "roots.pem"}
    Path("roots.pem").write_bytes(b"")

    for address in ODD[setting]:
        terminal.settings[setting] = address
        for words in COMMANDS:
            done = terminal.type(*words)

            assert SECRET not in done.stdout + done.stderr, (address, words)


@pytest.mark.parametrize(
    ("command", "until"),
    [("run", "mail_put_off"), ("scheduler", "broker"), ("worker", "username-password")],
)
def test_no_process_writes_a_password_into_its_log(
    nowhere: Terminal, redis_url: str, command: str, until: str
):
    del nowhere.settings["SPORTELLO_DATABASE_URL"]
    if command == "run":
        del nowhere.settings["SPORTELLO_BROKER_URL"]
    if command == "worker":
        there = urlsplit(redis_url).netloc
        nowhere.settings["SPORTELLO_BROKER_URL"] = f"redis:{WHO}{there}/0"
    nowhere.settings["SPORTELLO_LOCK_WAIT"] = "20"

    said = ""
    with nowhere.start(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout
        for line in process.stdout:
            said += line
            if until in line:
                process.send_signal(signal.SIGTERM)

    assert until in said
    assert SECRET not in said
