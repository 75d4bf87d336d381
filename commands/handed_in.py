"""Which files does a command take in?"""

import os
from pathlib import Path
from typing import Any

import click

from config.handed_in import NO_FILE, is_no_file

_DASH = "-"


class HandedIn(click.Path):
    """A file that is there and has an end; *pipes* may be waited for."""

    def __init__(self, *, pipes: bool = False, **settings: Any) -> None:  # noqa: ANN401 - those of the library
        super().__init__(exists=True, dir_okay=False, readable=True, **settings)
        self._pipes = pipes

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - as the library has it
        """Return the path, or refuse what would never be read to its end."""
        found = super().convert(value, param, ctx)
        is_file = not (self.allow_dash and found == _DASH)
        if is_file and is_no_file(Path(os.fsdecode(found)), pipes=self._pipes):
            wanted = f"; bring it as a file{', or as `-`' * self.allow_dash}"
            self.fail(f"`{os.fsdecode(value)}`: {NO_FILE}{wanted}", param, ctx)
        return found
