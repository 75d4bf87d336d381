"""Who stamps the time of anchors in the tests (RFC 3161)?"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers import LOOPBACK

_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM


@dataclass
class Signatory:
    """A root certificate, and the one of it that stamps."""

    root: x509.Certificate = field(init=False)
    certificate: x509.Certificate = field(init=False)
    key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self) -> None:
        above = ec.generate_private_key(ec.SECP256R1())
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate("Root", above, "Root", above, is_root=True)
        self.certificate = _certificate("Stamps", self.key, "Root", above)

    def sign(self, content: bytes) -> bytes:
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))


def _certificate(
    name: str, key: Any, issuer: str, above: Any, *, is_root: bool = False
) -> x509.Certificate:
    def named(word: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])

    building = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), True)
    )
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        building = building.add_extension(usage, critical=True)
    return building.sign(above, hashes.SHA256())


@dataclass
class TimeServer:
    """An authority that answers, unless it is told to answer something else."""

    port: int
    signatory: Signatory
    now: datetime
    asked: list[bytes] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """What it answers instead, first come first: bytes, or an HTTP status."""

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/tsa"

    def roots(self, folder: Path) -> Path:
        """Write the certificate that is to be trusted to a file."""
        file = folder / "roots.pem"
        file.write_bytes(self.signatory.root.public_bytes(_PEM))
        return file

    def stamp(self, request: bytes) -> bytes:
        """Stamp what is asked for (RFC 3161, 2.4.2)."""
        asked = tsp.TimeStampReq.load(request)
        told = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": asked["message_imprint"],
                "serial_number": len(self.asked),
                "gen_time": self.now,
                "nonce": asked["nonce"].native,
            }
        )
        answer: bytes = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": self._token(told.dump()),
            }
        ).dump()
        return answer

    def _token(self, told: bytes) -> cms.ContentInfo:
        mine = asn1.Certificate.load(self.signatory.certificate.public_bytes(_DER))
        names = tsp.SigningCertificateV2(
            {"certs": [{"cert_hash": hashlib.sha256(mine.dump()).digest()}]}
        )
        signed = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(told).digest()]},
                {"type": "signing_certificate_v2", "values": [names]},
            ]
        )
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        signer = {
            "version": "v1",
            "sid": {
                "issuer_and_serial_number": {
                    "issuer": mine.issuer,
                    "serial_number": mine.serial_number,
                }
            },
            "digest_algorithm": sha256,
            "signed_attrs": signed,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": self.signatory.sign(signed.dump()),
        }
        content = {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(told),
            },
            "certificates": [mine],
            "signer_infos": [signer],
        }
        return cms.ContentInfo(
            {"content_type": "signed_data", "content": cms.SignedData(content)}
        )


@contextmanager
def time_server(*, now: datetime) -> Iterator[TimeServer]:
    """Run an authority on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            running.asked.append(request)
            answer = running.answers.pop(0) if running.answers else None
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()
            if not isinstance(answer, int):
                self.wfile.write(answer or running.stamp(request))

        def log_message(self, *_: object) -> None:
            """Keep the tests silent."""

    server = HTTPServer((LOOPBACK, 0), Handler)
    running = TimeServer(server.server_port, Signatory(), now)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
