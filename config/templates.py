"""How does a letter become a text?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from models.canonical import digest
from models.vocabulary import Family, Letter

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_SUBJECT = 200
"""Characters of a subject: whatever is longer is cut."""

_FOLDER = Path(__file__).parent / "letters"
_HEAD = "Oggetto: "


class FactMissingError(LookupError):
    """A letter speaks of something that nobody knows; its name is the argument."""


@dataclass(frozen=True, slots=True)
class Text:
    """A letter as it is sent: a subject of one line, and plain text."""

    subject: str
    body: str

    @property
    def digest(self) -> str:
        """The hash by which the register knows it."""
        return digest(whole(self.subject, self.body))


def whole(subject: str, body: str) -> bytes:
    """Put the two parts of a letter together, as they are hashed."""
    return f"{subject}\n\n{body}".encode()


def written(
    letter: Letter, facts: Mapping[str, object], family: Family | None = None
) -> Text:
    """Write a letter from its template and the facts that are known.

    What the facts say is put in as it is: it is never read as a template. A family
    of procedures may say it in its own words, in a folder of its name.

    Raises:
        FactMissingError: the letter speaks of a fact that is not there.
    """
    from jinja2 import UndefinedError  # noqa: PLC0415 - as in `_environment`

    try:
        names = [f"{family}/{letter}.j2", f"{letter}.j2"]
        text = _environment().select_template(names).render(facts)
    except UndefinedError as error:
        # "'act' is undefined", or "… has no attribute 'act'".
        raise FactMissingError(str(error).split("'")[-2]) from None
    head, _, body = text.partition("\n")
    return Text(head[len(_HEAD) :][:LONGEST_SUBJECT], body.strip("\n") + "\n")


@cache
def title(letter: Letter) -> str:
    """Return what a letter is called, as its subject says."""
    template = _environment().get_template(f"{letter}.j2")
    return "".join(template.blocks["subject"](template.new_context()))


@cache
def _environment() -> "Environment":
    # Here and not above: most commands write no letter.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text, in which nothing is escaped
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["say"] = environment.get_template("shared.j2").module
    return environment
