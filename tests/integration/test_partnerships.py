"""Are those who apply together held to the call, and each in one application?"""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from cli import main
from config.loader import load
from models.vocabulary import Event
from tests.builders import CLOSING, PAPER, Office, office, rome
from tests.click_days import Counter, publish
from tests.contents import rows
from tests.editions import SECOND, open_to_all, together
from tests.explained import explain_all
from tests.integration.test_races import doing, moving_freely, taking
from tests.integration.test_retention import post
from tests.processes import Place
from tests.processes import together as at_once
from workflow.errors import InputError, RefusedError
from workflow.services import call_acts, calls, intake, log, retention
from workflow.services.moves import MoveCommand

OTHER = "RLF12025051246"
ERASING = "decreto 77/2036-03-07"

LEAD = 1


def partner(number: int, kind: str = "firm", **changes: Any) -> dict[str, Any]:
    """Return a partner whom no list names; the number is its tax code."""
    return {
        "tax_code": f"{number:011d}",
        "name": f"Impresa {number}",
        "kind": kind,
        **changes,
    }


def line(counter: Counter, lead: int, *partners: int, **changes: Any) -> dict[str, Any]:
    """Return an application of a lead and its partners, by their numbers."""
    with_them = [partner(number) for number in partners]
    request = counter.request(lead, "31000.00", partners=with_them)
    return {
        **request,
        "portal_id": f"P-{lead}-{'-'.join(map(str, partners))}",
        **changes,
    }


def filed(
    counter: Counter, lead: int, *partners: int, **changes: Any
) -> dict[str, Any]:
    (answer,) = counter.take(line(counter, lead, *partners, **changes))
    return answer


def taken(counter: Counter, lead: int, *partners: int, **changes: Any) -> str:
    answer = filed(counter, lead, *partners, **changes)
    assert answer["outcome"] == "submitted", answer
    return str(answer["protocol"])


def code(answer: Mapping[str, Any]) -> str:
    return str(answer["error"]["code"] if answer["error"] else answer["outcome"])


def change(
    counter: Counter, protocol: str, *partners: dict[str, Any], **stated: Any
) -> dict[str, Any]:
    return counter.work.move(
        protocol,
        Event.CHANGE_PARTNERS,
        inputs={"partners": list(partners)},
        **{"reason": "the lead asks for it", **stated},
    )


def refusal(counter: Counter, protocol: str, *partners: dict[str, Any]) -> str:
    with pytest.raises(RefusedError) as error:
        change(counter, protocol, *partners)
    return error.value.code


def known(counter: Counter) -> dict[str, str]:
    """Return by which identifier each tax code is known."""
    kept = rows(counter.work.desk.engine, "SELECT tax_code, id FROM applicants")
    return {code: str(UUID(str(identity))) for code, identity in kept}


def references(entry: Mapping[str, Any], key: str = "partnership") -> list[str]:
    return [one["applicant"] for one in entry["findings"][key]["partners"]]


@pytest.fixture
def counter(work: Office, tmp_path: Path) -> Counter:
    """Open a call in which nobody is in two applications."""
    return publish(work, together(tmp_path, maximum=4))


# What is filed


def test_lead_and_partners_are_kept_and_the_entry_names_them_by_reference(
    counter: Counter,
):
    applicant = {**counter.request(LEAD, "31000.00")["applicant"], "kind": "public"}
    partners = [partner(2), partner(3, "research", name="Università Ωé \u202e 大学")]

    protocol = taken(counter, LEAD, applicant=applicant, partners=partners)

    (entry,) = counter.entries(event="submit")
    told, codes = entry["findings"]["partnership"], known(counter)
    assert told["members"] == 3
    assert told["kinds"] == {"firm": 1, "public": 1, "research": 1}
    assert told["lead"] == {"applicant": codes[f"{LEAD:011d}"], "kind": "public"}
    assert [one["kind"] for one in told["partners"]] == ["firm", "research"]
    assert references(entry) == [codes[f"{number:011d}"] for number in (2, 3)]
    case = counter.file(protocol)
    assert case.lead_kind == "public"
    assert [(one.name, one.kind) for one in case.partners] == [
        ("Impresa 2", "firm"),
        ("Università Ωé \u202e 大学", "research"),
    ]
    assert [one.id for one in case.partners] == references(entry)
    assert "Impresa" not in orjson.dumps(counter.entries()).decode()
    assert counter.work.verified()


