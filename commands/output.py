"""How is a result shown: to people, in a pipe, to scripts?"""

import sys
from collections.abc import Callable, Iterable, Sequence
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
_MILLISECOND = 1_000


@dataclass
class Table:
    """Rows under headings: ruled in a terminal, aligned plain text in a pipe.

    Headings of figures end with `>`, to stand on the right; the one that may be
    cut short in a narrow terminal ends with `~`.
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
        if sys.stdout.isatty():
            _print_ruled(self)
        else:
            click.echo("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return it as aligned plain text."""
        names = [heading.rstrip(">~") for heading in self.headings]
        whole = [row for row in self.rows if len(row) == len(names)]
        widths = [
            max(len(cell) for cell in column)
            for column in zip(names, *whole, strict=True)
        ]
        return [
            (self.indent + self._line(row, widths)).rstrip()
            for row in (names, *self.rows)
        ]

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        if len(row) != len(widths):
            return f"--- {row[0]} ---"
        return _GAP.join(
            cell.rjust(width) if heading.endswith(">") else cell.ljust(width)
            for cell, width, heading in zip(row, widths, self.headings, strict=True)
        )


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


def civil(instant: datetime | str | None, *, exact: bool = False) -> str:
    """Write an instant in the civil time of Rome; `exact`, with its fractions."""
    if instant is None:
        return _NOTHING
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    local = instant.astimezone(ROME)
    text = f"{local:%d/%m/%Y %H:%M:%S}"
    if not exact:
        return text
    whole, rest = divmod(local.microsecond, _MILLISECOND)
    return f"{text}.{whole:03d}{rest:03d}" if rest else f"{text}.{whole:03d}"


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


def _print_ruled(table: Table) -> None:
    # Here and not above: in a pipe, and with --json, nobody pays for it.
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as Ruled  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    ruled = Ruled(box=SIMPLE_HEAD, pad_edge=False)
    for heading in table.headings:
        ruled.add_column(
            heading.rstrip(">~"),
            justify="right" if heading.endswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if heading.endswith("~") else _width(table, heading),
        )
    for row in table.rows:
        if len(row) == len(table.headings):
            ruled.add_row(*(Text(cell) for cell in row))
        else:
            ruled.add_section()
            ruled.add_row(*_across(table, row[0]))
    Console(highlight=False).print(ruled)


def _across(table: Table, text: str) -> list[str]:
    """Put a text in the widest place: cells cannot be joined."""
    return [text if heading.endswith("~") else "" for heading in table.headings]


def _width(table: Table, heading: str) -> int:
    place = list(table.headings).index(heading)
    cells = [row[place] for row in table.rows if len(row) == len(table.headings)]
    return max(len(heading.rstrip(">~")), *map(len, cells)) if cells else len(heading)
