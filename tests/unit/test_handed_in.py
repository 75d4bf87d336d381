"""Is what somebody hands in read up to its end, and no further?"""

import os
from io import BytesIO

import click
import orjson
import pytest

from commands.numbers import WholeNumber
from commands.options import options_of
from config import handed_in
from config.handed_in import EndlessLineError, doubled, is_no_file, lines
from config.kinds import said
from tests.builders import submission
from workflow.errors import InputError, RefusedError
from workflow.moves.inputs import PartnersInputs
from workflow.services import submissions


def test_a_device_and_a_pipe_are_no_files_and_folders_are_told_elsewhere(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()

    found = {
        path.name: (is_no_file(path), is_no_file(path, pipes=True))
        for path in (*tmp_path.iterdir(), tmp_path, tmp_path / "absent")
    }

    assert found == {
        "zero": (True, True),
        "pipe": (True, False),
        "file": (False, False),
        tmp_path.name: (False, False),
        "absent": (False, False),
    }


def test_a_long_line_is_never_held_and_those_after_it_are_read():
    stream = BytesIO(b"x" * 30 + b"\n" + b"y" * 10 + b"\r\n" + b"z")

    read = list(lines(stream, 10))

    assert [size for _, size in read] == [31, 12, 1]
    assert [line for line, _ in read] == [b"x" * 13, b"y" * 10 + b"\r\n", b"z"]


def test_after_a_line_without_an_end_nothing_is_read(monkeypatch):
    monkeypatch.setattr(handed_in, "_NO_LINE", 100)
    stream = BytesIO(b"a\n" + b"\0" * 1_000)
    read: list[bytes] = []

    with pytest.raises(EndlessLineError):
        read.extend(line for line, _ in lines(stream, 10))

    assert read == [b"a\n", b"\0" * 13]
    assert stream.tell() < 150


def test_a_name_that_stands_twice_is_found_at_any_depth():
    assert doubled(b'{"a":1,"b":{"c":1,"c":2}}') == "c"
    assert doubled(b'{"a":{"b":1},"b":[{"a":1},{"a":2}]}') is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"portal_id": 7}, "`portal_id`: write text, between quotation marks"),
        ({"applicant": "X"}, "`applicant`: write an object, {...}"),
        ({"applicant": None}, "`applicant`: write an object, {...}"),
        ({"partners": {}}, "`partners`: write a list, [...]"),
        ({"documents": [7]}, "`documents.0`: write an object, {...}"),
        ({"accepts_less": "yes"}, "`accepts_less`: write true or false, without"),
        ({"channel": "pigeon"}, "`channel`: write one of 'portal'"),
        ({"key": "è"}, "`key`: write 1 to 100 printable ASCII signs"),
        ({"key": "k" * 101}, "`key`: it has more than 100 characters"),
        ({"applicant": {**submission()["applicant"], "name": " A\x07\x1b "}}, "U+0007"),
        ({"applicant": {**submission()["applicant"], "name": "A\x1f"}}, "U+001F"),
        ({"applicant": {**submission()["applicant"], "name": " "}}, "it is empty"),
    ],
)
def test_a_fault_of_a_submission_is_told_in_our_own_words(changes, says):
    with pytest.raises(RefusedError) as refused:
        submissions.read(orjson.dumps({**submission(), **changes}))

    assert says in refused.value.message
    assert "should" not in refused.value.message


def test_a_fault_that_has_no_words_yet_is_still_told_without_those_of_the_library():
    assert (
        said({"type": "new_kind", "msg": "Input should"}) == "it is not written right"
    )


def test_a_submission_without_an_end_is_refused_with_a_way_out():
    with pytest.raises(RefusedError, match=r"more than 1000000 bytes.*only the hash"):
        submissions.read(b"x" * 1_000_002)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"tax_code":"1","tax_code":"2"}', "`name` is missing"),
        (
            b'{"tax_code":"1","tax_code":"12345678902","name":"A","kind":"firm"}',
            "line 1: `tax_code` is given twice",
        ),
        (
            b'{"tax_code":7,"name":"A\x7f","kind":"firm"}',
            "between quotation marks; line 1: `name`: it has the sign U+007F",
        ),
        (b" " * 9 + b"x" * 10_000, "line 1: it has more than 10000 bytes"),
        (b"[\n" * 100, "; line 10: write "),
    ],
)
def test_a_partner_that_cannot_be_read_is_told_by_its_line(tmp_path, line, says):
    file = tmp_path / "partners.jsonl"
    file.write_bytes(line)
    (option,) = (one for one in options_of(PartnersInputs) if one.name == "partners")
    context = click.Context(click.Command("advance", params=[option]))

    with pytest.raises(InputError) as refused:
        option.handle_parse_result(context, {"partners": str(file)}, [])

    assert says in refused.value.message
    assert "line 11" not in refused.value.message


@pytest.mark.parametrize("written", ["1.5", "x", "", "0", "8"])
def test_what_is_no_whole_number_is_refused_with_those_that_are(written):
    with pytest.raises(click.BadParameter, match="is no whole number from 1 to 7"):
        WholeNumber(1, 7).convert(written, None, None)

    with pytest.raises(click.BadParameter, match="is no whole number from 9 on"):
        WholeNumber(min=9).convert(written, None, None)
    assert WholeNumber(1, 7).convert("7", None, None) == 7
