"""How is a result shown: to people, in a pipe, to scripts?"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import click
import orjson

from commands.lazy import wants_json
from commands.plain import columns, escaped, fitted, legible, say
from workflow import register
from workflow.rules.amounts import format_money
from workflow.rules.calendar import ROME, italian_date

_GAP = "  "
_NOTHING = "-"
_MARKS = ">+"


@dataclass
class Table:
    """Rows under headings: aligned text in a pipe, fitted in a terminal.

    Headings of figures end with `>`, to stand on the right. In a narrow terminal
    the columns whose headings end with `+` (or `+>`) are wrapped, between words as
    long as these fit; the others stay whole, so that a number or a protocol is never
    read in part.
    """

    headings: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    title: str = ""
    indent: str = ""

    def add(self, *cells: object) -> None:
        """Add a row; what is absent is a dash."""
        self.rows.append([_shown(cell) for cell in cells])

    def rule(self, text: str) -> None:
        """Add a line across the table."""
        self.rows.append([text])

    def print(self) -> None:
        """Print it; a table without rows is not there."""
        if not self.rows:
            return
        if self.title:
            say(f"\n{self.title}" if self.indent else self.title)
        width = columns(sys.stdout)
        if width is None:
            click.echo("\n".join(self.lines()))
        else:
            self._print_fitted(width)

    def lines(self) -> list[str]:
        """Return it as aligned plain text, as wide as it needs."""
        names = [heading.rstrip(_MARKS) for heading in self.headings]
        whole = [row for row in self.rows if len(row) == len(names)]
        widths = [
            max(len(cell) for cell in column)
            for column in zip(names, *whole, strict=True)
        ]
        return [self._line(row, widths) for row in (names, *self.rows)]

    def _line(self, row: Sequence[str], widths: list[int]) -> str:
        if len(row) != len(widths):
            return f"{self.indent}--- {row[0]} ---"
        cells = [
            cell.rjust(width) if heading.endswith(">") else cell.ljust(width)
            for cell, width, heading in zip(row, widths, self.headings, strict=True)
        ]
        return (self.indent + _GAP.join(cells)).rstrip()

    def _print_fitted(self, columns: int) -> None:
        # Only a terminal pays for loading rich.
        from rich.cells import cell_len  # noqa: PLC0415 - see above
        from rich.console import Console  # noqa: PLC0415 - see above
        from rich.padding import Padding  # noqa: PLC0415 - see above
        from rich.table import Table as Fitted  # noqa: PLC0415 - see above
        from rich.text import Text  # noqa: PLC0415 - see above

        fitted = Fitted(
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            header_style="bold underline",
        )
        widths = self._widths(columns, cell_len)
        for heading, width in zip(self.headings, widths, strict=True):
            fitted.add_column(
                heading.rstrip(_MARKS),
                justify="right" if heading.endswith(">") else "left",
                no_wrap="+" not in _marks(heading),
                overflow="fold",
                width=width,
            )
        for row in self.rows:
            if len(row) == len(self.headings):
                fitted.add_row(*(Text(cell) for cell in row))
            else:
                blanks = [Text("---")] * (len(self.headings) - 1)
                fitted.add_row(*blanks, Text(row[0]))
        console = Console(width=columns, highlight=False, soft_wrap=False)
        console.print(Padding(fitted, (0, 0, 0, len(self.indent))))

    def _widths(self, columns: int, length: Callable[[str], int]) -> list[int | None]:
        """Return how wide each column that is wrapped may be; no words are broken.

        Nothing is said where all of it fits, or where not even the words do.
        """
        whole = [row for row in self.rows if len(row) == len(self.headings)]
        cells = [
            (heading.rstrip(_MARKS), *(row[at] for row in whole))
            for at, heading in enumerate(self.headings)
        ]
        wanted = [max(map(length, column)) for column in cells]
        least = [
            max(length(word) for cell in column for word in cell.split() or [""])
            if "+" in _marks(heading)
            else width
            for heading, column, width in zip(self.headings, cells, wanted, strict=True)
        ]
        gaps = len(_GAP) * (len(cells) - 1) + len(self.indent)
        spare, lacks = columns - gaps - sum(least), sum(wanted) - sum(least)
        if spare < 0 or spare >= lacks:
            return [None] * len(cells)
        return [
            low + spare * (high - low) // lacks
            for low, high in zip(least, wanted, strict=True)
        ]


def _marks(heading: str) -> str:
    """Return what a heading says of its column beside its name."""
    return heading[len(heading.rstrip(_MARKS)) :]


def emit(document: object, text: Callable[[], None]) -> None:
    """Answer with a JSON document, or with text for people."""
    if wants_json():
        emit_json(document)
    else:
        text()


def emit_json(document: object) -> None:
    """Print one JSON document on one line."""
    try:
        written = orjson.dumps(document, default=_as_json).decode()
    except orjson.JSONEncodeError:  # the name of a file that is not UTF-8
        written = json.dumps(document, default=_as_json)
    click.echo(escaped(written) if sys.stdout.isatty() else written)


def print_pairs(
    pairs: Iterable[tuple[str, object]], indent: str = "", *, err: bool = False
) -> None:
    """Print names and values, one on each line; what is absent is left out."""
    kept = [(name, _shown(value)) for name, value in pairs if value not in {None, ""}]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        print_wrapped(f"{indent}{name.ljust(width)}{_GAP}", value, err=err)


def clean(text: str) -> str:
    """Return a text that cannot command the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def print_wrapped(head: str, text: str, *, hanging: int = 0, err: bool = False) -> None:
    """Print a paragraph under its head; no line is wider than `say` lets it be.

    Its further lines begin where the first does, or *hanging* further to the right.
    For whoever reads the output by a program it stays one line.
    """
    line = legible(head + text)
    width = columns(sys.stderr if err else sys.stdout)
    if width is not None:
        line = fitted(line, width, hanging=" " * (len(head) + hanging))
    click.echo(line, err=err)


def civil(instant: datetime | str | None, *, digits: int = 0) -> str:
    """Write an instant in the civil time of Rome, with digits of its fraction.

    The rest is cut off, not rounded: 15:59:59.9999 is still in time.
    """
    if instant is None:
        return _NOTHING
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    local = instant.astimezone(ROME)
    fraction = f".{local.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{local:%d/%m/%Y %H:%M:%S}{fraction}"


def day(value: str | None) -> str:
    """Write a civil day as acts do."""
    return italian_date(date.fromisoformat(value)) if value else _NOTHING


def euros(cents: int) -> str:
    """Write an amount for people as they have to write it, to be copied."""
    return format_money(cents)


def instant(value: datetime | None) -> str | None:
    """Write an instant as scripts read it."""
    return register.written(value) if value else None


def _shown(value: object) -> str:
    return _NOTHING if value is None or value == "" else clean(str(value))


def _as_json(value: Any) -> object:  # noqa: ANN401 - whatever orjson does not know
    return str(value)
