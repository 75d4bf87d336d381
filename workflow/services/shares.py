"""Which files does each of several readers look after?

All of them read the whole chain, each says what it finds of its own files only.
"""

from dataclasses import dataclass

_DIGITS = "0123456789abcdef"
_PLACES = (12, 35)
"""Of an identifier: one digit of its instant, and one that is left to chance."""


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the files, of so many; what is about no file is everybody's."""

    number: int = 0
    of: int = 1

    @property
    def is_first(self) -> bool:
        """Tell whether it is the one that also looks at the call itself."""
        return self.number == 0

    def has(self, identity: str) -> bool:
        """Tell whether a file is in it, whatever stands in place of its identifier."""
        if self.of == 1:
            return True
        counted = sum(_DIGITS.find(identity[at : at + 1]) + 1 for at in _PLACES)
        return counted % self.of == self.number

    def sql(self, column: str, *, is_sqlite: bool) -> str:
        """Say the same in words of SQL; each row is in one share and in no other."""
        if self.of == 1:
            return "1 = 1"
        if is_sqlite:  # it keeps them without hyphens
            digits = (
                f"substr(CAST({column} AS TEXT), 12, 1)",
                (f"substr(CAST({column} AS TEXT), 32, 1)"),
            )
            counted = " + ".join(f"instr('{_DIGITS}', {digit})" for digit in digits)
        else:
            counted = " + ".join(
                f"(get_byte(uuid_send({column}), {byte}) & 15) + 1" for byte in (5, 15)
            )
        return f"coalesce(({counted}) % {self.of}, 0) = {self.number}"


ALL = Share()
"""Whoever reads alone looks after every file."""
