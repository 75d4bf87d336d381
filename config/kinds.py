"""How is it said what is wrong with a value, whatever the library calls it?"""

import re
from collections.abc import Mapping
from typing import Any

_SAID = {
    "bool_type": "write true or false, without quotation marks",
    "date_from_datetime_parsing": "write the day as YYYY-MM-DD",
    "date_parsing": "write the day as YYYY-MM-DD",
    "date_type": "write the day as YYYY-MM-DD, between quotation marks",
    "datetime_from_date_parsing": "it is no instant",
    "datetime_parsing": "it is no instant",
    "datetime_type": "write the instant as text, between quotation marks",
    "dict_type": "write an object, {{...}}",
    "enum": "write one of {expected}",
    "extra_forbidden": "it is nothing that belongs here",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must not be less than {ge}",
    "int_from_float": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_parsing_size": "it has too many digits",
    "int_type": "write a whole number, without quotation marks",
    "less_than_equal": "it must not be more than {le}",
    "list_type": "write a list, [...]",
    "literal_error": "write one of {expected}",
    "missing": "it is missing",
    "model_attributes_type": "write an object, {{...}}",
    "model_type": "write an object, {{...}}",
    "string_sub_type": "write text, between quotation marks",
    "string_too_long": "it has more than {max_length} characters",
    "string_too_short": "it is empty",
    "string_type": "write text, between quotation marks",
    "string_unicode": "it holds a character that cannot be kept",
    "timezone_aware": "it needs its offset, such as +01:00",
    "too_long": "there are more than {max_length} of these",
    "too_short": "there are fewer than {min_length} of these",
    "tuple_type": "write a list, [...]",
    "uuid_parsing": "it is no identifier",
    "uuid_type": "write an identifier, between quotation marks",
}
_UNKNOWN = "it is not written right"
_SIGNS = "]*$"
"""So ends a pattern that says of every sign whether it may stand there."""


def said(fault: Mapping[str, Any]) -> str:
    """Say what is wrong in words of ours, and nothing of what stands there."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    pattern = str(context.get("pattern"))
    if kind == "string_pattern_mismatch" and pattern.endswith(_SIGNS):
        sign = _first_wrong(str(fault["input"]), pattern)
        return f"it has the sign U+{ord(sign):04X}, as no name can: leave it out"
    return str(_SAID.get(kind, _UNKNOWN)).format(**context)


def _first_wrong(text: str, pattern: str) -> str:
    """Return the first sign at fault; those around the text were dropped before."""
    signs = text.strip() + text
    return next(sign for sign in signs if not re.fullmatch(pattern, sign))
