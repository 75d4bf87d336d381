"""Can everything that a move needs be stated as an option?"""

from datetime import date

import pytest
from pydantic import Field

from commands import options
from commands.advance import rows_by_event
from models.vocabulary import Letter
from workflow.errors import InputError
from workflow.machine import Inputs
from workflow.moves.inputs import (
    Arrived,
    DocumentInputs,
    GrantInputs,
    MinutesInputs,
    Money,
)

MODELS = tuple(
    dict.fromkeys(row.inputs for rows in rows_by_event().values() for row in rows)
)


class Everything(Inputs):
    """One of each kind."""

    day: date | None = Field(default=None, description="Day.")
    came: Arrived | None = Field(default=None, description="Came.")
    amount: Money = Field(gt=0, description="Amount.")
    items: tuple[str, ...] = Field(default=(), description="Items.")
    letter: Letter | None = Field(default=None, description="Letter.")
    overtake: bool = Field(default=False, description="Overtake.")
    number: int = Field(default=1, le=7, description="Number.")


def test_each_thing_is_an_option_of_its_kind():
    listed = options.options_of(Everything)
    made = {option.name: option for option in listed}

    assert listed[0].name == "amount", "what must be stated comes first"
    assert made["amount"].help == "Amount. [required]"
    assert made["day"].metavar == "YYYY-MM-DD"
    assert made["came"].metavar == "WHEN"
    assert made["items"].multiple
    assert made["overtake"].is_flag
    assert "One of: submission_receipt, " in str(made["letter"].help)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_option_of_every_event_says_what_it_is_with_an_example(model):
    for option in options.options_of(model):
        assert option.help, option.name
        required = model.model_fields[option.name].is_required()
        assert option.name in options.EXAMPLES or not required


@pytest.mark.parametrize(
    ("model", "name", "rule"),
    [
        (GrantInputs, "cor", "1 to 12 digits"),
        (GrantInputs, "cup", "15 characters"),
        (DocumentInputs, "document", "64 characters"),
        (MinutesInputs, "minutes", "words on one line, without control characters"),
    ],
)
def test_a_pattern_is_told_in_words(model, name, rule):
    with pytest.raises(InputError) as refused:
        options.read(model, {name: "\x00 not this"})

    assert rule in refused.value.message


def test_what_was_not_stated_is_left_out():
    given = {"amount": "1.00", "day": None, "items": (), "overtake": False, "yes": True}

    assert options.read(Everything, given) == {"amount": "1.00"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "--amount is missing: amount"),
        ({"amount": "1,0"}, "--amount: '1,0' is not an amount: write the digits"),
        ({"amount": "0.00"}, "--amount `0.00`: it must be more than 0: amount"),
        ({"amount": "1", "number": "x"}, "--number `x`: it must be a whole number"),
        ({"amount": "1", "number": "8"}, "--number `8`: it must not be more than 7"),
    ],
)
def test_a_fault_names_the_option_the_rule_and_how_to_write_it(given, sentence):
    with pytest.raises(InputError) as refused:
        options.read(Everything, given)

    assert sentence in refused.value.message