def test_they_are_as_many_and_as_invited_as_the_call_wants(
    work: Office, tmp_path: Path
):
    rules: dict[str, Any] = {"minimum": 3, "minimum_firms": 3, "maximum": 4}
    counter = publish(work, together(tmp_path, invited=True, **rules))
    listed = [one.tax_code for one in counter.rules.beneficiaries]
    known_ones = [partner(0, tax_code=listed[n]) for n in range(1, 5)]
    firm = {**counter.request(LEAD, "31000.00")["applicant"], "kind": "firm"}

    answers = [
        filed(counter, LEAD, partners=partners, applicant=lead)
        for partners, lead in (
            ((), firm),
            (known_ones[:1], firm),
            (known_ones[:2], {**firm, "kind": "other"}),
            (known_ones, firm),
            ([*known_ones[:2], partner(7)], firm),
        )
    ]

    assert list(map(code, answers)) == [
        "partnership.too_few",
        "partnership.too_few",
        "partnership.too_few_firms",
        "partnership.too_many",
        "partnership.not_invited",
    ]
    assert "are not: partner 3 (`partners.2`); leave" in answers[-1]["error"]["message"]
    assert rows(work.desk.engine, "SELECT count(*) FROM applicants") == [(0,)]
    taken(counter, LEAD, partners=known_ones[:2], applicant=firm)
    assert work.verified()


def test_where_the_call_says_nothing_everybody_applies_alone(
    work: Office, tmp_path: Path
):
    counter = publish(work, open_to_all(tmp_path))

    answers = counter.take(
        line(counter, LEAD, 2),
        line(counter, LEAD, 2, draft=True, portal_id="D"),
        line(counter, LEAD, 2, channel="pec", portal_id="BY-PEC"),
    )

    assert [code(one) for one in answers] == [
        "partnership.not_foreseen",
        "partnership.not_foreseen",
        "waiting",
    ]
    assert "leave `partners` out" in answers[0]["error"]["message"]
    by_pec = answers[2]["protocol"]
    assert [one.name for one in counter.file(by_pec).partners] == ["Impresa 2"]
    assert refusal(counter, by_pec) == "partnership.not_foreseen"


def test_nobody_is_in_two_open_applications_as_lead_or_as_partner(counter: Counter):
    first = taken(counter, LEAD, 2, 3)

    in_one_group = counter.take(
        line(counter, 4, 3),  # a partner in both
        line(counter, 2),  # a partner there, alone here
        line(counter, 5, LEAD),  # the lead there, a partner here
        line(counter, 6, 7),
        line(counter, 8, 7),  # taken in a line before
        line(counter, 7),
    )

    assert [code(one) for one in in_one_group] == [
        *["partnership.in_two"] * 3,
        "submitted",
        *["partnership.in_two"] * 2,
    ]
    said = [one["error"]["message"] for one in in_one_group if one["error"]]
    assert f"partner 1 (`partners.0`) is already in {first}" in said[0]
    assert f"the applicant is already in {first}" in said[1]
    kept = [one["refusal"]["message"] for one in counter.entries(outcome="refused")]
    assert kept == said
    assert set(known(counter)) == {f"{n:011d}" for n in (LEAD, 2, 3, 6, 7)}


def test_an_application_that_ends_frees_its_members_and_a_draft_binds_nobody(
    counter: Counter,
):
    first = taken(counter, LEAD, 2)
    (draft,) = counter.take(line(counter, 3, 2, draft=True, portal_id="D"))

    before = filed(counter, 3, 2, portal_id="D")
    counter.work.move(first, Event.WITHDRAW, inputs={"document": PAPER})
    after = filed(counter, 3, 2, portal_id="D", key="again")

    assert [code(one) for one in (draft, before, after)] == [
        "draft",
        "partnership.in_two",
        "submitted",
    ]
    assert code(filed(counter, LEAD, 4)) == "submitted"
    assert counter.work.verified()


def test_where_it_is_allowed_a_partner_is_in_many(work: Office, tmp_path: Path):
    counter = publish(work, together(tmp_path, one_application_each=False))

    answers = counter.take(line(counter, 1, 3), line(counter, 2, 3), line(counter, 3))

    assert [code(one) for one in answers] == ["submitted"] * 3


def test_the_same_line_again_is_the_same_only_with_the_same_partners(counter: Counter):
    first = filed(counter, LEAD, 2, portal_id="P", key="k")

    again = filed(counter, LEAD, 2, portal_id="P", key="k")
    other = filed(counter, LEAD, 3, portal_id="P", key="k")

    assert (again["outcome"], again["protocol"]) == ("duplicate", first["protocol"])
    assert code(other) == "key.reused"


