"""How do tests get receipts of certified mail, as providers write them?"""

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
SENDER = "ufficio@pec.ente.example.it"
NOTICE = UUID("019bd000-0000-7000-8000-000000000001")

FULL = "5.2.2 - InfoCert S.p.A. - casella piena"
NOBODY = "5.1.1 - Aruba Pec S.p.A. - indirizzo non valido"


@dataclass(frozen=True)
class Pec:
    """One receipt; each part of it can be changed or left out."""

    kind: str = "avvenuta-consegna"
    notice: UUID | str = NOTICE
    at: datetime = datetime(2026, 1, 20, 10, 0, 30, tzinfo=ROME)
    zone: str | None = ""
    """None to leave it out; empty for that of the instant."""
    error: str = "nessuno"
    reason: str | None = None
    identifier: str = "opec2101.20260120100030.00001.1.1@pec.provider.example.it"
    to: str | None = "cluster1@pec.example.it"
    signed: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    """Written beside the usual ones, or in their place."""
    certified: bytes | None = b""
    """None to leave the certified data out; empty for those of this receipt."""
    encloses: bytes = b""
    """A letter inside: the providers enclose the one that it is about."""

    @property
    def message_id(self) -> str:
        if isinstance(self.notice, str):
            return self.notice
        return f"<{self.notice}@pec.ente.example.it>"

    def xml(self) -> str:
        zone = f"{self.at:%z}" if self.zone == "" else self.zone
        stated = "" if zone is None else f' zona="{zone}"'
        to = "" if self.to is None else f"<consegna>{escape(self.to)}</consegna>"
        reason = self.reason
        why = (
            "" if reason is None else f"<errore-esteso>{escape(reason)}</errore-esteso>"
        )
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<postacert tipo="{self.kind}" errore="{self.error}">
  <intestazione>
    <mittente>{SENDER}</mittente>
    <destinatari tipo="certificato">{escape(self.to or "x@x.it")}</destinatari>
    <risposte>{SENDER}</risposte>
    <oggetto>Comunicazione</oggetto>
  </intestazione>
  <dati>
    <gestore-emittente>Gestore di prova S.p.A.</gestore-emittente>
    <data{stated}>
      <giorno>{self.at:%d/%m/%Y}</giorno>
      <ora>{self.at:%H:%M:%S}</ora>
    </data>
    <identificativo>{escape(self.identifier)}</identificativo>
    <msgid>{escape(self.message_id)}</msgid>
    <ricevuta tipo="breve" />
    {to}{why}
  </dati>
</postacert>
"""

    def mail(self) -> bytes:
        """Return the mail as it comes: signed, with the certified data inside."""
        usual = {
            "From": "posta-certificata@pec.provider.example.it",
            "To": SENDER,
            "Subject": "CONSEGNA: Comunicazione",
            "Date": f"{self.at:%a, %d %b %Y %H:%M:%S %z}",
            "Message-ID": f"<{self.identifier.strip('<>')}>",
            "X-Ricevuta": self.kind,
            "X-Riferimento-Message-ID": self.message_id,
            "MIME-Version": "1.0",
        }
        lines = {**usual, **dict(self.headers)}.items()
        head = "".join(f"{name}: {value}\n" for name, value in lines if value)
        parts = [b"Content-Type: text/plain; charset=utf-8\n\nRicevuta di prova.\n"]
        if self.certified is not None:
            data = b64encode(self.certified or self.xml().encode())
            parts.append(
                b'Content-Type: application/xml; name="daticert.xml"\n'
                b"Content-Transfer-Encoding: base64\n"
                b'Content-Disposition: inline; filename="daticert.xml"\n\n' + data
            )
        if self.encloses:
            parts.append(
                b'Content-Type: message/rfc822; name="postacert.eml"\n\n'
                + self.encloses
            )
        body = _multipart("mixed", *parts)
        if self.signed:
            seal = b'Content-Type: application/x-pkcs7-signature; name="smime.p7s"\n\nx'
            body = _multipart("signed", body, seal)
        return (head.encode() + body).replace(b"\n", b"\r\n")

    def but(self, **changes: Any) -> "Pec":
        return replace(self, **changes)


def accepted(notice: UUID, **changes: Any) -> Pec:
    return Pec("accettazione", notice, to=None, **changes)


def delivered(notice: UUID, **changes: Any) -> Pec:
    return Pec("avvenuta-consegna", notice, **changes)


def failed(notice: UUID, reason: str = NOBODY, **changes: Any) -> Pec:
    error = "altro" if reason == FULL else "no-dest"
    return Pec("errore-consegna", notice, error=error, reason=reason, **changes)


def full(notice: UUID, **changes: Any) -> Pec:
    return failed(notice, FULL, **changes)


def _multipart(kind: str, *parts: bytes) -> bytes:
    mark = f"--{kind}-mark"
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n'
    inside = b"".join(f"--{mark}\n".encode() + part + b"\n" for part in parts)
    return head.encode() + inside + f"--{mark}--\n".encode()


def without(mail: bytes, header: str) -> bytes:
    """Return a mail without one of its headers."""
    return re.sub(rb"(?im)^" + header.encode() + rb":[^\n]*\n", b"", mail, count=1)
