"""Is a letter handed over whole, and does every answer mean what it should?"""

import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dramatiq.results import Results

from tests.mailservers import (
    CUT,
    SENDER,
    MailServer,
    a_mail,
    login,
    mail_server,
    tls_of,
)
from workers import broker as brokers
from workers.transports.files import Files
from workers.transports.pace import Pace
from workers.transports.servers import Server
from workflow.errors import (
    PermanentError,
    TemporaryError,
    UnavailableError,
    UnknownOutcomeError,
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Run a mail server."""
    with mail_server() as running:
        yield running


def modes(folder: Path) -> set[tuple[bool, int]]:
    found = [folder, *folder.rglob("*")]
    return {(one.is_dir(), stat.S_IMODE(one.stat().st_mode)) for one in found}


# What is sent


def test_a_letter_arrives_as_it_was_written(server: MailServer, tmp_path: Path):
    mail, transport = a_mail(), server.transport(tmp_path)

    transport.send(mail)

    (received,) = server.received
    transport.close()
    assert received.recipient == mail.recipient
    shown = received.mail
    assert dict(shown.items()) | {
        "From": f"Ufficio bandi <{SENDER}>",
        "To": mail.recipient,
        "Subject": mail.subject,
        "Date": "Tue, 20 Jan 2026 09:00:00 +0000",
        "Message-ID": mail.message_id,
        "Auto-Submitted": "auto-generated",
    } == dict(shown.items())
    assert shown.get_content().replace("\r\n", "\n") == mail.body
    assert shown.get_content_type() == "text/plain"


def test_what_was_sent_is_kept_where_only_its_owner_reads_it(
    server: MailServer, tmp_path: Path
):
    mail, transport = a_mail(), server.transport(tmp_path)
    before = transport.was_sent(mail)

    transport.send(mail)
    transport.close()

    (record,) = (tmp_path / "home" / "letters" / "sent").rglob("*.*")
    assert (before, transport.was_sent(mail)) == (False, True)
    assert record.name == f"{mail.id}.eml"
    assert record.read_bytes() == server.received[0].content
    assert modes(tmp_path / "home") == {(True, 0o700), (False, 0o600)}


def test_another_sender_finds_what_was_sent_before(server: MailServer, tmp_path: Path):
    mail, transport = a_mail(), server.transport(tmp_path)
    transport.send(mail)
    transport.close()

    moved = a_mail(message_id=f"<{mail.id}@bandi.example.it>")
    again = a_mail(message_id=f"<{mail.id}@again-2.pec.regione.example.it>")

    assert transport.was_sent(moved)
    assert not transport.was_sent(again)


def test_one_connection_serves_many_letters(server: MailServer, tmp_path: Path):
    transport = server.transport(tmp_path)

    for number in range(5):
        transport.send(a_mail(id=UUID(int=number)))
    transport.close()

    assert len(server.received) == 5
    assert server.connections == 1 + 1  # the controller looks whether it is there


def test_a_connection_that_the_server_has_closed_is_opened_again(
    server: MailServer, tmp_path: Path
):
    transport = server.transport(tmp_path)
    transport.send(a_mail(id=UUID(int=1)))
    server.answers["MAIL"] = [CUT]

    transport.send(a_mail(id=UUID(int=2)))

    transport.close()
    assert server.ids() == [str(UUID(int=1)), str(UUID(int=2))]


# What it answers


@pytest.mark.parametrize(
    ("stage", "answer", "error", "arrived"),
    [
        ("EHLO", CUT, TemporaryError, 0),
        ("MAIL", CUT, TemporaryError, 0),
        ("MAIL", "421 later", TemporaryError, 0),
        ("MAIL", "550 who are you", TemporaryError, 0),
        ("RCPT", CUT, TemporaryError, 0),
        ("RCPT", "450 greylisted", TemporaryError, 0),
        ("RCPT", "550 unknown", PermanentError, 0),
        ("DATA", CUT, TemporaryError, 0),
        ("DATA", "451 later", TemporaryError, 0),
        ("DATA", "554 no", PermanentError, 0),
        ("TEXT", "421 later", TemporaryError, 0),
        ("TEXT", "452 full", TemporaryError, 0),
        ("TEXT", "554 spam", PermanentError, 0),
        ("TEXT", CUT, UnknownOutcomeError, 1),
    ],
)
def test_what_goes_wrong_is_told_apart(
    stage, answer, error, arrived, server: MailServer, tmp_path: Path
):
    mail, transport = a_mail(), server.transport(tmp_path)
    server.answers[stage] = [answer]

    with pytest.raises(error):
        transport.send(mail)

    assert (len(server.received), transport.was_sent(mail)) == (arrived, False)
    transport.send(mail)
    transport.close()
    assert len(server.received) == arrived + 1


def test_a_server_that_is_not_there_is_told_in_words(tmp_path: Path):
    with mail_server() as server:
        transport = server.transport(tmp_path)

    with pytest.raises(TemporaryError, match=r"does not answer.*SPORTELLO_SMTP_URL"):
        transport.send(a_mail())

    assert [*(tmp_path / "home").rglob("*.eml*")] == [], (
        "nothing was sent, none is kept"
    )


def test_what_the_server_says_of_the_recipient_is_not_repeated(
    server: MailServer, tmp_path: Path
):
    server.answers["RCPT"] = ["550 5.1.1 <cluster1@pec.example.it> Mario is unknown"]

    with pytest.raises(PermanentError) as told:
        server.transport(tmp_path).send(a_mail())

    assert told.value.message == (
        "the mail server refuses it: 550 5.1.1 (there is no such mailbox)"
    )


def test_a_full_disk_keeps_a_letter_from_leaving(server: MailServer, tmp_path: Path):
    (tmp_path / "home").write_text("in the way", encoding="ascii")

    with pytest.raises(TemporaryError, match="cannot be written"):
        server.transport(tmp_path).send(a_mail())

    assert server.received == []


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Esito\r\nBcc: altri@example.it"},
        {"subject": "Esito\nX-Other: 1"},
        {"subject": "Esito\x85X-Other: 1"},
        {"subject": "half \ud800"},
        {"recipient": "a@pec.example.it\r\nRCPT TO:<altri@example.it>"},
        {"recipient": "a@pec.example.it>, <altri@example.it"},
        {"recipient": "a b@pec.example.it"},
        {"recipient": "a@pec..example.it"},
        {"recipient": "nobody"},
        {"recipient": "perché@pec.example.it"},
    ],
)
def test_no_text_can_write_headers_or_name_others(
    changes, server: MailServer, tmp_path: Path
):
    transport = server.transport(tmp_path)

    with pytest.raises(PermanentError):
        transport.send(a_mail(**changes))

    transport.close()
    assert server.received == []


def test_letters_that_ascii_lacks_are_sent_where_the_server_takes_them(tmp_path: Path):
    with mail_server(enable_SMTPUTF8=True) as server:
        transport = server.transport(tmp_path)

        transport.send(a_mail(recipient="perché@pec.example.it"))

        transport.close()
        assert [one.recipient for one in server.received] == ["perché@pec.example.it"]


def test_no_more_than_a_minute_allows_go_to_one_domain(
    server: MailServer, tmp_path: Path
):
    transport = server.transport(tmp_path, a_minute=2)

    admitted = [transport.admits(f"{n}@Pec.example.it") for n in range(3)]

    assert admitted == [True, True, False]
    assert transport.admits("a@other.example.it")


def test_nobody_waits_for_a_redis_that_says_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(brokers, "_PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        pace, broker = Pace(address, a_minute=1), brokers.build(address)
        (results,) = [one for one in broker.middleware if isinstance(one, Results)]
        asked = [pace._backend, broker, results.backend]

        with pytest.raises(UnavailableError) as error:
            pace.admits("pec.example.it")

    assert error.value.code == "broker.unreachable"
    for one in asked:
        how = one.client.get_connection_kwargs()
        assert (how["socket_timeout"], how["socket_connect_timeout"]) == (0.05, 0.05)


# Who may listen


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a certificate of this machine that the client believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "server.pem").write_bytes(secret + pem)
    (tmp_path / "authority.pem").write_bytes(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return tmp_path


WHO: dict[str, Any] = {"user": "bandi", "password": "segreto"}


def test_a_password_is_sent_over_tls_where_it_is_offered(certified: Path):
    settings = {
        "tls_context": tls_of(certified),
        "authenticator": login(**WHO),
        "auth_required": True,
    }
    with mail_server(**settings) as server:
        transport = server.transport(certified, host="localhost", **WHO)

        transport.send(a_mail())
        said = transport.examine()

        transport.close()
        assert len(server.received) == 1
        assert said == f"localhost:{server.port} takes mail from {SENDER}"


def test_a_wrong_password_is_no_fault_of_the_letter(certified: Path):
    settings = {
        "tls_context": tls_of(certified),
        "authenticator": login(**WHO),
        "auth_required": True,
    }
    wrong = {**WHO, "password": "sbagliato"}
    with mail_server(**settings) as server:
        transport = server.transport(certified, host="localhost", **wrong)

        with pytest.raises(TemporaryError, match="does not let us in") as told:
            transport.send(a_mail())

    assert "sbagliato" not in told.value.message


def test_a_certificate_of_somebody_else_is_not_believed(
    certified: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server(tls_context=tls_of(certified)) as server:
        transport = server.transport(certified, host="localhost", **WHO)

        with pytest.raises(TemporaryError, match="is not secure"):
            transport.send(a_mail())

        assert server.received == []


ELSEWHERE = "127.1"
"""The loopback, written so that nobody takes it for this machine."""


def test_no_letter_goes_over_a_net_in_the_clear_unless_somebody_says_so(
    server: MailServer, tmp_path: Path
):
    unsaid = server.transport(tmp_path, host=ELSEWHERE)
    said = server.transport(tmp_path, host=ELSEWHERE, may_be_plain=True)
    with_password = server.transport(tmp_path, host=ELSEWHERE, may_be_plain=True, **WHO)

    for refusing in (unsaid.examine, lambda: unsaid.send(a_mail())):
        with pytest.raises(TemporaryError, match=r"offers no TLS.*smtps://") as told:
            refusing()
        assert told.value.code == "mail.plain"
    with pytest.raises(TemporaryError, match="without a password"):
        with_password.send(a_mail())
    before = list(server.received)
    said.send(a_mail())

    said.close()
    assert (before, len(server.received)) == ([], 1)


def test_tls_is_begun_where_it_is_offered_though_it_need_not_be(certified: Path):
    with mail_server(tls_context=tls_of(certified)) as server:
        transport = server.transport(certified, host=ELSEWHERE, may_be_plain=True)

        with pytest.raises(TemporaryError, match="is not secure"):
            transport.send(a_mail())

        assert server.received == []


@pytest.mark.parametrize(
    ("address", "host", "port", "is_tls", "may_be_plain"),
    [
        ("smtp://mail.example.it", "mail.example.it", 25, False, False),
        ("smtp+plain://10.0.0.7", "10.0.0.7", 25, False, True),
        ("smtp+plain://mail.example.it:2525", "mail.example.it", 2525, False, True),
        ("smtps://u%40v:p@mail.example.it", "mail.example.it", 465, True, False),
    ],
)
def test_a_server_is_what_its_address_says(address, host, port, is_tls, may_be_plain):
    server = Server.at(address)

    assert (server.host, server.port) == (host, port)
    assert (server.is_tls, server.may_be_plain) == (is_tls, may_be_plain)
    assert (server.user, server.password) in {(None, None), ("u@v", "p")}


# Files


def test_a_letter_becomes_a_file_that_a_person_finds(tmp_path: Path):
    files, mail = Files(tmp_path / "home"), a_mail()
    before = files.was_sent(mail)

    files.send(mail)
    files.send(mail)

    (written,) = (tmp_path / "home" / "letters").rglob("*.*")
    assert (before, files.was_sent(mail)) == (False, True)
    assert written.parent.name == mail.folder
    assert written.name == f"2026-0000001-grant-{mail.id}.eml"
    assert b"Message-ID: <01a2043d-8030-74ab-9455-b3058e3710ae@" in written.read_bytes()
    assert modes(tmp_path / "home") == {(True, 0o700), (False, 0o600)}
