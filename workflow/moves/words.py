"""How are an instant and a word of ours written in a sentence?"""

from datetime import datetime

from workflow.rules.calendar import ROME


def rome(instant: datetime) -> str:
    """Write an instant in the civil time of Rome, to the microsecond if it has any."""
    local = instant.astimezone(ROME)
    fraction = f".{local.microsecond:06d}" if local.microsecond else ""
    return f"{local:%d/%m/%Y %H:%M:%S}{fraction}"


def spoken(word: str) -> str:
    """Write a word of the vocabulary as people say it."""
    return word.replace("_", " ")
