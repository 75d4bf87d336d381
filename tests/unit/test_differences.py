import pytest

from workflow.rules.differences import differences


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: 1 -> 2"]),
        ({"a": 1}, {}, ["a: 1 -> nothing"]),
        ({}, {"a": 1}, ["a: nothing -> 1"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["a: 1 -> 2", "b: 1 -> 2"]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}, ["a.b.c: x -> y"]),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 3}, 2]}, ["a[1].b: 1 -> 3"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a: [1] -> [1, 2]"]),
        # A text is not a list of letters.
        ({"a": "xy"}, {"a": "xz"}, ["a: xy -> xz"]),
        ({"a": "x"}, {"a": ["x"]}, ["a: x -> ['x']"]),
        ({"a": {}}, {"a": []}, ["a: {} -> []"]),
    ],
)
def test_what_changed_is_named_by_its_place(before, after, told):
    assert [str(found) for found in differences(before, after)] == told
