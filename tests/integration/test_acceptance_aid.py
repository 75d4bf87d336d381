"""Does the de minimis ceiling hold over the years and over linked undertakings?

Three editions of the call of the clusters, one a year: 111,111.11 each would be
333,333.33 for one cluster, and the ceiling is 300,000.00 over three rolling years.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Office, rome, shipped
from tests.click_days import Counter, protocols, publish
from tests.contents import rows
from workflow.services import explanations

ASKED = "111111.11"
GIVEN = 11_111_111
LEFT = 30_000_000 - 2 * GIVEN
YEARS = (2025, 2026, 2027)


def edition(folder: Path, year: int) -> Path:
    """Write the edition of a year: the shipped call, with all its dates moved."""
    text = shipped()
    later = year - YEARS[0]
    head, mark, rest = text.partition("[[legal_basis]]")
    head = head.replace('"RLF12025051244"', f'"RLF1{year}051244"')
    head = head.replace("year = 2025", f"year = {year}")
    for key in ("published_at", "opens_at", "closes_at"):
        rest = rest.replace(f"{key} = 2026-", f"{key} = {2026 + later}-")
    rest = rest.replace("date = 2025-", f"date = {year}-")
    file = folder / f"ctl-{year}.toml"
    file.write_text(head + mark + rest, encoding="utf-8")
    return file


def file_and_grant(
    work: Office,
    folder: Path,
    year: int,
    *days: tuple[int, int, int],
    numbers: Iterable[int] = (1,),
    **changes: Any,
) -> tuple[Counter, list[str]]:
    """Let clusters file in an edition, and grant what they ask for on a day."""
    counter = publish(work, edition(folder, year))
    names = protocols(
        counter.take(*(counter.request(number, ASKED, **changes) for number in numbers))
    )
    (day,) = days or ((year + 1, 3, 9),)
    work.clock.move_to(rome(*day, 12))
    counter.examine(*names)
    counter.decree(dict.fromkeys(names))
    return counter, names


def granted(counter: Counter, name: str) -> int:
    return counter.file(name).summary.granted


def told(counter: Counter, name: str) -> list[str]:
    """What `explain aid` says, once the register was seen to say the same."""
    (entry,) = [e for e in counter.entries(event="grant") if e["protocol"] == name]
    kept = [step["text"] for step in entry["findings"]["aid"]]
    explained = [step.text for step in explanations.aid(counter.work.desk, name).steps]
    assert explained == kept
    return kept


def test_the_third_edition_gives_what_is_left_under_the_ceiling(
    work: Office, tmp_path: Path
):
    first, second, third = (
        file_and_grant(work, tmp_path, year, investment="95424.84") for year in YEARS
    )

    assert [granted(c, names[0]) for c, names in (first, second, third)] == [
        GIVEN,
        GIVEN,
        LEFT,
    ]
    counter, (name,) = third
    assert told(counter, name) == [
        (
            "30000.00 fixed + 85.00% of 95424.84 = 81111.11 "
            "(half a cent to the even cent): 111111.11"
        ),
        "requested 111111.11, no cap: 111111.11",
        "111111.11 granted on 09/03/2026 by this administration",
        "111111.11 granted on 09/03/2027 by this administration",
        (
            "ceiling 300000.00 less the aids granted after 09/03/2025 and until "
            "09/03/2028: 77777.78 left"
        ),
        "reduced by 33333.33 to 77777.78",
    ]
    assert counter.call.residual == 100_000_000 - LEFT
    assert work.verified()


def test_what_the_ceiling_takes_from_one_goes_to_who_waits(
    work: Office, tmp_path: Path
):
    for year in YEARS[:2]:
        file_and_grant(work, tmp_path, year)
    file = edition(tmp_path, YEARS[2])
    poor = file.read_text(encoding="utf-8").replace('"1000000.00"', '"200000.00"')
    file.write_text(poor, encoding="utf-8")
    counter = publish(work, file)
    names = protocols(counter.take(*(counter.request(n, ASKED) for n in (1, 2))))
    assert counter.queue.first_without_money.protocol == names[1]  # type: ignore[union-attr]
    work.clock.move_to(rome(2028, 3, 9, 12))
    counter.examine(*names)

    decree = counter.decree({names[0]: None})

    assert [one["application"] for one in decree["promotions"]] == [names[1]]
    assert [
        (source["event"], source["application"], source["cents"])
        for source in decree["promotions"][0]["funded_by"]
    ] == [
        ("load_call", None, 20_000_000 - GIVEN),
        ("grant", names[0], 2 * GIVEN - 20_000_000),
    ]


@pytest.mark.parametrize("who_says_so", [1, 2])
def test_two_linked_clusters_have_one_ceiling(
    work: Office, tmp_path: Path, who_says_so: int
):
    partner = {1: 2, 2: 1}
    counters = []
    for year, number in ((2025, 1), (2026, 2), (2027, 1)):
        counter = publish(work, edition(tmp_path, year))
        request = counter.request(number, ASKED)
        if number == who_says_so:
            other = counter.rules.beneficiaries[partner[number] - 1]
            request["applicant"]["linked"] = [other.tax_code]
        (name,) = protocols(counter.take(request))
        work.clock.move_to(rome(year + 1, 3, 9, 12))
        counter.examine(name)
        counter.decree({name: None})
        counters.append((counter, name))

    assert [granted(c, name) for c, name in counters] == [GIVEN, GIVEN, LEFT]
    steps = told(*counters[-1])
    assert "111111.11 granted on 09/03/2027 by this administration" in steps
    assert steps[-1] == "reduced by 33333.33 to 77777.78"


def test_linked_clusters_of_one_decree_share_what_is_left(work: Office, tmp_path: Path):
    counter = publish(work, edition(tmp_path, 2025))
    codes = [cluster.tax_code for cluster in counter.rules.beneficiaries]
    requests = [counter.request(number, ASKED) for number in (1, 2, 3)]
    requests[0]["applicant"]["linked"] = [codes[1]]
    requests[1]["applicant"]["linked"] = [codes[2]]
    names = protocols(counter.take(*requests))
    work.clock.move_to(rome(2026, 3, 9, 12))
    counter.examine(*names)

    counter.decree(dict.fromkeys(names))

    assert [granted(counter, name) for name in names] == [GIVEN, GIVEN, LEFT]


def test_what_a_draft_declares_binds_nobody_else(work: Office, tmp_path: Path):
    counter = publish(work, edition(tmp_path, 2025))
    codes = [cluster.tax_code for cluster in counter.rules.beneficiaries]
    draft = counter.request(1, ASKED, draft=True)
    draft["applicant"]["linked"] = [codes[1]]
    draft["aids"] = [
        {"granted_on": "2025-06-01", "amount": "290000.00", "grantor": "Comune"}
    ]
    _, filed = counter.take(draft, counter.request(2, ASKED))
    work.clock.move_to(rome(2026, 3, 4, 12))
    counter.examine(str(filed["protocol"]))

    counter.decree({str(filed["protocol"]): None})

    assert granted(counter, str(filed["protocol"])) == GIVEN


def test_what_a_draft_said_of_links_falls_with_it(work: Office, tmp_path: Path):
    counter = publish(work, edition(tmp_path, 2025))
    codes = [cluster.tax_code for cluster in counter.rules.beneficiaries]
    draft = counter.request(1, ASKED, draft=True)
    draft["applicant"]["linked"] = [codes[1]]

    counter.take(draft, counter.request(1, ASKED))

    assert rows(work.desk.engine, "SELECT count(*) FROM applicant_links") == [(0,)]


@pytest.mark.parametrize(
    ("day", "given"),
    [((2029, 3, 8), LEFT), ((2029, 3, 9), GIVEN)],
    ids=["a-day-before", "three-years-to-the-day"],
)
def test_an_aid_counts_until_the_day_before_it_is_three_years_old(
    work: Office, tmp_path: Path, day: tuple[int, int, int], given: int
):
    for year in YEARS[:2]:
        file_and_grant(work, tmp_path, year)

    counter, (name,) = file_and_grant(work, tmp_path, YEARS[2], day)

    assert granted(counter, name) == given
    counted = "111111.11 granted on 09/03/2026 by this administration"
    assert (counted in told(counter, name)) == (given == LEFT)


def test_a_declared_aid_of_three_years_ago_to_the_day_does_not_count(
    work: Office, tmp_path: Path
):
    aids = [
        {"granted_on": "2023-03-09", "amount": "150000.00", "grantor": "Comune"},
        {"granted_on": "2023-03-10", "amount": "200000.00", "grantor": "Provincia"},
    ]

    counter, (name,) = file_and_grant(work, tmp_path, 2025, aids=aids)

    assert granted(counter, name) == 10_000_000
    assert "200000.00 granted on 10/03/2023 by Provincia" in told(counter, name)
