"""Does a report say what the register does, of every period, and nothing else?"""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from commands import report_documents, report_pages, report_texts
from config.loader import PLANS
from models.vocabulary import CallState, Event, MovementKind
from tests.builders import (
    CTL,
    TO_ACCEPTANCE,
    TO_GRANT,
    Office,
    office,
    rome,
    submission,
)
from tests.contents import entries, rows
from tests.editions import SECOND, open_to_all
from tests.integration.test_retention import NEXT, erase, finish
from tests.servers import fresh_postgres
from tests.terminals import Terminal
from workflow.errors import InputError, RefusedError
from workflow.services import calls, intake, reports, spills, sweep
from workflow.services.moments import Cut
from workflow.services.reports import CallReport, Figures, Report, Wanted

DAYS = tuple(date(2026, 1, 20) + timedelta(days=one) for one in range(4))
KINDS = tuple(MovementKind)
PLAN = "ricerca-innovazione-2025"


def told(work: Office, *codes: str, **wanted: Any) -> Report:
    return reports.report(work.desk, Wanted(tuple(codes), **wanted))


def one(work: Office, **wanted: Any) -> CallReport:
    (found,) = told(work, CTL, **wanted).calls
    return found


def figures(found: Figures) -> dict[str, Any]:
    """Return all that is told of a call, as scripts read it."""
    return report_documents._figures(found, None)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Live four days of a call once, for all who only look at it."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("lived") / "sportello.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        place: AbstractContextManager[str] = nullcontext(f"sqlite:///{file}")
    else:
        place = fresh_postgres(
            request.getfixturevalue("postgres_server"),
            request.getfixturevalue("postgres_template"),
        )
    with place as url, office(url) as opened:
        yield live(opened)


def live(work: Office) -> Office:
    """Take four applications in, and let much happen to them in four days."""
    first, second, third, fourth = (
        work.file(number, requested=f"{number + 1}00000.00") for number in range(4)
    )
    work.routine(first, *TO_GRANT)
    work.wait(days=1)
    overtaking = {"inputs": {"overtake": True}, "reason": "urgent by judgment"}
    act = f"decreto 5/{work.today.isoformat()}"
    work.move(third, Event.START_REVIEW, act=act, **overtaking)
    work.wait(days=1)
    work.routine(second, *TO_GRANT)
    work.routine(fourth, Event.WITHDRAW)
    work.routine(first, *TO_ACCEPTANCE[len(TO_GRANT) :])
    work.wait(days=1)
    return work


# --- what is told ---------------------------------------------------------------------


def test_the_story_of_a_call_is_counted(lived: Office):
    found = one(lived)

    said = figures(found.figures)
    assert (said["submitted"], said["admitted"], said["refused"]) == (4, 2, 0)
    assert said["exits"]["withdrawn"] == 1
    assert said["standing"] == {
        "accepted": 1,
        "negotiating": 1,
        "submitted": 1,
        "withdrawn": 1,
    }
    ((overtaking,),) = [said["overtakings"]]
    assert overtaking["act"]["number"] == "5"
    assert (overtaking["by"], overtaking["overtaken"]) == ("2026/0000003", 1)
    money = said["money"]
    assert (money["requested"], money["grants"], money["undertakings"]) == (
        "1000000.00",
        2,
        2,
    )
    assert money["requested_beyond_allocation"] == "0.00"
    assert money["disbursable"] == "30000.00"
    assert money["mean_grant"] == half(money["granted"])
    assert {one["step"]: one["median_days"] for one in said["steps"]} == {
        "conclusion": 1,
        "formal_check": 0,
        "merit": 0,
        "definitive_plan": 0,
        "plan_check": 0,
    }
    assert {one["share_within"] for one in said["steps"]} == {"100.0"}
    assert found.faults == ()


def half(written: str) -> str:
    cents = int(written.replace(".", ""))
    return f"{(cents + 1) // 2 // 100}.{(cents + 1) // 2 % 100:02d}"


