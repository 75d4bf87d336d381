"""Which whole numbers may an option have?"""

from typing import Any

import click


class WholeNumber(click.IntRange):
    """A whole number from one to another; what is none is refused in words."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as the library has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - as above
        """Return the number, or say which there are."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            end = "on" if self.max is None else f"to {self.max}"
            self.fail(f"`{value}` is no whole number from {self.min} {end}", param, ctx)
