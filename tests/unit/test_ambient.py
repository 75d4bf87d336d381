"""Are instants and identifiers what the rest of the system takes for granted?"""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workflow.ambient import FrozenAmbient, ShiftedAmbient, SystemAmbient, _uuid7

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def test_the_host_gives_an_aware_instant_that_is_not_simulated():
    ambient = SystemAmbient()

    instant = ambient.now()

    assert instant.tzinfo is UTC
    assert not ambient.simulated


def test_a_frozen_clock_stands_still_until_it_is_moved():
    ambient = FrozenAmbient(NOON)

    readings = [ambient.now(), ambient.now()]
    ambient.advance(timedelta(hours=1))

    assert readings == [NOON, NOON]
    assert ambient.now() == NOON + timedelta(hours=1)


def test_a_frozen_clock_can_be_put_back_as_a_host_does():
    ambient = FrozenAmbient(NOON)

    ambient.move_to(NOON - timedelta(hours=1))

    assert ambient.now() == NOON - timedelta(hours=1)


def test_a_shifted_clock_never_gives_the_same_instant_twice():
    ambient = ShiftedAmbient(NOON)

    readings = [ambient.now() for _ in range(3)]

    assert readings == [NOON + n * MICROSECOND for n in (1, 2, 3)]


def test_every_invented_clock_says_that_it_is_simulated():
    ambients = (FrozenAmbient(NOON), ShiftedAmbient(NOON))

    simulated = [ambient.simulated for ambient in ambients]

    assert simulated == [True, True]


def test_frozen_identifiers_are_the_same_in_every_run():
    one, other = FrozenAmbient(NOON), FrozenAmbient(NOON)

    first, second = ([a.new_id() for _ in range(5)] for a in (one, other))

    assert first == second
    assert len(set(first)) == 5


def test_frozen_identifiers_sort_as_they_were_made():
    ambient = FrozenAmbient(NOON)

    made = [ambient.new_id() for _ in range(3)]
    ambient.advance(timedelta(milliseconds=1))
    made.append(ambient.new_id())

    assert made == sorted(made)


def test_real_identifiers_do_not_repeat_even_in_a_rehearsal():
    ambients = (SystemAmbient(), ShiftedAmbient(NOON))

    made = [ambient.new_id() for ambient in ambients for _ in range(500)]

    assert len(set(made)) == 1_000
    assert {identifier.version for identifier in made} == {7}


@given(
    milliseconds=st.integers(0, 2**48 - 2),
    noise=st.integers(0, 2**80 - 1),
    other=st.integers(0, 2**80 - 1),
)
def test_an_identifier_of_a_later_millisecond_sorts_later(milliseconds, noise, other):
    earlier, later = _uuid7(milliseconds, noise), _uuid7(milliseconds + 1, other)

    assert earlier < later
    assert earlier.version == 7
    assert earlier.variant == "specified in RFC 4122"
    assert earlier.int >> 80 == milliseconds