def test_the_flows_of_days_add_up_to_those_of_all_of_them(lived: Office):
    whole = one(lived, first=DAYS[0], last=DAYS[3]).figures.flows
    for split in range(3):
        parts = one(lived, first=DAYS[0], last=DAYS[split]).figures.flows
        parts.add(one(lived, first=DAYS[split + 1], last=DAYS[3]).figures.flows)

        assert parts == whole


def test_money_is_what_the_ledger_adds_up_to(lived: Office):
    found = one(lived).figures

    kept = {
        kind: (int(reserved), int(granted))
        for kind, reserved, granted in rows(
            lived.desk.engine,
            "SELECT kind, sum(reserved), sum(granted) FROM movements GROUP BY kind",
        )
    }
    call = rows(lived.desk.engine, "SELECT allocation, reserved, granted FROM calls")
    assert found.money is not None
    stands = (found.money.allocation, found.money.reserved, found.money.granted)
    assert call == [stands]
    for kind in KINDS:
        counted = found.flows.reserved[kind], found.flows.granted[kind]
        assert counted == kept.get(kind.value, (0, 0)), kind
    assert found.flows.released == -sum(kept[MovementKind.RELEASE.value])


def test_what_was_told_of_days_that_are_over_never_changes(work: Office):
    live(work)
    before = {day: figures(one(work, last=day).figures) for day in DAYS[:3]}
    tail = figures(one(work, first=DAYS[1], last=DAYS[2]).figures)

    work.wait(days=200)
    sweep.sweep(work.desk)
    work.routine("2026/0000003", Event.ADMIT)

    assert {day: figures(one(work, last=day).figures) for day in before} == before
    assert figures(one(work, first=DAYS[1], last=DAYS[2]).figures) == tail
    later = figures(one(work, first=DAYS[3]).figures)
    assert later["missed"] == {
        "administration": {
            "conclusion": 1,
            "formal_check": 1,
            "aid_registry": 2,
            "lapse_decision": 1,
        },
        "applicants": {"start": 1},
    }
    assert later["money"]["disbursable"] == "0.00"  # the code of the registry lapsed
    (check,) = (step for step in later["steps"] if step["step"] == "formal_check")
    assert (check["count"], check["within"], check["median_days"]) == (1, 0, 202)


def test_an_entry_belongs_to_the_civil_day_of_rome(work: Office):
    work.clock.move_to(rome(2026, 1, 20, 23, 59))
    work.file(0)
    work.clock.move_to(rome(2026, 1, 21, 0, 1))  # still the 20th by the hour of UTC
    work.file(1)
    work.wait(days=1)

    counted = [
        one(work, first=day, last=day).figures.flows.submitted for day in DAYS[:3]
    ]

    assert counted == [1, 1, 0]


def test_whoever_waits_for_money_is_counted_as_the_call_shows_it(work: Office):
    for number in range(3):
        work.file(number, requested="400000.00")

    found, shown = one(work).figures, calls.shown(work.desk, CTL)

    assert found.money is not None
    assert found.money.beyond == 200_000_00
    assert (found.stock.waiting, found.stock.waiting_amount) == (
        shown.waiting,
        shown.waiting_amount,
    )
    assert found.stock.waiting == 1


def test_calls_together_count_an_undertaking_once(work: Office, tmp_path: Path):
    calls.register_call(work.desk, open_to_all(tmp_path))
    first = work.file(0)
    line = {**submission(0), "portal_id": "OTHER"}
    (other,) = intake.take_in(work.desk, SECOND, [json.dumps(line).encode()])
    for protocol in (first, other["protocol"]):
        work.routine(str(protocol), *TO_GRANT)

    both = told(work)

    assert [each.call for each in both.calls] == [CTL, SECOND]
    assert both.total.flows.grants == 2
    assert both.total.money is not None
    assert both.total.money.undertakings == 1
    assert both.total.money.mean_grant == both.total.flows.granted_amount
    assert told(work, SECOND).total.flows.submitted == 1
    assert len(told(work, CTL, CTL).calls) == 1


