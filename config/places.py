"""On which line of a TOML file does a key stand?"""

import re
import tomllib

Loc = tuple[str | int, ...]
"""The way to a value: keys by name, items of a list by position from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACES = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")


def line_of(places: dict[Loc, int], loc: Loc) -> int | None:
    """Return the line of *loc*, or of the nearest part around it that has one.

    A key that is missing is shown at the header of its table.
    """
    for length in range(len(loc), 0, -1):
        if line := places.get(loc[:length]):
            return line
    return None


def locate(text: str) -> dict[Loc, int]:
    """Find the line of every header, key and item of *text*.

    The text must already have been read as TOML without error: this only follows
    its layout, because the standard parser does not say where things stand.
    """
    return _Locator(text).run()


class _Locator:
    """Walks once through a valid TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._places: dict[Loc, int] = {}
        self._lengths: dict[Loc, int] = {}

    def run(self) -> dict[Loc, int]:
        table: Loc = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._places

    def _header(self) -> Loc:
        line = self._current_line()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        loc = self._resolved(self._key())
        self._at += 2 if many else 1
        if many:
            index = self._lengths.get(loc, 0)
            self._lengths[loc] = index + 1
            loc = (*loc, index)
        for length in range(1, len(loc)):
            self._places.setdefault(loc[:length], line)
        # A table may be opened from below first ([a.b] before [a]): its own
        # header is the better place, so it wins.
        self._places[loc] = line
        return loc

    def _resolved(self, keys: Loc) -> Loc:
        """Point a header into the last item of every list of tables it crosses."""
        loc: Loc = ()
        for key in keys[:-1]:
            loc = (*loc, key)
            if loc in self._lengths:
                loc = (*loc, self._lengths[loc] - 1)
        return (*loc, *keys[-1:])

    def _pair(self, table: Loc) -> None:
        line = self._current_line()
        keys = self._key()
        for length in range(1, len(keys) + 1):
            self._places.setdefault(table + keys[:length], line)
        self._at += 1  # the equals sign
        self._skip(_SPACES)
        self._value(table + keys)

    def _key(self) -> Loc:
        """Read a key, dotted or not, up to what follows it."""
        keys: list[str] = []
        while True:
            self._skip(_SPACES)
            if self._text[self._at] in "\"'":
                quoted = self._skip(_STRING)
                keys.append(str(tomllib.loads(f"k = {quoted}")["k"]))
            else:
                keys.append(self._skip(_BARE_KEY))
            self._skip(_SPACES)
            if self._text[self._at] != ".":
                return tuple(keys)
            self._at += 1

    def _value(self, loc: Loc) -> None:
        start = self._text[self._at]
        if start == "[":
            self._array(loc)
        elif start == "{":
            self._inline_table(loc)
        elif start in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_BARE_VALUE)

    def _array(self, loc: Loc) -> None:
        index = 0
        self._at += 1
        while not self._closes("]"):
            self._places[(*loc, index)] = self._current_line()
            self._value((*loc, index))
            index += 1

    def _inline_table(self, loc: Loc) -> None:
        self._at += 1
        while not self._closes("}"):
            self._pair(loc)

    def _closes(self, bracket: str) -> bool:
        """Step over blanks and one comma, then over *bracket* if it is there."""
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)
        if self._text[self._at] != bracket:
            return False
        self._at += 1
        return True

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:  # not reached with valid TOML
            self._at += 1
            return ""
        self._at = match.end()
        return match[0]

    def _current_line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
