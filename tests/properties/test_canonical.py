import json

import orjson
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from models.canonical import CanonicalError, encode, is_canonical

keys = st.text(st.characters(max_codepoint=127), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5)
    ),
    max_leaves=25,
)
read = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5)
    ),
    max_leaves=25,
)
strangers = (
    st.floats()
    | st.binary()
    | st.dates()
    | st.uuids()
    | st.decimals()
    | st.integers(min_value=2**53)
    | st.integers(max_value=-(2**53))
    | st.text(st.characters(categories=["Cs"]), min_size=1)
    | st.dictionaries(
        st.text(st.characters(min_codepoint=128), min_size=1), scalars
    ).filter(bool)
)


@given(values)
def test_the_bytes_are_those_of_the_reference_encoder(value):
    assert encode(value) == rfc8785.dumps(value)


@given(values)
def test_what_is_encoded_can_be_read_back(value):
    assert json.loads(encode(value)) == value


@given(st.dictionaries(keys, scalars), st.randoms())
def test_the_order_of_keys_changes_nothing(value, chance):
    pairs = list(value.items())
    chance.shuffle(pairs)

    assert encode(dict(pairs)) == encode(value)


@given(stranger=strangers, around=values, key=keys)
def test_one_foreign_value_anywhere_is_refused(stranger, around, key):
    with pytest.raises(CanonicalError):
        encode([around, {key: stranger}])


def encoded_anew(data):
    try:
        return encode(orjson.loads(data))
    except CanonicalError:
        return None


@example(value=[1e16], option=0)
@given(
    value=read, option=st.sampled_from([0, orjson.OPT_SORT_KEYS, orjson.OPT_INDENT_2])
)
def test_bytes_are_canonical_if_what_is_read_from_them_gives_them_again(value, option):
    data = orjson.dumps(value, option=option)

    assert is_canonical(data, orjson.loads(data)) is (encoded_anew(data) == data)