def test_files_that_do_not_fit_in_memory_are_counted_the_same(
    lived: Office, monkeypatch
):
    whole = figures(one(lived).figures)

    monkeypatch.setattr(spills, "RESIDENT", 2)

    assert figures(one(lived).figures) == whole


# --- nothing, and too early -----------------------------------------------------------


def test_of_an_empty_call_nothing_is_undefined_but_its_mean(work: Office):
    found = figures(one(work).figures)

    assert found["submitted"] == 0
    assert found["money"]["mean_grant"] is None
    assert (found["money"]["granted"], found["steps"]) == ("0.00", [])
    assert one(work).state is CallState.OPEN  # as it had to stand: nobody noticed yet


def test_a_call_that_is_unknown_or_was_not_there_yet_is_refused(work: Office):
    before = date(2026, 1, 10)
    asked = (
        (Wanted(("RLF12020000001",)), RefusedError, "call.unknown"),
        (Wanted((CTL,), last=before), RefusedError, "moment.too_early"),
        (Wanted(last=date(2026, 2, 1)), RefusedError, "moment.future"),
        (Wanted(first=DAYS[1], last=DAYS[0]), InputError, "range.backwards"),
    )
    for wanted, kind, code in asked:
        with pytest.raises(kind) as error:
            reports.report(work.desk, wanted)
        assert error.value.code == code

    assert told(work, last=before).calls == ()
    assert "no call has an entry by then" in list(
        report_texts.lines(told(work, last=before))
    )


def test_a_call_whose_personal_data_was_erased_still_reports(
    work: Office, tmp_path: Path
):
    over = finish(work, tmp_path)
    before = figures(one(over).figures)
    over.clock.move_to(NEXT)

    assert erase(over) is not None

    assert figures(one(over).figures) == before
    assert before["exits"]["withdrawn"] == 2


def test_a_call_without_money_tells_so_and_no_grant_of_zero(work: Office):
    found = one(work)
    without = reports._Sum(found.figures.flows, found.figures.stock).figures()
    told_of = CallReport(
        CTL, "A list", found.state, Cut(1, found.cut.at), found.rules, without, ()
    )
    report = Report(None, None, found.cut.at, (told_of,), without, None)

    document = json.loads(report_documents.as_text(report))
    texts = "\n".join(report_texts.lines(report))
    table = report_documents.as_csv(report)

    assert document["calls"][0]["money"] is None
    assert document["calls"][0]["waiting"] is None
    assert "no money (senza dotazione)" in texts
    assert "no money (senza dotazione)" in report_pages.as_html(report)
    assert ',"money","","no money (senza dotazione)",' in table
    assert not any(
        "grant" in line for line in (*texts.splitlines(), *table.splitlines())
    )


def test_nobody_is_named_in_any_form(lived: Office):
    report = told(lived, plan=PLANS.load(PLANS.find(PLAN)))
    everything = "".join(
        (
            report_documents.as_text(report),
            report_documents.as_csv(report),
            report_pages.as_html(report),
            *report_texts.lines(report),
        )
    )

    for number in range(4):
        applicant = submission(number)["applicant"]
        for name in ("tax_code", "name", "pec"):
            assert applicant[name] not in everything
    files = {each["application"] for each in entries(lived)} - {None}
    assert len(files) == 4
    assert not any(file in everything for file in files)


# --- at a terminal --------------------------------------------------------------------


@pytest.fixture
def granted(terminal: Terminal) -> Terminal:
    terminal.to_negotiation()
    return terminal