def test_who_was_known_as_a_partner_applies_with_its_own_name_and_address(
    counter: Counter,
):
    first = taken(counter, LEAD, 2)
    counter.work.move(first, Event.WITHDRAW, inputs={"document": PAPER})
    applicant = {
        **counter.request(2, "31000.00")["applicant"],
        "name": "Seconda S.p.A.",
        "pec": "seconda@pec.example.it",
    }
    late = filed(counter, 2, applicant=applicant, documents=[])

    own = taken(counter, 2, applicant=applicant, portal_id="OWN")
    taken(counter, 5, 6)
    counter.work.move(own, Event.WITHDRAW, inputs={"document": PAPER})
    third = taken(counter, 7, 2)

    assert code(late) == "documents.missing"
    case = counter.file(own)
    assert {one.recipient for one in case.notices} == {"seconda@pec.example.it"}
    assert [one.name for one in counter.file(third).partners] == ["Seconda S.p.A."]


def test_who_is_refused_leaves_no_trace_of_itself(counter: Counter):
    taken(counter, LEAD, 2)
    engine = counter.work.desk.engine
    before = rows(engine, "SELECT tax_code, name, pec FROM applicants ORDER BY id")

    answer = filed(counter, 2, 8, documents=[])

    assert code(answer) == "partnership.in_two"
    assert before == rows(
        engine, "SELECT tax_code, name, pec FROM applicants ORDER BY id"
    )


def test_a_group_that_names_many_people_is_taken_in_all_the_same(
    work: Office, tmp_path: Path
):
    counter = publish(work, together(tmp_path))
    crowd = [
        line(counter, lead, *range(lead + 1, lead + 501), portal_id=f"P-{lead}")
        for lead in range(1, 13 * 501, 501)
    ]

    answers = counter.take(*crowd)

    assert {one["outcome"] for one in answers} == {"submitted"}
    assert rows(work.desk.engine, "SELECT count(*) FROM partners") == [(13 * 500,)]
    assert work.verified()


# What changes afterwards


def test_partners_change_and_the_entry_says_before_and_after(counter: Counter):
    protocol = taken(counter, LEAD, 2, 3)

    answer = change(counter, protocol, partner(4, "public"), partner(3))

    (entry,) = counter.entries(event="change_partners")
    codes = known(counter)
    assert references(entry, "partnership_before") == [
        codes[f"{number:011d}"] for number in (2, 3)
    ]
    assert references(entry) == [codes[f"{number:011d}"] for number in (4, 3)]
    assert entry["findings"]["partnership"]["kinds"] == {"firm": 1, "public": 1}
    assert entry["inputs"] == {"partners": 2}
    assert (answer["from"], answer["to"]) == ("submitted", "submitted")
    assert [one.name for one in counter.file(protocol).partners] == [
        "Impresa 4",
        "Impresa 3",
    ]
    assert code(filed(counter, 2)) == "submitted"  # it is free again
    change(counter, protocol, partner(3), partner(4))
    assert [(one.name, one.kind) for one in counter.file(protocol).partners] == [
        ("Impresa 3", "firm"),
        ("Impresa 4", "firm"),
    ]
    assert counter.work.verified()


def test_a_change_that_is_refused_changes_nothing_and_is_recorded(
    work: Office, tmp_path: Path
):
    counter = publish(work, together(tmp_path, minimum=2, maximum=3))
    protocol, other = taken(counter, LEAD, 2), taken(counter, 3, 4)
    before = counter.file(protocol).partners

    codes = [
        refusal(counter, protocol, *partners)
        for partners in (
            (),
            (partner(2), partner(5), partner(6)),
            (partner(2), partner(4)),
            (partner(3),),
            (partner(LEAD), partner(2)),
            (partner(2),),
        )
    ]

    assert codes == [
        "partnership.too_few",
        "partnership.too_many",
        "partnership.in_two",
        "partnership.in_two",
        "partnership.lead_twice",
        "partnership.unchanged",
    ]
    assert counter.file(protocol).partners == before
    assert set(known(counter)) == {f"{n:011d}" for n in (LEAD, 2, 3, 4)}
    kept = counter.entries(event="change_partners")
    assert [one["refusal"]["code"] for one in kept] == codes
    assert f"already in {other}" in kept[2]["refusal"]["message"]
    assert kept[1]["inputs"] == {"partners": 3}
    with pytest.raises(RefusedError) as error:
        change(counter, protocol, partner(9), reason=None)
    assert error.value.code == "reason.missing"
    with pytest.raises(InputError) as unread:
        change(counter, protocol, partner(9), partner(9))
    assert "partner 2 has the tax code of partner 1" in unread.value.message
    assert work.verified()


