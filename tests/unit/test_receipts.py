"""Does a receipt of certified mail say what its provider certified, and no more?"""

from datetime import datetime, timedelta

import pytest

from models.vocabulary import ReceiptKind
from tests.builders import rome
from tests.pec import FULL, NOBODY, NOTICE, Pec, without
from workflow.rules import receipts
from workflow.rules.certified_data import UnreadableError
from workflow.rules.receipts import NoReceiptError

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE postacert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<postacert tipo="avvenuta-consegna" errore="nessuno"><dati>&c;</dati></postacert>"""
OUTSIDE = b"""<?xml version="1.0"?>
<!DOCTYPE postacert [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<postacert tipo="avvenuta-consegna" errore="nessuno"><dati>&a;</dati></postacert>"""


@pytest.mark.parametrize(
    ("kind", "error", "reason", "expected"),
    [
        ("accettazione", "nessuno", None, ReceiptKind.ACCEPTED),
        ("non-accettazione", "altro", "address", ReceiptKind.NOT_ACCEPTED),
        ("avvenuta-consegna", "nessuno", None, ReceiptKind.DELIVERED),
        ("preavviso-errore-consegna", "altro", "12 h", ReceiptKind.DELAYED),
        ("errore-consegna", "no-dest", NOBODY, ReceiptKind.UNDELIVERED),
        ("errore-consegna", "altro", FULL, ReceiptKind.FULL_BOX),
        ("errore-consegna", "altro", "casella  piena", ReceiptKind.FULL_BOX),
        ("errore-consegna", "altro", "Mailbox is full", ReceiptKind.FULL_BOX),
        ("errore-consegna", "altro", "552 over quota", ReceiptKind.FULL_BOX),
        ("errore-consegna", "altro", "at quotes@x.it", ReceiptKind.UNDELIVERED),
        ("errore-consegna", "no-dest", "quota", ReceiptKind.UNDELIVERED),
        ("errore-consegna", "virus", None, ReceiptKind.UNDELIVERED),
        ("rilevazione-virus", "virus", "quota", ReceiptKind.UNDELIVERED),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_each_kind_of_receipt_is_known(kind, error, reason, expected, signed):
    pec = Pec(kind, error=error, reason=reason, signed=signed)

    read = receipts.read(pec.mail())

    assert read.kind is expected
    assert read.notice == NOTICE
    assert read.identifier == pec.identifier


AN_HOUR = timedelta(hours=1)
TWICE = rome(2026, 10, 25, 2, 30)
"""An hour that Rome has twice: the first of them."""


@pytest.mark.parametrize(
    ("civil", "zone", "expected"),
    [
        ("2026-07-01T10:00:00Z", None, rome(2026, 7, 1, 10)),
        ("2026-01-20T00:30:00Z", "+0000", rome(2026, 1, 20, 1, 30)),
        ("2026-10-25T02:30:00Z", "+0200", TWICE),
        ("2026-10-25T02:30:00Z", "+0100", TWICE + AN_HOUR),
        ("2026-10-25T02:30:00Z", None, TWICE + AN_HOUR),
    ],
)
def test_the_instant_is_that_of_its_zone_or_of_rome(civil, zone, expected):
    pec = Pec(at=datetime.fromisoformat(civil), zone=zone)

    read = receipts.read(pec.mail())

    assert read.at == expected
    assert read.at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("error", "words", "expected"),
    [
        ("no-dest", NOBODY, "no-dest 5.1.1 (there is no such mailbox)"),
        ("altro", FULL, "altro 5.2.2 (the mailbox is full)"),
        (
            "altro",
            "casella di Mario Rossi piena",
            "altro (the receipt itself says more)",
        ),
        ("altro", "non consegnato nelle 24 ore", "altro (it was not delivered in 24 h"),
        ("Mario Rossi", "", "altro (the receipt itself says more)"),
    ],
)
def test_why_it_failed_is_told_and_nobody_is_named(error, words, expected):
    named = f"{words}, Mario Rossi <mario.rossi@pec.example.it>\n{NOTICE}"
    pec = Pec("errore-consegna", error=error, reason=named)

    read = receipts.read(pec.mail())

    assert read.reason is not None
    assert read.reason.startswith(expected)
    assert "Rossi" not in read.reason
    assert receipts.read(Pec(reason="x").mail()).reason is None
    assert receipts.read(Pec("accettazione", reason="x").mail()).reason is None


@pytest.mark.parametrize(
    "kind", ["avvenuta-consegna", "errore-consegna", "preavviso-errore-consegna"]
)
@pytest.mark.parametrize("reason", [FULL, NOBODY])
def test_what_is_written_for_each_recipient_has_to_name_its_own(kind, reason):
    error = "nessuno" if kind == "avvenuta-consegna" else "altro"
    pec = Pec(kind, error=error, reason=reason)
    doubled = pec.xml().replace("</consegna>", "</consegna><consegna>b@c.it</consegna>")

    for nobody in (None, "", "  "):
        with pytest.raises(UnreadableError, match="does not say of which address"):
            receipts.read(pec.but(to=nobody).mail())
    with pytest.raises(UnreadableError, match="`consegna` more than once"):
        receipts.read(pec.but(certified=doubled.encode()).mail())
    assert receipts.read(pec.mail()).recipient == pec.to


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("accettazione", "nessuno"),
        ("non-accettazione", "altro"),
        ("rilevazione-virus", "virus"),
    ],
)
def test_what_is_about_a_whole_letter_names_no_recipient(kind, error):
    assert receipts.read(Pec(kind, error=error, to=None).mail()).recipient is None


def test_without_certified_data_only_an_acceptance_is_believed():
    bare = Pec("accettazione", certified=None, identifier="a1@pec.example.it")

    read = receipts.read(bare.mail())

    assert (read.kind, read.notice) == (ReceiptKind.ACCEPTED, NOTICE)
    assert (read.identifier, read.at) == (
        "a1@pec.example.it",
        rome(2026, 1, 20, 10, 0, 30),
    )
    for kind in ("avvenuta-consegna", "errore-consegna"):
        with pytest.raises(UnreadableError, match=r"without daticert\.xml"):
            receipts.read(bare.but(kind=kind).mail())
    for header in ("Message-ID", "X-Riferimento-Message-ID", "Date"):
        with pytest.raises(UnreadableError, match="headers do not say"):
            receipts.read(without(bare.mail(), header))


def test_the_certified_data_are_enough_and_no_header_may_contradict_them():
    mail = Pec().mail()

    bare = without(without(mail, "X-Ricevuta"), "X-Riferimento-Message-ID")

    assert receipts.read(bare) == receipts.read(mail)
    for name, value, why in (
        ("X-Ricevuta", "accettazione", "two kinds"),
        ("X-Riferimento-Message-ID", "<other@pec.example.it>", "two letters"),
    ):
        with pytest.raises(UnreadableError, match=why):
            receipts.read(Pec(headers=((name, value),)).mail())
    with pytest.raises(UnreadableError, match="twice"):
        receipts.read(b"X-Ricevuta: accettazione\r\n" + mail)


@pytest.mark.parametrize("transport", ["posta-certificata", "errore"])
def test_a_letter_from_outside_proves_nothing_whatever_it_encloses(transport):
    """Who could write us a letter could else prove that we had delivered ours."""
    forged = Pec().mail()
    wrapped = Pec(
        transport, headers=(("X-Trasporto", transport), ("X-Ricevuta", "")),
        encloses=forged,
    )  # fmt: skip
    enclosed = Pec(certified=None, encloses=forged, headers=(("X-Ricevuta", ""),))

    for mail in (wrapped.mail(), enclosed.mail(), b"Subject: Ciao\r\n\r\nciao\r\n"):
        with pytest.raises(NoReceiptError):
            receipts.read(mail)


@pytest.mark.parametrize("kind", ["presa-in-carico", "posta-certificata", "altro", ""])
def test_what_says_nothing_of_a_letter_of_ours_is_told_apart(kind):
    with pytest.raises(NoReceiptError, match="says nothing"):
        receipts.read(Pec(kind).mail())


@pytest.mark.parametrize(
    ("certified", "why"),
    [
        (BOMB, "declares an entity, as no provider does"),
        (OUTSIDE, "declares an entity, as no provider does"),
        (b"no xml", "no well-formed XML: .* from its line 1, character 1, on"),
        (b"<other/>", "postacert"),
        ("<postacert/>".encode("utf-16")[:-3], "no well-formed XML"),
        (b'<?xml version="1.0" encoding="x-none"?><postacert/>', "an encoding that"),
        (b"<postacert>" + b"<a>" * 60_000, "more than 200000 bytes|no well-formed"),
        (b"<a>" * 100_000, "more than 200000 bytes"),
        (Pec().xml().replace("10:00:30", "25:00:30").encode(), "no instant"),
        (Pec().xml().replace("20/01/2026", "31/02/2026").encode(), "no instant"),
        (Pec().xml().replace("20/01/2026", "20/01/0001").encode(), "no year"),
        (Pec().xml().replace("giorno", "day").encode(), "`data/giorno`"),
        (Pec().xml().replace("msgid", "message").encode(), "`msgid`"),
        (Pec().xml().replace("identificativo", "id").encode(), "`identificativo`"),
        (Pec(identifier="x" * 121).xml().encode(), "more than 120"),
        (Pec(error="altro").xml().encode(), "and an error with it"),
    ],
)
def test_certified_data_that_cannot_be_believed_are_refused_in_words(certified, why):
    with pytest.raises(UnreadableError, match=why):
        receipts.read(Pec(certified=certified).mail())


def test_a_document_type_that_lies_elsewhere_is_not_fetched_and_no_fault():
    pec = Pec()
    declared = b'<!DOCTYPE postacert SYSTEM "http://192.0.2.1/postacert.dtd">'
    certified = declared + pec.xml().partition("?>")[2].encode()

    assert receipts.read(Pec(certified=certified).mail()) == receipts.read(pec.mail())


_HEADER, _PART = b"Content-Type: ", b"Content-Type: multipart/mixed; boundary=a\n\n"


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(_HEADER + b'a/b;a=";"' * 100_000, id="a header without end"),
        pytest.param(b"X: y\n" * 100_000, id="headers without number"),
        pytest.param(_PART + b"--a\n\n" * 100_000, id="parts without number"),
        pytest.param((_HEADER + b"message/rfc822\n\n") * 50_000, id="mail in mail"),
        pytest.param(
            _HEADER + b"message/delivery-status\n\n" + b"a: b\n\n" * 60_000,
            id="blocks of headers",
        ),
        pytest.param(b"\n" * 1_000_000, id="lines without number"),
    ],
)
def test_a_mail_that_would_take_minutes_to_read_is_not_read(mail):
    with pytest.raises(UnreadableError, match=r"more (parts|lines|headers)"):
        receipts.read(mail)


def test_a_receipt_has_one_set_of_certified_data_and_a_size():
    one = Pec().mail()
    part = one[one.index(b"----mixed-mark\r\nContent-Type: application/xml") :]
    part = part[: part.index(b"----mixed-mark", 5)]

    twice = one.replace(part, part + part)

    with pytest.raises(UnreadableError, match="more than one"):
        receipts.read(twice)
    with pytest.raises(UnreadableError, match="more than 5000000 bytes"):
        receipts.read(one + b"x" * receipts.LARGEST)
    with pytest.raises(UnreadableError, match="more parts"):
        receipts.read(one + b"boundary" * 60)


@pytest.mark.parametrize(
    ("message_id", "ours"),
    [
        (f"<{NOTICE}@pec.ente.example.it>", True),
        (f" < {NOTICE} >".replace(" ", ""), True),
        (f"<{str(NOTICE).upper()}@x>", True),
        (f"<{NOTICE.hex}@x>", False),
        (f"<urn:uuid:{NOTICE}@x>", False),
        ("<a letter of somebody else@x>", False),
    ],
)
def test_a_letter_is_ours_if_it_is_named_after_a_notice(message_id, ours):
    read = receipts.read(Pec(notice=message_id).mail())

    assert (read.notice == NOTICE) is ours
