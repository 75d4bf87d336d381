"""How is an authority that stamps time asked (RFC 3161, over HTTP)?"""

import base64
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.settings import Settings, SettingsError, masked
from workflow.anchors.stamps import Authority
from workflow.errors import UnavailableError

_WITHIN = 10.0
"""Seconds for each answer."""

_LARGEST = 100_000
"""Bytes of an answer: with all its certificates it has some thousands."""

_OK = 200


def build(settings: Settings) -> Authority | None:
    """Return the authority that the settings name; none if they name none.

    Raises:
        SettingsError: it is named, and nobody says whose signature is trusted.
    """
    if settings.tsa_url is None:
        return None
    if settings.tsa_roots is None:
        raise SettingsError(
            "SPORTELLO_TSA_ROOTS is missing: a time stamp proves something if its "
            "signature is trusted; write the path of the authority's root certificate "
            "(PEM), or unset SPORTELLO_TSA_URL"
        )
    address = settings.tsa_url
    return Authority(masked(address), Path(settings.tsa_roots), partial(_ask, address))


def _ask(address: str, request: bytes) -> bytes:
    """Send a request, and return the answer.

    Raises:
        UnavailableError: there is none.
    """
    parts = urlsplit(address)
    of = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = of(parts.hostname or "", parts.port, timeout=_WITHIN)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/timestamp-query"}
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        known = base64.b64encode(known.encode()).decode("ascii")
        headers["Authorization"] = f"Basic {known}"
    try:
        connection.request("POST", target, request, headers)
        with connection.getresponse() as answer:
            return _read(answer, address)
    except (OSError, HTTPException) as error:
        raise UnavailableError(
            "stamp.unreachable",
            f"{masked(address)} does not answer ({type(error).__name__}); check "
            "SPORTELLO_TSA_URL; it is asked again",
        ) from error
    finally:
        connection.close()


def _read(answer: HTTPResponse, address: str) -> bytes:
    content = answer.read(_LARGEST + 1)
    if answer.status != _OK or len(content) > _LARGEST:
        raise UnavailableError(
            "stamp.refused",
            f"{masked(address)} gives no stamp (HTTP {answer.status}); it is asked "
            "again",
        )
    return content