def test_a_change_that_is_tried_or_repeated_is_made_once(counter: Counter):
    protocol = taken(counter, LEAD, 2)

    tried = change(counter, protocol, partner(3), dry_run=True)
    first = change(counter, protocol, partner(3), key="k")
    again = change(counter, protocol, partner(3), key="k")
    with pytest.raises(RefusedError) as error:
        change(counter, protocol, partner(4), key="k")

    assert tried["findings"]["partnership"]["members"] == 2
    assert first == again
    assert error.value.code == "key.reused"
    assert len(counter.entries(event="change_partners", outcome="ok")) == 1
    assert f"{4:011d}" not in known(counter)


# Who is in two, whatever is done


class Step(NamedTuple):
    """Something that is done: by a lead, or to the file of that lead."""

    what: str
    lead: int
    partners: tuple[int, ...]


people = st.integers(1, 6)
steps = st.builds(
    Step,
    st.sampled_from(["file", "file", "change", "withdraw", "draft"]),
    people,
    st.lists(people, max_size=3, unique=True).map(tuple),
)


class Played:
    """A call as it should be: each open application, and who is in it."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.open: dict[int, tuple[str, tuple[int, ...]]] = {}
        self.done = 0

    def is_free(self, lead: int, partners: tuple[int, ...]) -> bool:
        others = [
            one
            for other, (_, members) in self.open.items()
            if other != lead
            for one in (other, *members)
        ]
        return lead not in partners and not {lead, *partners} & set(others)

    def carry_out(self, step: Step) -> None:
        """Do it, and see that it is refused exactly if somebody would be in two."""
        self.done += 1
        lead, partners = step.lead, step.partners
        protocol, there = self.open.get(lead, ("", ()))
        if step.what in {"file", "draft"}:
            is_draft = step.what == "draft"
            request = line(
                self.counter,
                lead,
                *partners,
                portal_id=f"P-{self.done}",
                draft=is_draft,
            )
            (answer,) = self.counter.take(request)
            may = self.is_free(lead, partners) and not protocol
            if is_draft:
                may = lead not in partners and not protocol
            assert (answer["outcome"] != "refused") == may, answer
            if may and not is_draft:
                self.open[lead] = answer["protocol"], partners
        elif protocol and step.what == "withdraw":
            stated = {"document": PAPER}
            self.counter.work.move(protocol, Event.WITHDRAW, inputs=stated)
            del self.open[lead]
        elif protocol:
            may = self.is_free(lead, partners) and set(there) != set(partners)
            try:
                change(self.counter, protocol, *map(partner, partners))
            except RefusedError:
                assert not may
                return
            assert may
            self.open[lead] = protocol, partners

    def said(self) -> dict[str, tuple[str, ...]]:
        """Who is in which open application, by the register alone."""
        told: dict[str, tuple[str, ...]] = {}
        for entry in self.counter.entries(outcome="ok"):
            if together := entry["findings"].get("partnership"):
                members = (together["lead"], *together["partners"])
                who = tuple(one["applicant"] for one in members)
                told[entry["protocol"]] = who
            elif entry["event"] == "withdraw":
                del told[entry["protocol"]]
        return told


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """Open the call once; each story is lived on a copy."""
    folder = tmp_path_factory.mktemp("partnerships")
    shutil.copyfile(sqlite_template, folder / "sportello.db")
    with office(f"sqlite:///{folder / 'sportello.db'}") as work:
        publish(work, together(folder))
    return folder


@pytest.mark.timeout(300)
@settings(max_examples=15)
@given(story=st.lists(steps, min_size=3, max_size=14))
def test_whatever_is_filed_changed_and_withdrawn_nobody_is_in_two(
    opened: Path, story: list[Step]
):
    shutil.copyfile(opened / "sportello.db", opened / "story.db")
    with office(f"sqlite:///{opened / 'story.db'}") as work:
        played = Played(Counter(work, load(opened / f"{SECOND}.toml")))

        for step in story:
            played.carry_out(step)

        codes = {code: number for number, code in known(played.counter).items()}
        assert {
            protocol: tuple(int(codes[one]) for one in who)
            for protocol, who in played.said().items()
        } == {
            protocol: (lead, *partners)
            for lead, (protocol, partners) in played.open.items()
        }
        members = [one for who in played.said().values() for one in who]
        assert len(members) == len(set(members))
        assert work.verified()


def test_of_those_who_name_the_same_partner_at_once_one_has_it(
    postgres_office_url: str, tmp_path: Path
):
    with office(postgres_office_url) as work:
        counter = publish(work, together(tmp_path))
        rounds = range(8)
        there = [taken(counter, 100 + one) for one in rounds]
        changes = [
            MoveCommand(
                protocol,
                Event.CHANGE_PARTNERS,
                {"partners": [partner(900 + one)]},
                reason="the lead asks for it",
            )
            for one, protocol in zip(rounds, there, strict=True)
        ]
        lines = [
            [orjson.dumps(line(counter, first + one, 900 + one)) for one in rounds]
            for first in (200, 300)
        ]
        place = Place.at(postgres_office_url, work.clock.now())

        ended = at_once(
            doing,
            [
                (moving_freely, place, changes),
                *((taking, place, SECOND, some) for some in lines),
            ],
        )

        held = rows(
            work.desk.engine,
            "SELECT count(*) FROM partners p "
            "JOIN applications a ON a.id = p.application_id "
            "WHERE p.left_at IS NULL GROUP BY p.applicant_id",
        )
        assert held == [(1,)] * len(rounds)
        refused = [one["refusal"]["code"] for one in counter.entries(outcome="refused")]
        assert refused == ["partnership.in_two"] * 2 * len(rounds)
        assert len(ended) == 3
        assert work.verified()


# What is asked of the database, and what stays in it


def test_where_each_applies_alone_nothing_is_asked_of_partners(
    work: Office, tmp_path: Path
):
    counter = publish(work, open_to_all(tmp_path))
    asked: list[str] = []

    @event.listens_for(work.desk.engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    answers = counter.take(*(line(counter, number) for number in range(1, 20)))
    counter.work.move(answers[0]["protocol"], Event.START_REVIEW)

    assert len(asked) > 10
    assert [one for one in asked if "partners" in one.lower()] == []


def test_the_personal_data_of_partners_ends_with_the_call_and_the_register_verifies(
    work: Office, tmp_path: Path
):
    counter = publish(work, together(tmp_path, one_application_each=False))
    calls.register_call(work.desk, open_to_all(tmp_path, OTHER))
    first = taken(counter, LEAD, 2, 3, 4)
    change(counter, first, partner(3), partner(4), partner(5))  # 2 has left
    alone = {**counter.request(4, "31000.00"), "portal_id": "ELSEWHERE"}
    (elsewhere,) = intake.take_in(work.desk, OTHER, [orjson.dumps(alone)])
    assert elsewhere["outcome"] == "submitted"
    work.clock.move_to(CLOSING + timedelta(days=1))
    work.move(first, Event.WITHDRAW, inputs={"document": PAPER})
    post(work, tmp_path)
    call_acts.conclude(work.desk, SECOND, act="decreto 9/2026-03-06")
    work.clock.move_to(rome(2036, 3, 7, 12))

    entry = retention.erase(work.desk, SECOND, act=ERASING, reason="its time is over")

    assert entry is not None
    assert entry["findings"]["erased"]["applicants"] == 4
    assert entry["findings"]["kept_for"] == {OTHER: 1}
    left = rows(
        work.desk.engine, "SELECT tax_code, name FROM applicants WHERE name <> ''"
    )
    assert left == [(f"{4:011d}", "Impresa 4")]
    assert {one.name for one in counter.file(first).partners} == {
        f"erased under {ERASING}"
    }
    assert work.verified()


def test_who_is_still_a_partner_elsewhere_is_kept(work: Office, tmp_path: Path):
    counter = publish(work, open_to_all(tmp_path, OTHER))
    first = taken(counter, LEAD)
    calls.register_call(work.desk, together(tmp_path, one_application_each=False))
    other = Counter(work, load(tmp_path / f"{SECOND}.toml"))
    taken(other, 9, LEAD, portal_id="ELSEWHERE")
    work.clock.move_to(CLOSING + timedelta(days=1))
    work.move(first, Event.WITHDRAW, inputs={"document": PAPER})
    post(work, tmp_path)
    call_acts.conclude(work.desk, OTHER, act="decreto 9/2026-03-06")
    work.clock.move_to(rome(2036, 3, 7, 12))

    entry = retention.erase(work.desk, OTHER, act=ERASING, reason="its time is over")

    assert entry is not None
    assert entry["findings"]["erased"]["applicants"] == 0
    assert entry["findings"]["kept_for"] == {SECOND: 1}


BY_HAND = {
    "UPDATE partners SET kind = 'other' WHERE ordinal = 2": "has kind other",
    "UPDATE partners SET left_at = NULL": "has left_at nothing",
    "UPDATE partners SET left_at = 1 WHERE ordinal = 2": "has left_at 1970",
    "DELETE FROM partners WHERE ordinal = 2": "is in the entries only",
    "UPDATE applications SET lead_kind = 'firm' WHERE filed_seq = 1": "has lead_kind",
    """
    INSERT INTO partners
    SELECT application_id, (SELECT id FROM applicants WHERE tax_code = '00000000009'),
        7, 'firm', NULL
    FROM partners WHERE ordinal = 2
    """: "is in no entry",
}
"""What somebody with a database client may do, and what the register says of it."""
RESTORED = (
    "DELETE FROM partners",
    "INSERT INTO partners SELECT * FROM kept",
    "UPDATE applications SET lead_kind = NULL",
)


def test_a_partner_changed_by_hand_is_found_by_the_register(counter: Counter):
    first = taken(counter, LEAD, 2, 3)
    taken(counter, 9)
    change(counter, first, partner(3, "public"), partner(4))
    by_hand(counter, "CREATE TABLE kept AS SELECT * FROM partners")

    for statement, fault in BY_HAND.items():
        by_hand(counter, statement)
        found = [one for call in log.verify(counter.work.desk) for one in call.faults]
        assert [fault in one.fault for one in found] == [True], (statement, found)
        by_hand(counter, *RESTORED)

    assert counter.work.verified()


def by_hand(counter: Counter, *statements: str) -> None:
    with counter.work.desk.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


# At the terminal


def test_partners_are_changed_from_a_file_and_shown(
    work: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    counter = publish(work, together(tmp_path, maximum=4))
    protocol = taken(counter, LEAD, 2)
    wanted = [partner(3, "public", name="Ente \x9b \u202e"[:5]), partner(2)]
    lines = b"\n".join(map(orjson.dumps, wanted)) + b"\n\n"
    Path("partners.jsonl").write_bytes(lines)
    faulty = [partner(3, tax_code="RSSMRA"), {"name": "Rossi"}, {**partner(4), "x": 1}]
    Path("faulty.jsonl").write_bytes(b"\n".join(map(orjson.dumps, faulty)) + b"\n[")
    Path("empty.jsonl").touch()

    def typed(*words: str) -> Result:
        return CliRunner().invoke(main, words, obj=work.desk)

    def changed(file: str) -> Result:
        stated = ("--partners", file, "--reason", "as asked", "--yes")
        return typed("advance", protocol, "change_partners", *stated)

    done, wrong, absent = (
        changed(name) for name in ("partners.jsonl", "faulty.jsonl", "none.jsonl")
    )
    shown, told = typed("show", protocol), typed("show", protocol, "--json")
    call = typed("call", "show", counter.code)
    alone = changed("empty.jsonl")
    filing = f"#{counter.entries(event='submit')[0]['seq']}"
    past = typed("show", protocol, "--as-of", filing, "--json")
    then = typed("show", protocol, "--as-of", filing)

    assert done.exit_code == 0, done.output
    assert "3 members with the lead, 2 before; 1 join, 0 leave" in done.stdout
    assert wrong.exit_code == 2
    assert [part for part in FAULTS if part not in wrong.stderr] == []
    assert "RSSMRA" not in wrong.stderr
    assert absent.exit_code == 2
    assert "Partners\n" in shown.stdout
    assert [line.split() for line in shown.stdout.splitlines() if " Impresa " in line][
        -1
    ] == ["2", "firm", "Impresa", "2"]
    assert [one["kind"] for one in orjson.loads(told.stdout)["partners"]] == [
        "public",
        "firm",
    ]
    assert "1 to 4 members, the lead included; nobody in two" in call.stdout
    assert alone.exit_code == 0, alone.output
    (one,) = orjson.loads(past.stdout)["partners"]
    assert one == {"id": known(counter)[f"{2:011d}"], "kind": "firm"}
    assert one["id"] in then.stdout
    assert counter.file(protocol).partners == ()
    explain_all(work)


FAULTS = (
    "line 1: `tax_code`: write 11 digits",
    "line 2: `tax_code` is missing",
    "line 2: `kind` is missing",
    "line 3: `x` is no field of a partner",
    'line 4: write {"tax_code": ..., "name": ..., "kind": ...}',
)
