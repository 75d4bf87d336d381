"""What of a text may a terminal be shown?"""

_LAYOUT = "\n\t"
"""By these a sentence of ours has its lines."""


def legible(text: str) -> str:
    """Return a text of one or more lines that cannot command the terminal.

    Whoever typed it may have copied it from somewhere else.
    """
    return "".join(sign if _is_seen(sign) else " " for sign in text)


def escaped(document: str) -> str:
    """Return a JSON document that says the same, and cannot command the terminal.

    What is no printable sign stands only inside of its texts, where it may be
    written by its number.
    """
    if document.isprintable():
        return document
    return "".join(sign if _is_seen(sign) else _numbered(sign) for sign in document)


def _is_seen(sign: str) -> bool:
    return sign in _LAYOUT or sign.isprintable()


def _numbered(sign: str) -> str:
    pair = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pair[at : at + 4]}" for at in range(0, len(pair), 4))
