from enum import StrEnum
from hashlib import sha256

import pytest
import rfc8785

from models.canonical import CanonicalError, JsonValue, digest, encode


class Word(StrEnum):
    GRANT = "grant"


def nested(levels):
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, b"null"),
        (True, b"true"),
        (-0, b"0"),
        (2**53 - 1, b"9007199254740991"),
        (1 - 2**53, b"-9007199254740991"),
        ("", b'""'),
        ("Piano di attività", '"Piano di attività"'.encode()),
        ('"\\/', b'"\\"\\\\/"'),
        ("\b\t\n\f\r\x00\x1f\x7f", b'"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
        ("\u2028\U0001f600", '"\u2028\U0001f600"'.encode()),
        ([], b"[]"),
        ((1, [2]), b"[1,[2]]"),
        ({}, b"{}"),
        ({"b": 1, "a": {"": None, "A": False}}, b'{"a":{"":null,"A":false},"b":1}'),
        ({"a_b": 1, "aB": 2, "a1": 3}, b'{"a1":3,"aB":2,"a_b":1}'),
    ],
)
def test_a_value_has_the_bytes_that_the_standard_gives_it(value, expected):
    assert encode(value) == expected == rfc8785.dumps(value)


def test_a_word_of_the_vocabulary_is_written_as_its_text():
    assert encode({Word.GRANT: [Word.GRANT]}) == b'{"grant":["grant"]}'


@pytest.mark.parametrize(
    ("value", "place", "reason"),
    [
        (1.0, "$", "a float"),
        (float("nan"), "$", "a float"),
        ({"a": [1, {"b": 0.5}]}, "$.a[1].b", "a float"),
        ({"a": b"x"}, "$.a", "a bytes"),
        ({"a": {1, 2}}, "$.a", "a set"),
        ({"a": {"b": object()}}, "$.a.b", "a object"),
        ({"a": 2**53}, "$.a", "2**53"),
        ([-(2**53)], "$[0]", "2**53"),
        ([10**400], "$[0]", "2**53"),
        ({"à": 1}, "$", "'à'"),
        ({"a": {1: 1}}, "$.a", "the key 1"),
        ({"a": {None: 1}}, "$.a", "the key None"),
        ({"a": ["\ud800"]}, "$.a[0]", "surrogate"),
        (nested(300), "$", "nested"),
        (nested(100_000), "$", "nested"),
    ],
)
def test_what_has_no_canonical_form_is_refused_at_its_place(value, place, reason):
    with pytest.raises(CanonicalError) as refusal:
        encode(value)

    assert str(refusal.value).startswith(f"{place}: ")
    assert reason in str(refusal.value)


def test_a_value_within_itself_is_refused():
    value: list[JsonValue] = []
    value.append(value)

    with pytest.raises(CanonicalError):
        encode(value)


def test_the_digest_is_sha256_in_lower_case_hex():
    assert digest(b"{}") == sha256(b"{}").hexdigest()
    assert digest(b"") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
