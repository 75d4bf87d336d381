"""Are settings read from where they should be, and hidden where they must?"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import SettingsError, masked, read_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")

    settings = read_settings()

    assert settings.home == Path("/home/anna/.local/share/sportello")
    assert settings.database == (
        "sqlite:////home/anna/.local/share/sportello/sportello.db"
    )
    assert settings.broker_url == "memory://"
    assert settings.identity == "declared"
    assert settings.lock_wait == 30


def test_the_environment_comes_before_the_file(monkeypatch):
    Path(".env").write_text(
        "SPORTELLO_OFFICER=file\nSPORTELLO_LOCK_WAIT=5\n", encoding="utf-8"
    )
    monkeypatch.setenv("SPORTELLO_OFFICER", "environment")

    settings = read_settings()

    assert (settings.officer, settings.lock_wait) == ("environment", 5)


def test_a_clock_is_an_instant_in_utc(monkeypatch):
    monkeypatch.setenv("SPORTELLO_CLOCK", "2026-01-20T10:00:00+01:00")

    assert read_settings().clock == datetime(2026, 1, 20, 9, tzinfo=UTC)


def test_a_folder_of_receipts_is_the_same_wherever_a_worker_starts(monkeypatch):
    monkeypatch.setenv("SPORTELLO_RECEIPTS", "box")

    assert read_settings().receipts == Path.cwd() / "box"


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("SPORTELLO_DATABASE_URL", "postgresql://u:segreto@h/d")
    monkeypatch.setenv("SPORTELLO_SMTP_URL", "smtp://u:segreto@h")

    assert "segreto" not in repr(read_settings())


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:p@host:5432/d?x=1", "postgresql://u:***@host:5432/d?x=1"),
        ("redis://:p@host", "redis://:***@host"),
        ("postgresql://u:p/a?s#s@w@host/d", "postgresql://u:***@host/d"),
        ("postgresql://h/d?password=p&x=1", "postgresql://h/d?password=***&x=1"),
        ("https://u:p@h/t?x=1&apikey=p", "https://u:***@h/t?x=1&apikey=***"),
        ("sqlite:////folder/file.db", "sqlite:////folder/file.db"),
        ("rossi", "rossi"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert masked(address) == shown


def test_a_broker_is_given_nothing_by_its_query_but_what_concerns_tls(monkeypatch):
    fits = "rediss://h:1/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required"
    monkeypatch.setenv("SPORTELLO_BROKER_URL", fits)

    assert read_settings().broker_url == fits
    for query in ("password=segreto", "socket_timeout=x", "nosuch=1", "db=x"):
        monkeypatch.setenv("SPORTELLO_BROKER_URL", f"redis://h/0?{query}")
        with pytest.raises(SettingsError, match="after a question mark") as refused:
            read_settings()
        assert "segreto" not in str(refused.value)


@pytest.mark.parametrize("how", ["another owner", "open to all"])
def test_settings_that_somebody_else_has_left_in_a_folder_are_refused(how, monkeypatch):
    file = Path(".env")
    file.write_text("SPORTELLO_OFFICER=rossi\n", encoding="utf-8")
    assert read_settings().officer == "rossi"

    if how == "open to all":
        file.chmod(0o666)
    else:
        if os.geteuid() == 0:
            os.chown(file, 4242, -1)
        monkeypatch.setattr(os, "geteuid", lambda: 4343)

    with pytest.raises(SettingsError, match="belongs to somebody else, or everybody"):
        read_settings()


def test_every_fault_is_told_at_once(monkeypatch):
    monkeypatch.setenv("SPORTELLO_CLOCK", "noon")
    monkeypatch.setenv("SPORTELLO_LOCK_WAIT", "long")

    with pytest.raises(SettingsError, match=r"SPORTELLO_CLOCK.*SPORTELLO_LOCK_WAIT"):
        read_settings()


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+plain"])
def test_a_mail_server_is_named_with_how_it_is_spoken_to(monkeypatch, scheme):
    monkeypatch.setenv("SPORTELLO_SMTP_URL", f"{scheme}://mail.example.it:25")

    assert read_settings().smtp_url == f"{scheme}://mail.example.it:25"


@pytest.mark.parametrize(
    "sender",
    [
        "bandi@pec.example.it",
        "<bandi@pec.example.it>",
        "Ufficio bandi <bandi@pec.example.it>",
        "Unità organizzativa <bandi.ctl+2025@pec.example.it>",
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(monkeypatch, sender):
    monkeypatch.setenv("SPORTELLO_SENDER", sender)

    assert read_settings().sender == sender


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENDER", "bandi"),
        ("SENDER", "bandi@localhost"),
        ("SENDER", "Ufficio bandi@pec.example.it"),
        ("SENDER", "a@pec.example.it, b@pec.example.it"),
        ("SENDER", "Ufficio\nBcc: x <bandi@pec.example.it>"),
        ("SENDER", "perché@pec.example.it"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://host:99999"),
        ("SMTP_URL", "smtp://host/folder"),
        ("SMTP_URL", "http://host"),
        ("MAIL_RATE", "-1"),
        ("MAIL_RATE", "many"),
    ],
)
def test_what_no_mail_could_be_sent_with_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"SPORTELLO_{name}", value)

    with pytest.raises(SettingsError, match=f"(?s)SPORTELLO_{name} .*is not right"):
        read_settings()
