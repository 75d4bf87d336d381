"""Does the account of a call add up, however it is told?"""

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import MovementKind
from workflow.rules.ledgers import Balance, Booking, Change, account

changes = st.builds(
    Change,
    st.sampled_from(MovementKind),
    st.integers(-1_000, 1_000),
    st.integers(-1_000, 1_000),
)


@st.composite
def bookings(draw):
    """Draw what some entries did, as they would tell it and as it would be kept."""
    balance, made = Balance(), []
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        allocation = draw(st.none() | st.integers(0, 10_000))
        change = draw(st.none() | changes)
        balance = Balance(
            balance.allocation if allocation is None else allocation,
            balance.reserved + (change.reserved if change else 0),
            balance.granted + (change.granted if change else 0),
        )
        made.append(
            Booking(
                seq,
                "then",
                draw(st.sampled_from(("submit", "grant", "promote"))),
                f"2026/{seq:07d}",
                allocation=allocation,
                changes=(change,) if change else (),
                kept=((change, balance.residual),) if change else (),
                after=balance,
            )
        )
    return made


@given(bookings(), st.booleans())
def test_what_adds_up_has_no_fault_and_ends_where_the_last_entry_says(made, grouped):
    told = account(made, grouped=grouped)

    assert told.faults == ()
    assert told.balance == made[-1].after
    assert told.steps[-1].text.endswith(str(told.balance))


@given(bookings())
def test_grouping_hides_lines_and_changes_nothing_else(made):
    short, full = account(made, grouped=True), account(made, grouped=False)

    assert (short.balance, short.faults) == (full.balance, full.faults)
    assert len(full.steps) == len(made)
    others = [step for step in short.steps if not step.source.startswith("entries ")]
    assert set(others) <= set(full.steps)


@given(bookings(), st.data())
def test_a_changed_amount_never_goes_unnoticed(made, data):
    index = data.draw(st.integers(0, len(made) - 1))
    booking = made[index]
    for change in booking.changes:
        more = Change(change.kind, change.reserved + 1, change.granted)
        altered = Booking(
            booking.seq,
            booking.when,
            booking.event,
            allocation=booking.allocation,
            changes=(more,),
            kept=booking.kept,
            after=booking.after,
        )

        assert account(
            [*made[:index], altered, *made[index + 1 :]], grouped=True
        ).faults
