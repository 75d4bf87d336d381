"""How is a result shown: to people, in a pipe, to scripts?"""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import click
import orjson

from commands.lazy import wants_json
from workflow import register
from workflow.rules.amounts import format_money
from workflow.rules.calendar import ROME, italian_date

_GAP = "  "
_NOTHING = "-"
_BENEATH = "      "
_MARKS = ">~+"


_LEAST = 12
"""Signs that a text must keep for its beginning to say something."""


@dataclass
class Table:
    """Rows under headings, aligned: whole in a pipe, fitted in a terminal.

    Headings of figures end with `>`, to stand on the right. In a narrow terminal
    those that end with `~` are cut short with an ellipsis, and those that end
    with `+` go to lines of their own, whole; nothing else gives way.
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
            click.echo(f"\n{self.title}" if self.indent else self.title)
        if not sys.stdout.isatty():
            click.echo("\n".join(self.lines()))
            return
        head, *rest = self.lines(shutil.get_terminal_size().columns)
        click.echo("\n".join([click.style(head, bold=True, underline=True), *rest]))

    def lines(self, columns: int | None = None) -> list[str]:
        """Return it as aligned plain text, fitted to a number of columns if said."""
        names = [heading.rstrip(_MARKS) for heading in self.headings]
        whole = [row for row in self.rows if len(row) == len(names)]
        widths = [
            max(len(cell) for cell in column)
            for column in zip(names, *whole, strict=True)
        ]
        room = None if columns is None else columns - len(self.indent)
        kept = self._fit(widths, room)
        return [
            line
            for row in (names, *self.rows)
            for line in self._lines(row, widths, kept, heads=row is names)
        ]

    def _fit(self, widths: list[int], room: int | None) -> list[int]:
        """Narrow the columns to the room there is; return those that stay in line."""
        kept = list(range(len(widths)))
        if room is None:
            return kept
        while (over := _across(widths, kept) - room) > 0:
            short = [at for at in kept if self._may(at, "~") and widths[at] > _LEAST]
            spare = sum(widths[at] - _LEAST for at in short)
            if over <= spare:
                for at in short:
                    cut = min(over, widths[at] - _LEAST)
                    widths[at] -= cut
                    over -= cut
                return kept
            moved = [at for at in kept if self._may(at, "+")]
            if not moved:
                for at in short:
                    widths[at] = _LEAST
                return kept
            kept.remove(moved[-1])
        return kept

    def _may(self, at: int, mark: str) -> bool:
        return self.headings[at].endswith(mark)

    def _lines(
        self, row: Sequence[str], widths: list[int], kept: list[int], *, heads: bool
    ) -> Iterator[str]:
        if len(row) != len(widths):
            yield f"{self.indent}--- {row[0]} ---"
            return
        cells = [self._cell(row[at], widths[at], at) for at in kept]
        yield (self.indent + _GAP.join(cells)).rstrip()
        for at, cell in enumerate(row):
            if at not in kept and cell != _NOTHING and not heads:
                yield f"{self.indent}{_BENEATH}{self.headings[at][:-1]}: {cell}"

    def _cell(self, text: str, width: int, at: int) -> str:
        if len(text) > width:
            text = f"{text[: width - 1]}…"
        return text.rjust(width) if self._may(at, ">") else text.ljust(width)


def _across(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[at] for at in kept) + len(_GAP) * (len(kept) - 1)


def emit(document: object, text: Callable[[], None]) -> None:
    """Answer with a JSON document, or with text for people."""
    if wants_json():
        emit_json(document)
    else:
        text()


def emit_json(document: object) -> None:
    """Print one JSON document on one line."""
    click.echo(orjson.dumps(document, default=_as_json).decode())


def print_pairs(pairs: Iterable[tuple[str, object]], indent: str = "") -> None:
    """Print names and values, one on each line; what is absent is left out."""
    kept = [(name, _shown(value)) for name, value in pairs if value not in {None, ""}]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        click.echo(f"{indent}{name.ljust(width)}{_GAP}{value}")


def clean(text: str) -> str:
    """Return a text that cannot command the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


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
