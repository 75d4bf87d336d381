"""Does nothing that lies in a mailbox break the reading of receipts?"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from tests.pec import FULL, Pec
from workflow.rules import certified_data, receipts
from workflow.rules.certified_data import UnreadableError
from workflow.rules.receipts import NoReceiptError

MAILS = (
    Pec().mail(),
    Pec(signed=False).mail(),
    Pec("accettazione", certified=None, signed=False).mail(),
    Pec("errore-consegna", error="altro", reason=FULL, encloses=b"a: b\n\nc").mail(),
    Pec(certified=Pec().xml().encode("utf-16")).mail(),
    Pec(at=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-11)))).mail(),
)


def _read_or_refused(content: bytes) -> None:
    with suppress(UnreadableError, NoReceiptError):
        read = receipts.read(content)
        assert read.at.tzinfo is UTC
        assert read.identifier.isprintable()


@given(st.binary(max_size=400))
@example(b"Content-Type: multipart/mixed; boundary=\xff\n\n--\xff\n")
@example(
    b"Content-Type: text/xml; name*0*=a; name*=b; name*" + b"9" * 5_000 + b"=c\n\n"
)
def test_no_bytes_break_the_reading(content):
    _read_or_refused(content)
    _read_or_refused(b"X-Ricevuta: accettazione\nContent-Type: text/xml\n\n" + content)


@given(data=st.data())
def test_no_damage_breaks_the_reading(data):
    mail = bytearray(data.draw(st.sampled_from(MAILS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mail) - 1))
        length = data.draw(st.integers(0, 40))
        mail[at : at + length] = data.draw(st.binary(max_size=20))
    _read_or_refused(bytes(mail))


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_words_break_the_reading_of_certified_data(day, hour, zone):
    xml = Pec().xml().replace("20/01/2026", "DAY").replace("10:00:30", "HOUR")
    xml = xml.replace("+0100", "ZONE")
    for name, words in (("DAY", day), ("HOUR", hour), ("ZONE", zone)):
        xml = xml.replace(name, words)
    with suppress(UnreadableError):
        certified_data.read(xml.encode(errors="replace"))
