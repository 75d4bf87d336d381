"""Is the money of a call told to the cent, and what does not add up named?"""

from dataclasses import replace

from models.vocabulary import MovementKind
from workflow.rules.ledgers import Balance, Booking, Change, Origin, account

LOADED = Booking(1, "20/01/2026 10:00:00", "load_call", allocation=100_00)


def moved(seq, change, *, residual, event="submit", **more):
    return Booking(
        seq,
        f"20/01/2026 10:00:{seq:02d}",
        event,
        f"2026/{seq:07d}",
        changes=(change,),
        kept=((change, residual),),
        **more,
    )


def reserve(seq, amount, *, residual, **more):
    change = Change(MovementKind.RESERVE, amount, 0)
    return moved(seq, change, residual=residual, **more)


def texts(told):
    return [step.text for step in told.steps]


def test_each_movement_is_told_with_the_totals_after_it():
    told = account(
        [
            LOADED,
            reserve(2, 60_00, residual=40_00),
            moved(
                3,
                Change(MovementKind.GRANT, -60_00, 50_00),
                residual=50_00,
                event="grant",
                act="decreto 1/2026-01-20",
            ),
            moved(
                4,
                Change(MovementKind.REDETERMINE, 0, -5_00),
                residual=55_00,
                event="settle",
            ),
            moved(
                5,
                Change(MovementKind.RELEASE, 0, -45_00),
                residual=100_00,
                event="revoke",
            ),
        ],
        grouped=True,
    )

    assert texts(told) == [
        "100.00 allocated; reserved 0.00, granted 0.00, residual 100.00",
        "60.00 reserved for 2026/0000002; reserved 60.00, granted 0.00, residual 40.00",
        (
            "50.00 granted to 2026/0000003 of 60.00 reserved: 10.00 set free; "
            "reserved 0.00, granted 50.00, residual 50.00"
        ),
        (
            "the grant of 2026/0000004 lowered by 5.00: set free; "
            "reserved 0.00, granted 45.00, residual 55.00"
        ),
        (
            "45.00 granted set free by 2026/0000005; "
            "reserved 0.00, granted 0.00, residual 100.00"
        ),
    ]
    assert [step.rule for step in told.steps] == [
        "money.allocation",
        "money.reserve",
        "money.grant",
        "money.redetermine",
        "money.release",
    ]
    assert told.steps[2].source == (
        "entry 3 of 20/01/2026 10:00:03, grant, decreto 1/2026-01-20"
    )
    assert told.balance == Balance(100_00, 0, 0)
    assert told.faults == ()


def test_a_release_of_reservation_and_grant_names_both_parts():
    told = account(
        [
            LOADED,
            moved(2, Change(MovementKind.RESERVE, 60_00, 30_00), residual=10_00),
            moved(
                3,
                Change(MovementKind.RELEASE, -60_00, -30_00),
                residual=100_00,
                event="annul",
            ),
        ],
        grouped=True,
    )

    assert "60.00 reserved and 30.00 granted set free by" in texts(told)[-1]


def test_money_that_comes_back_is_told():
    told = account(
        [
            LOADED,
            moved(
                2,
                Change(MovementKind.RECOVER, 0, -1_00),
                residual=101_00,
                event="recover",
            ),
        ],
        grouped=True,
    )

    assert texts(told)[-1].startswith("1.00 granted recovered from 2026/0000002;")


def test_reservations_made_one_after_the_other_are_one_line_unless_all_are_wanted():
    bookings = [
        LOADED,
        reserve(2, 10_00, residual=90_00),
        reserve(3, 20_00, residual=70_00),
        reserve(4, 30_00, residual=40_00),
    ]

    short = account(bookings, grouped=True)
    full = account(bookings, grouped=False)

    assert texts(short)[1:] == [
        (
            "60.00 reserved for 3 filed one after the other, 2026/0000002 to "
            "2026/0000004; reserved 60.00, granted 0.00, residual 40.00"
        )
    ]
    assert short.steps[1].source.startswith("entries 2 of")
    assert len(full.steps) == 4
    assert short.balance == full.balance


def test_a_promotion_names_the_sums_that_it_took_its_money_from():
    origins = (
        Origin(7, "grant", "2026/0000001", 4_00),
        Origin(9, "refinance_call", None, 6_00),
    )

    told = account(
        [
            LOADED,
            reserve(10, 10_00, residual=90_00, event="promote", origins=origins),
            reserve(11, 10_00, residual=80_00),
        ],
        grouped=True,
    )

    assert told.steps[1].rule == "money.promote"
    assert texts(told)[1] == (
        "10.00 reserved for 2026/0000010; paid by 4.00 from grant of 2026/0000001 "
        "(entry 7), 6.00 from refinance_call (entry 9); "
        "reserved 10.00, granted 0.00, residual 90.00"
    )
    assert told.faults == ()


def test_another_allocation_is_told_with_the_one_before():
    told = account(
        [LOADED, Booking(2, "then", "refinance_call", allocation=150_00)], grouped=True
    )

    assert texts(told)[1].startswith("the allocation goes from 100.00 to 150.00;")


def test_an_entry_that_says_another_balance_is_a_fault():
    good = reserve(2, 10_00, residual=90_00, after=Balance(100_00, 10_00, 0))
    bad = replace(good, after=Balance(100_00, 11_00, 0))

    assert account([LOADED, good], grouped=True).faults == ()
    (fault,) = account([LOADED, bad], grouped=True).faults
    assert fault.startswith("entry 2 says that afterwards the allocation is 100.00")


def test_movements_that_are_not_those_of_the_entry_are_a_fault():
    good = reserve(2, 10_00, residual=90_00)
    other = ((Change(MovementKind.RESERVE, 11_00, 0), 89_00),)

    for kept, told in (
        (other, "the movements kept under entry 2 are not those it tells of"),
        ((), "the movements kept under entry 2 are not those it tells of"),
        (((good.changes[0], 89_00),), "the movements kept under entry 2 leave 89.00;"),
    ):
        (fault,) = account([LOADED, replace(good, kept=kept)], grouped=True).faults
        assert fault.startswith(told)


def test_sums_that_do_not_cover_a_promotion_are_a_fault():
    origins = (Origin(7, "grant", None, 4_00),)

    (fault,) = account(
        [LOADED, reserve(8, 10_00, residual=90_00, event="promote", origins=origins)],
        grouped=True,
    ).faults

    assert fault == (
        "entry 8 reserves 10.00 and names sums of 4.00 that it took it from"
    )