class Page(HTMLParser):
    """Notes which parts a page is made of, and what they say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, dict(attrs)))


def test_the_page_stands_by_itself_and_is_told_to_who_does_not_see_it(granted):
    text = granted.type("report", "--plan", PLAN, "--format", "html").stdout

    page = Page(text)
    tags = [tag for tag, _ in page.parts]
    assert "script" not in tags
    assert not {"link", "img", "iframe", "object"} & set(tags)
    assert not any(
        name in ("src", "href", "style") for _, one in page.parts for name in one
    )
    charts = [one for tag, one in page.parts if tag == "svg"]
    identified = {one["id"] for _, one in page.parts if "id" in one}
    assert len(charts) >= 10
    assert tags.count("desc") == len(charts)
    for chart in charts:
        assert set(str(chart["aria-labelledby"]).split()) <= identified
    assert len(identified) == 2 * len(charts)
    policy = next(str(one["content"]) for tag, one in page.parts if "http-equiv" in one)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert text.count("<caption>") == tags.count("table")


def test_the_text_fits_on_a_page_and_says_what_scripts_are_told(granted):
    text = granted.type("report", CTL, "--plan", PLAN).stdout
    document = granted.ask("report", CTL, "--plan", PLAN)

    assert max(map(len, text.splitlines())) <= 100
    money = document["calls"][0]["money"]
    assert money["granted"] == "111111.11" == document["total"]["money"]["granted"]
    assert f" {money['granted']}\n" in text
    granted_line = next(
        one for one in document["plan"]["indicators"] if one["indicator"] == "granted"
    )
    assert granted_line["register"] == "0.11111111"
    assert [one["value"] for one in granted_line["values"]] == ["22.37", "71", "73.6"]
    assert [one["register"] for one in granted_line["values"]] == [None] * 3
    subjects = [one["subject"] for one in document["conflicts"]]
    assert subjects.count("Members of the nine clusters") == 1
    assert all(subject in text for subject in subjects)


def test_no_cell_of_the_table_is_a_formula(granted, tmp_path: Path):
    plan = (PLANS.folder / f"{PLAN}.toml").read_text(encoding="utf-8")
    path = tmp_path / "plan.toml"
    changed = plan.replace('title = "Imprese', 'title = "=HYPERLINK(1)&Imprese')
    path.write_text(changed, encoding="utf-8")

    text = granted.type("report", "--plan", str(path), "--format", "csv").stdout

    table = list(csv.reader(io.StringIO(text)))
    assert changed != plan
    assert {len(row) for row in table} == {6}
    assert any(cell.startswith("'=HYPERLINK") for row in table for cell in row)
    assert not any(cell.startswith(("=", "+", "@")) for row in table for cell in row)


def test_a_file_is_written_once_and_never_over_another(granted):
    out = ("--format", "html", "--out", "page.html")

    first = granted.ask("report", *out)

    page = Path("page.html").read_text(encoding="utf-8")
    assert first["written"]["bytes"] == len(page.encode())
    granted.refused("report", *out, code="out.exists", exit_code=2)
    elsewhere = ("--out", "no/where.html")
    granted.refused("report", *elsewhere, code="out.no_parent", exit_code=2)
    assert Path("page.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--plan", "nowhere"), "plan.faults", 1),
        (("--from", "2026-02-30"), "usage", 2),
        (("RLF12020000001",), "call.unknown", 1),
        (("--to", "9999-12-31"), "usage", 2),
    ],
)
def test_what_is_asked_wrongly_is_told_with_the_way_out(
    terminal: Terminal, words, code, exit_code
):
    terminal.refused("report", *words, code=code, exit_code=exit_code)


def test_json_and_another_format_go_together_only_into_a_file(terminal: Terminal):
    answered = terminal.type("report", "--json", "--format", "csv")

    assert answered.exit_code == 2
    assert json.loads(answered.stdout)["error"]["code"] == "report.two_forms"


def test_a_ledger_that_says_something_else_is_found_and_told(granted):
    granted.query("DROP TRIGGER movements_no_update")
    granted.query("UPDATE movements SET granted = granted + 1 WHERE kind = 'grant'")

    plain = granted.type("report", CTL)
    answered = granted.type("report", CTL, "--json")

    assert (plain.exit_code, answered.exit_code) == (5, 5)
    assert "IT DOES NOT ADD UP" in plain.stdout
    (fault,) = json.loads(answered.stdout)["faults"]
    assert "111111.11 granted, the ledger has" in fault


def test_a_period_that_begins_in_the_future_is_refused(work: Office):
    tomorrow = work.today + timedelta(days=1)

    with pytest.raises(RefusedError, match="still to come"):
        reports.report(work.desk, Wanted((), tomorrow))
