"""Tell how a rule shows its working."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a calculation (*passaggio del calcolo*), with the law behind it."""

    rule: str
    """A code that never changes."""
    source: str
    """The article or the act that the rule comes from."""
    text: str
    """What was done, with the figures, so that it can be redone by hand."""
