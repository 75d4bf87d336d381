import tomllib
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.families import families, form
from config.loader import CallFileError, check, dump, find, fingerprint, load, parse
from config.places import locate
from config.reading import read
from config.schema import CallDefinition
from config.terms import OPTIONAL
from config.values import euros
from models.vocabulary import (
    OrderPolicy,
    ShortMoneyPolicy,
    TermKind,
    WaitingPhase,
)

TEXT = find("ctl-2025").read_text(encoding="utf-8")
CONTENTS = tomllib.loads(TEXT)
PLAIN = tomllib.loads(find("competenze-innovazione-2025").read_text(encoding="utf-8"))


def ways(value, way=()):
    """Yield the way to everything inside *value*."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return
    for step, inner in value.items():
        yield (*way, step)
        yield from ways(inner, (*way, step))


def owner(contents, way):
    for step in way[:-1]:
        contents = contents[step]
    return contents


MAY_BE_ABSENT = {
    "cap",
    "assumed",
    "overbooking_percent",
    "overbooking_amount",
    "until",
    "escalate_after",
}
every_place = st.sampled_from(
    [(call, way) for call in (CONTENTS, PLAIN) for way in ways(call)]
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.booleans()
    | st.integers()
    | st.floats()
    | words
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.sampled_from(["found", "days", "portal", "2026-01-20T10:00:00", "1.00"])
)
things = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=5,
)


def accounted_for(contents):
    """Read *contents*: a call that survives freezing, or findings with sentences."""
    outcome = read(contents)
    if isinstance(outcome, CallDefinition):
        assert parse(dump(outcome)) == outcome
        assert fingerprint(parse(dump(outcome))) == fingerprint(outcome)
        return True
    assert outcome
    assert all(one.message for one in outcome)
    for one in outcome:
        for jargon in ("Input should", "Value error", "should be", "valid ", "[key]"):
            assert jargon not in one.message.partition("`")[0]
    return False


@given(every_place)
def test_a_call_without_one_of_its_parts_is_accounted_for(place):
    call, way = place
    contents = deepcopy(call)
    del owner(contents, way)[way[-1]]

    accounted_for(contents)


@given(every_place, things)
def test_a_call_with_one_part_replaced_is_accounted_for(place, thing):
    call, way = place
    contents = deepcopy(call)
    owner(contents, way)[way[-1]] = thing

    accounted_for(contents)


@given(every_place, words.filter(bool), scalars)
def test_a_key_that_nobody_knows_is_always_told(place, name, thing):
    call, way = place
    contents = deepcopy(call)
    table = owner(contents, way)
    if not isinstance(table, dict) or name in table or name in MAY_BE_ABSENT:
        return
    table[name] = thing

    assert not accounted_for(contents)


orders = st.sampled_from(list(OrderPolicy))
phases = st.sampled_from(list(WaitingPhase))
policies = st.sampled_from(list(ShortMoneyPolicy))
amounts = st.none() | st.integers(0, 10_000).map(euros)


@given(orders, phases, policies, amounts, amounts, st.booleans())
def test_a_counter_is_taken_exactly_if_it_can_be_run(
    order, phase, policy, share, amount, jumps
):
    contents = deepcopy(CONTENTS)
    contents["allocation"]["short_money"] = policy.value
    written = {"overbooking_percent": share, "overbooking_amount": amount}
    contents["counter"] |= {
        "order": order.value,
        "waiting_list": phase.value,
        "jump_ahead": jumps,
        **{key: value for key, value in written.items() if value is not None},
    }

    taken = accounted_for(contents)

    overbooked = share is not None or amount is not None
    cut = policy is ShortMoneyPolicy.STOP
    assert taken == (
        order is not OrderPolicy.RANKING
        and not (share is not None and amount is not None)
        and euros(0) not in {share, amount}
        and not (cut and (overbooked or jumps))
        and (
            order is OrderPolicy.EXACT_INSTANT
            or not (cut or overbooked or jumps or phase is WaitingPhase.BEFORE_REVIEW)
        )
    )


@given(
    st.sampled_from([CONTENTS, PLAIN]),
    st.sampled_from(list(families())),
    st.booleans(),
    st.sets(st.sampled_from(list(TermKind))),
)
def test_every_term_too_many_or_too_few_is_told_and_no_other(
    call, family, acceptance, kinds
):
    contents = deepcopy(call)
    contents["family"] = family
    contents["procedure"] |= {"acceptance": acceptance, "plan_returns": 0}
    any_term = contents["terms"]["conclusion"]
    contents["terms"] = {
        kind.value: contents["terms"].get(kind.value, any_term) for kind in kinds
    }

    outcome = read(contents)

    told = () if isinstance(outcome, CallDefinition) else outcome
    amiss = {one.loc[1] for one in told if len(one.loc) == 2 and one.loc[0] == "terms"}
    wanted = set(form(family).starts)
    if form(family).accepts_the_grant and not acceptance:
        wanted.discard(TermKind.ACCEPTANCE)
    missing, unwanted = wanted - kinds - OPTIONAL, kinds - wanted
    assert amiss == {kind.value for kind in missing | unwanted}


@given(things)
def test_a_file_of_anything_is_accounted_for(thing):
    accounted_for(thing if isinstance(thing, dict) else {"code": thing})


@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 40),
    st.text(st.sampled_from("\n\"'[]{}=.,#x1 -\\é"), max_size=6),
)
def test_a_text_cut_and_patched_anywhere_gives_faults_or_a_call(start, length, patch):
    text = TEXT[:start] + patch + TEXT[start + length :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.toml"
        path.write_text(text, encoding="utf-8", newline="")

        faults = check(path)
        if faults:
            with pytest.raises(CallFileError) as refusal:
                load(path)
            assert refusal.value.faults == faults
        else:
            assert parse(dump(load(path))) == load(path)
    lines = text.count("\n") + 1
    assert all(fault.line is None or 1 <= fault.line <= lines for fault in faults)


@given(st.permutations(TEXT.split("\n# --- ")[1:]))
def test_the_order_of_sections_changes_neither_the_call_nor_its_hash(sections):
    head = TEXT.split("\n# --- ")[0]

    text = "\n# --- ".join([head, *sections])

    call, usual = read(tomllib.loads(text)), read(CONTENTS)
    assert isinstance(call, CallDefinition)
    assert isinstance(usual, CallDefinition)
    assert fingerprint(call) == fingerprint(usual)


@given(st.permutations(TEXT.split("\n# --- ")[1:]))
def test_every_key_is_found_on_a_line_that_names_it(sections):
    text = "\n# --- ".join([TEXT.split("\n# --- ")[0], *sections])
    lines = text.split("\n")

    places = locate(text)

    for way in ways(tomllib.loads(text)):
        if isinstance(way[-1], str):
            assert way[-1] in lines[places[way] - 1], way
