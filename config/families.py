"""What does a family of procedures want of a call file (*tipo di procedura*)?

Each family has a model of its call files in the folder `families`, complete and
commented: whoever writes a new call starts from it. What stands in the model is what
the calls of that family have: which sections, and which terms, with the fact that
starts each.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.vocabulary import Family, TermKind, TermStart

_FOLDER = Path(__file__).parent / "families"


@dataclass(frozen=True, slots=True)
class Form:
    """What the calls of a family have in their files."""

    sections: frozenset[str]
    starts: Mapping[TermKind, TermStart]
    """The terms that the moves of the family start, each with the fact that does."""

    @property
    def negotiates(self) -> bool:
        """Tell whether a definitive plan is negotiated after the grant."""
        return TermKind.DEFINITIVE_PLAN in self.starts

    @property
    def accepts_the_grant(self) -> bool:
        """Tell whether it is the grant that is accepted, if a call wants that."""
        return self.starts.get(TermKind.ACCEPTANCE) is TermStart.GRANT_DELIVERED


@cache
def families() -> tuple[Family, ...]:
    """Name the families that there are."""
    return tuple(sorted(Family(path.stem) for path in _FOLDER.glob("*.toml")))


def model(family: Family) -> str:
    """Return the model of a call file of a family, as it is written."""
    return (_FOLDER / f"{family}.toml").read_text(encoding="utf-8")


def headline(family: Family) -> str:
    """Say in a line what a family is: the first line of its model."""
    return model(family).partition("\n")[0].lstrip("# ")


@cache
def form(family: Family) -> Form:
    """Return what the calls of a family have."""
    contents = tomllib.loads(model(family))
    return Form(
        sections=frozenset(contents),
        starts={
            TermKind(kind): TermStart(rule["starts_on"])
            for kind, rule in contents["terms"].items()
        },
    )
