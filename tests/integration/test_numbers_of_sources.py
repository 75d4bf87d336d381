"""Do calls, filed in the database, come out as the sources tell?"""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from config.loader import PLANS
from models.batch import Batch
from models.session import transaction
from models.tables import Movement
from models.vocabulary import Cents, Event, MovementKind, Outcome
from tests.builders import quiet, rome, shipped
from tests.integration.test_ranked_call import (
    CODE,
    SMART,
    Ranked,
    amounts,
    furnished,
    tax_code,
)
from workflow.rules.amounts import format_money
from workflow.services import call_acts, calls, lookups, officers, reports
from workflow.services.entries import Draft, chain
from workflow.services.reports import Wanted

MILLION = 100_000_000
COLLABORA, COLLABORA_CODE = "collabora-innova-2024", "RLF12024099903"
ASKED = [220_000_000] * 58 + [240_000_000] + [248_000_000] * 78 + [256_000_000]
"""Made up: the sources tell how many asked, for how much in all, and no more."""


def place(folder: Path) -> str:
    """Return where such a call is kept: these are long, and SQLite is the quicker."""
    folder.chmod(0o700)
    return f"sqlite:///{folder / 'sportello.db'}"


def sheet(total: int) -> dict[str, int]:
    return {"quality": min(60, total), "impact": max(0, total - 60)}


@pytest.mark.timeout(400)
def test_59_of_138_are_funded_once_30_million_came_to_the_100_of_collabora(
    tmp_path: Path,
):
    body = {"tax_code": tax_code(999), "name": "Ente di ricerca", "kind": "research"}
    with furnished(place(tmp_path), quiet(COLLABORA), COLLABORA_CODE) as ranked:
        asked = [format_money(each) for each in ASKED]
        names = ranked.file(*asked, investment="6000000.00", partners=[body])
        ranked.close()
        for number, name in enumerate(names):
            ranked.examine(name, sheet(100 - number // 4))  # four have each score

        first = ranked.rank()
        call_acts.refinance(
            ranked.work.desk,
            COLLABORA_CODE,
            allocation=Cents(130 * MILLION),
            act=f"decreto 3/{ranked.work.today}",
        )
        more = ranked.fund()

        assert (len(names), sum(ASKED)) == (138, 326 * MILLION)
        outcomes = [one["outcome"] for one in first["order"]]
        assert outcomes == [*["funded"] * 45, "funded_in_part", *["not_funded"] * 92]
        assert amounts(more) == list(zip(range(46, 60), asked[45:59], strict=True))
        shown = calls.shown(ranked.work.desk, COLLABORA_CODE)
        assert (shown.reserved, shown.residual) == (130 * MILLION, 0)
        assert ranked.work.verified()


# --- the indicators of the report of 2025 --------------------------------------------

YEAR_END, APRIL = rome(2024, 12, 30, 12), rome(2025, 4, 29, 12)


def give(ranked: Ranked, given: list[tuple[str, int]], at: datetime) -> None:
    """Enter grants in the register and in the ledger, all of one instant.

    What leads to a grant is tried elsewhere, and would take a minute for so many.
    """
    desk = ranked.work.desk
    with transaction(desk.engine) as session:
        call = lookups.find_call(session, ranked.code, lock=True)
        batch = Batch(session)
        for name, cents in given:
            file = lookups.find_application(session, name)
            moved = {"kind": "grant", "reserved": 0, "granted": cents}
            draft = Draft(
                event=Event.GRANT.value,
                outcome=Outcome.OK,
                actor=officers.WORKER.entered(None),
                call_version=1,
                rules="",
                application=file.id,
                protocol=name,
                source="evaluated",
                target="granted",
                money={"movements": [moved], "before": {}, "after": {}},
            )
            batch.add(
                Movement,
                call_id=call.id,
                entry_seq=chain(batch, desk, call, at, draft).seq,
                ordinal=1,
                call_version=1,
                application_id=file.id,
                kind=MovementKind.GRANT,
                reserved=0,
                granted=cents,
                residual=0,
                at=at,
            )
        batch.flush()


def test_71_million_at_583400_each_are_granted_to_122_and_agree_with_the_plan(
    tmp_path: Path,
):
    path = tmp_path / "many.toml"
    text = shipped(SMART).replace('minimum_cost = "800000.00"', 'minimum_cost = "1.00"')
    path.write_text(text, encoding="utf-8")
    partners = [
        {"tax_code": tax_code(number), "name": "Ente", "kind": "firm"}
        for number in (501, 502, 503)
    ]
    with furnished(place(tmp_path), path, CODE) as ranked:
        names = ranked.file("583400.00", partners=partners)
        names += ranked.file(*["583400.00"] * 180, first=2)
        give(ranked, [(name, 58_340_000) for name in names[:122]], YEAR_END)
        give(ranked, [(name, 4_110_508) for name in names[122:]], APRIL)
        ranked.work.clock.move_to(rome(2025, 5, 2, 9))

        plan = PLANS.load(PLANS.find("ricerca-innovazione-2025"))
        told = reports.report(ranked.work.desk, Wanted(plan=plan))

    assert told.compared is not None
    by_code = {one.indicator.code: one.values for one in told.compared.lines}
    derived = {
        code: [one.derived for one in by_code[code]]
        for code in ("granted", "mean_grant")
    }
    # Of 2023 the register of this call knows nothing. No whole number of grants gives
    # the two figures of April: 73.6 million at 407,000 each are 180.8.
    assert derived == {
        "granted": [None, Decimal("71.1748"), Decimal("73.59999972")],
        "mean_grant": [None, Decimal(583_400), Decimal("406629.83")],
    }
    assert [one.disagrees for one in by_code["granted"]] == [False] * 3
    assert [one.disagrees for one in by_code["mean_grant"]] == [False, False, True]
    (quotient,) = told.compared.quotients
    assert [value for _, value in quotient.values][1] == Decimal("121.7")
    money = told.total.money
    assert money is not None
    assert (money.undertakings, money.members) == (181, 184)
    assert told.faults == ()
