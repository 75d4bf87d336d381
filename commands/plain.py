"""What of a text may a terminal be shown, and how wide?"""

import sys
from typing import TextIO

import click

_LAYOUT = "\n\t"
"""By these a sentence of ours has its lines."""


_HANGING = "  "
"""By this much an indented line goes on further to the right."""


def say(text: str = "", *, err: bool = False) -> None:
    """Print text for people: no line is wider than what they look at.

    For whoever reads it by a program a line stays a line.
    """
    width = columns(sys.stderr if err else sys.stdout)
    click.echo(text if width is None else fitted(text, width), err=err)


def columns(stream: TextIO) -> int | None:
    """Return how wide the terminal is that somebody looks at; a pipe has no width."""
    if not stream.isatty():
        return None
    # Only who looks at it waits for this to be loaded.
    import shutil  # noqa: PLC0415 - see above

    return shutil.get_terminal_size().columns


def fitted(text: str, width: int, *, hanging: str | None = None) -> str:
    """Break lines between words, as far as there are words.

    What is left of a line stands under its beginning, or where *hanging* says.
    """
    if all(len(line) <= width for line in text.split("\n")):
        return text
    import textwrap  # noqa: PLC0415 - as above

    broken = []
    for line in text.split("\n"):
        start = line[: len(line) - len(line.lstrip())]
        broken += textwrap.wrap(
            line.lstrip(),
            width,
            initial_indent=start,
            subsequent_indent=start + _HANGING * bool(start)
            if hanging is None
            else hanging,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(broken)


def legible(text: str) -> str:
    """Return a text of one or more lines that cannot command the terminal.

    Whoever typed it may have copied it from somewhere else.
    """
    return "".join(sign if _is_seen(sign) else " " for sign in text)


def escaped(document: str) -> str:
    """Return a JSON document that says the same, and cannot command the terminal.

    What is no printable sign stands only inside of its texts, where it may be
    written by its number.
    """
    if document.isprintable():
        return document
    return "".join(sign if _is_seen(sign) else _numbered(sign) for sign in document)


def _is_seen(sign: str) -> bool:
    return sign in _LAYOUT or sign.isprintable()


def _numbered(sign: str) -> str:
    pair = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pair[at : at + 4]}" for at in range(0, len(pair), 4))
