"""How does what the register holds become pages that people read?"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_PARTS = 2_000
"""Of a page, that are written at once."""

_FOLDER = Path(__file__).parent / "exports"


def verifier() -> bytes:
    """Return the program that verifies an export without this one."""
    return (_FOLDER / "verify.py").read_bytes()


def read_me(facts: Mapping[str, object]) -> str:
    """Return the plain words that go with an export."""
    return _environment().get_template("README.txt.j2").render(facts)


def index(facts: Mapping[str, object]) -> Iterator[str]:
    """Write a page that stands by itself: nothing is fetched, nothing is sent.

    Its policy lets run only the one script that is in it, by its hash: whatever
    else a text of the register might try to be, it stays a text.
    """
    style, script = _text("index.css"), _text("index.js")
    template = _environment().get_template("index.html.j2")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    parts = template.stream(facts, style=style, script=script, policy=policy)
    parts.enable_buffering(_PARTS)
    yield from parts


def report(facts: Mapping[str, object]) -> str:
    """Write the page of a report: it stands by itself too, and no script is in it."""
    style = _text("report.css")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    template = _environment().get_template("report.html.j2")
    return template.render(facts, style=style, policy=policy)


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _environment() -> "Environment":
    # Here and not above: most commands write no page.
    from jinja2 import (  # noqa: PLC0415
        Environment,
        FileSystemLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
