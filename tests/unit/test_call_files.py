import os
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from config.families import families, form
from config.loader import (
    CallFileError,
    Fault,
    check,
    dump,
    find,
    fingerprint,
    load,
    parse,
    shipped,
)
from config.places import locate
from config.schema import AS_BEFORE, Partnership, Sourced
from config.terms import MAY_END_AT_AN_HOUR, start_of
from config.values import is_tax_code
from models.canonical import digest, encode
from models.vocabulary import (
    Family,
    OrderPolicy,
    ShortMoneyPolicy,
    SourceStatus,
    TermEffect,
    TermKind,
    TermStart,
    WaitingPhase,
)

CTL = find("ctl-2025")
TEXT = CTL.read_text(encoding="utf-8")
PLAIN = find("competenze-innovazione-2025")
PLAIN_TEXT = PLAIN.read_text(encoding="utf-8")
FROZEN = Path(__file__).with_name("frozen_ctl_2025_v01.json").read_bytes()
"""The shipped call as version 0.1 froze it, before files spoke of the counter."""
TITLE = "Cluster Tecnologici per l'Innovazione \u2013 Edizione 2025"


@pytest.fixture(scope="module")
def ctl():
    return load(CTL)


@pytest.fixture(scope="module")
def plain():
    return load(PLAIN)


@pytest.fixture
def faults_of(tmp_path):
    """Check a file with the given contents."""

    def checked(contents: str | bytes) -> tuple[Fault, ...]:
        path = tmp_path / "call.toml"
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return check(path)

    return checked


def changed(old: str, new: str, text: str = TEXT) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


# --- what is shipped -----------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_call_is_without_fault(name):
    assert check(find(name)) == ()


@pytest.mark.parametrize("name", shipped())
def test_a_call_loaded_dumped_and_read_back_is_equal(name):
    call = load(find(name))

    again = parse(dump(call))

    assert again == call
    assert dump(again) == dump(call)
    assert fingerprint(again) == fingerprint(call)


def test_the_call_is_the_one_that_was_published(ctl):
    assert ctl.code == "RLF12025051244"
    assert ctl.title == TITLE
    assert ctl.window.published_at == datetime(2026, 1, 15, 16, 38, tzinfo=UTC)
    assert ctl.window.opens_at == datetime(2026, 1, 20, 9, tzinfo=UTC)
    assert ctl.window.closes_at == datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert (ctl.window.closes_at - ctl.window.opens_at).total_seconds() == 3_823_200
    assert ctl.allocation.amount == 100_000_000
    assert ctl.aid.fixed == 3_000_000
    assert ctl.aid.variable_percent == Decimal(85)
    assert ctl.aid.cap is None
    assert (ctl.aid.ceiling, ctl.aid.ceiling_years) == (30_000_000, 3)
    assert len(ctl.documents) == 4


def test_the_acts_come_in_the_order_in_which_they_were_made(ctl):
    days = [act.date for act in ctl.acts]

    assert days == [date(2025, 10, 6), date(2025, 12, 22), date(2025, 12, 29)]
    assert [act.approves_call for act in ctl.acts] == [False, True, False]


def test_the_members_of_the_nine_clusters_add_up_as_in_the_report(ctl):
    listed = ctl.beneficiaries

    assert len(listed) == 9
    assert sum(one.members for one in listed) == 755
    assert sum(one.firms for one in listed) == 555
    assert sum(one.research_bodies for one in listed) == 109
    assert sum(one.others for one in listed) == 91


def test_tax_codes_that_are_in_no_source_are_said_to_be_assumed(ctl):
    for listed in ctl.beneficiaries:
        assert listed.tax_code.startswith("99000000")
        assert listed.source is SourceStatus.ASSUMED
        assert "synthetic" in listed.basis


def test_contradictions_between_sources_stay_in_sight(ctl):
    said = [{one.value for one in conflict.statements} for conflict in ctl.conflicts]

    assert said == [
        {"quasi 700", "755"},
        {"12 mesi", "pluriennali"},
        {"29/12/2025", "15/01/2026"},
    ]


@pytest.mark.parametrize(
    ("kind", "count", "start", "effect"),
    [
        ("conclusion", 90, "protocol", "warn"),
        ("formal_check", 30, "review_started", "warn"),
        ("merit", 30, "admitted", "warn"),
        ("completion", 10, "completion_delivered", "stop_waiting"),
        ("observations", 10, "refusal_notice_delivered", "stop_waiting"),
        ("negotiation", 30, "grant_delivered", "warn"),
        ("definitive_plan", 30, "minutes_signed", "propose_lapse"),
        ("plan_check", 20, "plan_filed", "warn"),
        ("plan_correction", 10, "plan_return_delivered", "propose_lapse"),
        ("acceptance", 30, "determination_delivered", "propose_lapse"),
        ("start", 30, "accepted", "propose_lapse"),
        ("duration", 12, "started", "end_plan"),
        ("report", 60, "ended", "propose_lapse"),
        ("aid_registry", 20, "granted", "release_cor"),
        ("lapse_decision", 60, "lapse_proposed", "expire_proposal"),
    ],
)
def test_every_term_runs_as_the_call_says(ctl, kind, count, start, effect):
    rule = ctl.terms[TermKind(kind)]

    assert rule.count == count
    assert rule.counting == ("months" if kind == "duration" else "days")
    assert rule.starts_on is TermStart(start)
    assert rule.effect is TermEffect(effect)


def _decided(call):
    return [rule for kind, rule in call.terms.items() if kind == "lapse_decision"]


@pytest.mark.parametrize("name", shipped())
def test_only_the_manager_of_an_overdue_procedure_is_told(name):
    call = load(find(name))

    told = {kind: rule.escalate_after for kind, rule in call.terms.items()}

    assert told.pop(TermKind.CONCLUSION) == 10
    assert set(told.values()) == {None}
    assert call.terms[TermKind.CONCLUSION].source is SourceStatus.ASSUMED
    lapses = "lapse_decision" in form(call.family).starts
    assert (TermKind.LAPSE_DECISION in call.terms) is lapses
    assert all(rule.source is SourceStatus.ASSUMED for rule in _decided(call))
    assert all(rule.until is None for rule in call.terms.values())


OPTIONAL = {"lists"}
"""Sections that no shipped call has to have."""


@pytest.mark.parametrize("name", shipped())
def test_every_part_says_where_it_comes_from(name):
    call = load(find(name))
    bare = {"code", "year", "title", "family", "responsible_office", "contact"}
    for key in type(call).model_fields.keys() - bare - {"terms", "conflicts"}:
        value = getattr(call, key)
        if value is None and not type(call).model_fields[key].is_required():
            continue
        for part in value if isinstance(value, tuple) else (value,):
            assert isinstance(part, Sourced), key
    assert all(isinstance(rule, Sourced) for rule in call.terms.values())


def test_what_was_not_found_is_not_said_to_be(ctl):
    assert ctl.merit.source is SourceStatus.ASSUMED
    assert "short_money" in ctl.allocation.assumed
    assert "one_per_applicant" in ctl.filing.assumed
    assert ctl.terms[TermKind.DURATION].source is SourceStatus.FOUND
    assert "starts_on" in ctl.terms[TermKind.DURATION].assumed


def test_a_loaded_call_cannot_be_changed(ctl):
    with pytest.raises(TypeError):
        ctl.terms[TermKind.MERIT] = ctl.terms[TermKind.REPORT]
    with pytest.raises(ValueError, match="frozen"):
        ctl.title = "Another"


def test_every_family_has_its_terms_and_every_term_its_start():
    assert {kind for family in families() for kind in form(family).starts} == set(
        TermKind
    )


def test_a_negotiated_counter_accepts_and_compares_as_its_page_says(ctl):
    assert ctl.family == Family("negotiated_counter")
    assert ctl.procedure.acceptance
    assert ctl.counter.order is OrderPolicy.EXACT_INSTANT
    assert ctl.counter.waiting_list is WaitingPhase.AFTER_REVIEW
    assert ctl.counter.overbooking_percent is None
    assert ctl.counter.overbooking_amount is None
    assert not ctl.counter.jump_ahead
    assert ctl.counter.source is SourceStatus.FOUND
    assert ctl.counter.assumed == ("waiting_list", "jump_ahead")


# --- Competenze & Innovazione --------------------------------------------------------


def test_the_plain_counter_is_the_one_that_was_published(plain):
    assert plain.title == "Competenze & Innovazione"
    assert plain.family == Family("plain_counter")
    assert plain.responsible_office == "Unioncamere Lombardia"
    assert plain.window.opens_at == datetime(2025, 1, 15, 9, 30, tzinfo=UTC)
    assert plain.window.closes_at == datetime(2026, 12, 22, 11, tzinfo=UTC)
    assert plain.allocation.amount == 700_000_000
    assert plain.allocation.short_money is ShortMoneyPolicy.WAITING_LIST
    assert plain.aid.cap == 5_000_000
    assert plain.aid.variable_percent == Decimal(70)
    assert (plain.aid.fixed, plain.aid.fixed_matures_on) == (0, None)
    assert (plain.aid.ceiling, plain.aid.ceiling_years) == (30_000_000, 3)
    assert plain.beneficiaries == ()


def test_the_plain_counter_rests_on_its_two_acts(plain):
    acts = [(act.number, act.date, act.approves_call) for act in plain.acts]

    assert acts == [
        ("XII/2849", date(2024, 7, 29), False),
        ("227/2024", date(2024, 12, 20), True),
    ]


def test_the_plain_counter_takes_requests_beyond_its_money(plain):
    assert plain.counter.order is OrderPolicy.EXACT_INSTANT
    assert plain.counter.waiting_list is WaitingPhase.BEFORE_REVIEW
    assert plain.counter.overbooking_percent == Decimal(50)
    assert plain.counter.overbooking_amount is None
    assert not plain.counter.jump_ahead


def test_the_limit_of_requests_contradicts_none_of_those_that_came(plain):
    asked_for = 880_000_000  # by 179 applications
    beyond = plain.allocation.amount * plain.counter.overbooking_percent / 100

    assert plain.allocation.amount < asked_for <= plain.allocation.amount + beyond
    assert asked_for <= 179 * plain.aid.cap


@pytest.mark.parametrize(
    ("kind", "count", "start", "receipt", "effect"),
    [
        ("conclusion", 90, "protocol", False, "warn"),
        ("formal_check", 30, "review_started", False, "warn"),
        ("merit", 30, "admitted", False, "warn"),
        ("completion", 10, "completion_delivered", True, "stop_waiting"),
        ("observations", 10, "refusal_notice_delivered", True, "stop_waiting"),
        ("start", 30, "grant_delivered", True, "propose_lapse"),
        ("duration", 12, "started", False, "end_plan"),
        ("report", 60, "ended", False, "propose_lapse"),
        ("payment", 60, "report_filed", False, "warn"),
        ("aid_registry", 20, "granted", False, "release_cor"),
        ("lapse_decision", 60, "lapse_proposed", False, "expire_proposal"),
    ],
)
def test_every_term_of_the_plain_counter_runs_as_its_file_says(
    plain, kind, count, start, receipt, effect
):
    rule = plain.terms[TermKind(kind)]

    assert rule.count == count
    assert rule.counting == ("months" if kind == "duration" else "days")
    assert rule.starts_on is TermStart(start)
    assert rule.from_receipt is receipt
    assert rule.effect is TermEffect(effect)


def test_a_plain_counter_has_no_term_of_a_negotiation_or_an_acceptance(plain):
    assert not plain.procedure.acceptance
    assert set(TermKind) - set(plain.terms) == {
        TermKind.NEGOTIATION,
        TermKind.DEFINITIVE_PLAN,
        TermKind.PLAN_CHECK,
        TermKind.PLAN_CORRECTION,
        TermKind.ACCEPTANCE,
    }


def test_what_the_plain_counter_takes_from_elsewhere_is_said_to_be_assumed(plain):
    assert {"regime", "fixed", "variable_percent"} == set(plain.aid.assumed)
    assert {"waiting_list", "overbooking_percent", "jump_ahead"} == set(
        plain.counter.assumed
    )
    assert plain.window.assumed == ("published_at",)
    assert plain.merit.source is SourceStatus.ASSUMED
    assert all(one.source is SourceStatus.ASSUMED for one in plain.documents)
    assert "# The real code was not found" in PLAIN_TEXT


def test_the_contradictions_about_the_plain_counter_stay_in_sight(plain):
    said = [{one.value for one in conflict.statements} for conflict in plain.conflicts]

    assert said == [
        {"aprile 2025", "marzo 2025"},
        {"59 progetti, 2,5 milioni", "più di 120, circa 6 milioni"},
        {"70%", "80%"},
    ]


# --- the frozen form -----------------------------------------------------------------


def test_the_hash_is_the_same_whatever_the_layout_of_the_file(ctl, tmp_path):
    head, rest = TEXT.split("[terms.formal_check]")
    term, tail = rest.split("[terms.merit]")
    moved = f"{head}[terms.merit]{tail}\n[terms.formal_check]{term}"
    bare = "\n".join(line.split(" #")[0] for line in moved.splitlines())
    for name, text in (("moved", moved), ("bare", bare)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert fingerprint(load(tmp_path / "moved")) == fingerprint(ctl)
    assert fingerprint(load(tmp_path / "bare")) == fingerprint(ctl)


def test_equal_values_written_otherwise_have_the_same_hash(ctl, tmp_path):
    text = changed('amount = "1000000.00"', 'amount = "1000000"')
    text = changed('variable_percent = "85.00"', "variable_percent = 85", text)
    text = changed("2026-01-20T10:00:00", "2026-01-20T09:00:00Z", text)
    (tmp_path / "call.toml").write_text(text, encoding="utf-8")

    assert fingerprint(load(tmp_path / "call.toml")) == fingerprint(ctl)


def test_another_value_has_another_hash(ctl, tmp_path):
    text = changed("threshold = 60", "threshold = 61")
    (tmp_path / "call.toml").write_text(text, encoding="utf-8")

    assert fingerprint(load(tmp_path / "call.toml")) != fingerprint(ctl)


def test_the_frozen_form_holds_money_and_instants_as_the_outside_reads_them(ctl):
    body = dump(ctl)

    assert b'"amount":"1000000.00"' in body
    assert b'"opens_at":"2026-01-20T09:00:00Z"' in body
    assert b'"variable_percent":"85.00"' in body
    assert b"null" not in body


@pytest.mark.parametrize(
    ("body", "where", "word"),
    [
        (b"", "file", "JSON"),
        (b"\xff", "file", "JSON"),
        (b"[]", "file", "section"),
        (b"{}", "window", "missing"),
    ],
)
def test_a_body_that_is_not_a_call_is_refused(body, where, word):
    with pytest.raises(CallFileError) as refusal:
        parse(body)

    assert any(f.where == where and word in f.message for f in refusal.value.faults)


@pytest.mark.parametrize("instant", ['"20 gennaio"', "1768899600", "null"])
def test_a_frozen_instant_that_cannot_be_read_is_refused(ctl, instant):
    body = dump(ctl).replace(b'"2026-01-20T09:00:00Z"', instant.encode())

    with pytest.raises(CallFileError) as refusal:
        parse(body)

    assert [fault.where for fault in refusal.value.faults] == ["window.opens_at"]


def test_equal_calls_are_one_key(ctl):
    assert {ctl: 1}[parse(dump(ctl))] == 1


def test_a_frozen_call_that_disagrees_with_itself_is_refused(ctl):
    body = dump(ctl).replace(b'"threshold":60', b'"threshold":600')

    with pytest.raises(CallFileError) as refusal:
        parse(body)

    assert [fault.where for fault in refusal.value.faults] == ["merit.threshold"]


# --- calls frozen by version 0.1 -----------------------------------------------------


def test_a_call_frozen_before_files_spoke_of_the_counter_is_still_read(ctl):
    call = parse(FROZEN)

    assert call.counter == AS_BEFORE
    assert call.procedure.acceptance
    assert call.allocation == ctl.allocation
    assert call.aid == ctl.aid
    assert call.window == ctl.window


def test_a_call_frozen_before_it_watched_over_its_decisions_keeps_its_terms():
    kept, body = orjson.loads(FROZEN), orjson.loads(dump(parse(FROZEN)))

    assert body["terms"] == kept["terms"]
    assert "lapse_decision" not in body["terms"]


@pytest.mark.parametrize("name", shipped())
def test_a_call_frozen_without_the_optional_keys_keeps_its_hash(name):
    contents = orjson.loads(dump(load(find(name))))
    contents["terms"].pop("lapse_decision", None)  # a list knows no lapse
    del contents["terms"]["conclusion"]["escalate_after"]
    body = encode(contents)

    call = parse(body)

    assert dump(call) == body
    assert fingerprint(call) == digest(body)
    assert call.terms[TermKind.CONCLUSION].escalate_after is None


def test_what_an_old_call_stood_for_is_frozen_with_it_from_now_on():
    call = parse(FROZEN)

    assert parse(dump(call)) == call


def test_an_old_call_without_a_fixed_part_is_read_though_it_had_to_say_when_due():
    body = FROZEN.replace(b'"fixed":"30000.00"', b'"fixed":"0.00"')
    assert body != FROZEN

    call = parse(body)

    assert (call.aid.fixed, call.aid.fixed_matures_on) == (0, None)


def test_an_old_call_that_disagrees_with_itself_is_refused_at_its_place():
    with pytest.raises(CallFileError) as refusal:
        parse(FROZEN.replace(b'"threshold":60', b'"threshold":600'))

    assert [fault.where for fault in refusal.value.faults] == ["merit.threshold"]


@pytest.mark.parametrize("part", ["procedure", "aid"])
def test_an_old_body_with_a_part_of_another_shape_is_refused(part):
    contents = orjson.loads(FROZEN)
    contents[part] = []

    with pytest.raises(CallFileError) as refusal:
        parse(orjson.dumps(contents))

    assert [fault.where for fault in refusal.value.faults] == [part]


def test_a_call_frozen_today_has_to_say_whether_a_grant_is_accepted(ctl):
    body = dump(ctl).replace(b'"acceptance":true,', b"")

    with pytest.raises(CallFileError) as refusal:
        parse(body)

    assert [fault.where for fault in refusal.value.faults] == ["procedure.acceptance"]


# --- faults --------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutation:
    """One change to the shipped file, and the fault that it must give.

    The fault is expected on the first line that differs, or where `at` stands.
    The file is the one of a negotiated counter, unless `text` is another.
    """

    name: str
    old: str
    new: str
    where: str
    word: str
    at: str | None = None
    text: str = TEXT

    @property
    def mutated(self) -> str:
        return changed(self.old, self.new, self.text)


TOP = "the file as a whole"

PARTNERSHIP = """[partnership]
minimum = 2
maximum = 4
one_application_each = true
invited_only = false
source = "assumed"
basis = "chosen for a test"

[filing]"""
MUTATIONS = (
    Mutation("misspelt key", "fixed = ", "fixd = ", "aid.fixd", "did you mean `fixed`"),
    Mutation("its right key", "fixed = ", "fixd = ", "aid.fixed", "missing", "[aid]"),
    Mutation("strange key", "year = 2025", "year = 2025\nxyz = 1", "xyz", "remove it"),
    Mutation("misspelt top key", "title = ", "titel = ", "titel", "mean `title`"),
    Mutation("no title", "title = ", "titel = ", "title", "missing", TOP),
    Mutation("misspelt section", "[window]", "[windw]", "windw", "mean `window`"),
    Mutation("no section", "[window]", "[windw]", "window", "[window]", TOP),
    Mutation(
        "no source of a term",
        'peremptory = false\nsource = "assumed"\n',
        "peremptory = false\n",
        "terms.conclusion.source",
        'source = "found" or "assumed"',
        "[terms.conclusion]",
    ),
    Mutation(
        "no source of a document",
        'declaration"\ntitle = "Dichiarazione de minimis"\nsource = "found"\n',
        'declaration"\ntitle = "Dichiarazione de minimis"\n',
        "documents[1].source",
        "missing",
        "[[documents]]",
    ),
    Mutation(
        "strange source",
        '= "assumed"',
        '= "guessed"',
        "legal_basis[1].source",
        '"found", "assumed"',
    ),
    Mutation(
        "empty basis",
        'basis = "in force on 22/12/2025, when the call was '
        'approved; its text was not read"',
        'basis = ""',
        "legal_basis[1].basis",
        "empty",
    ),
    Mutation(
        "blank title",
        f'title = "{TITLE}"',
        'title = "  "',
        "title",
        "empty",
    ),
    Mutation(
        "title of two lines",
        'title = "Cluster Tecnologici',
        'title = "Cluster\\n',
        "title",
        "line break",
    ),
    Mutation(
        "title is a number",
        f'title = "{TITLE}"',
        "title = 2025",
        "title",
        "between quotes",
    ),
    Mutation(
        "not a key of the section",
        '["short_money"]',
        '["short_moneys"]',
        "allocation.assumed",
        "not a key",
    ),
    Mutation(
        "code of another shape",
        '"RLF12025051244"',
        '"RLF1202505124"',
        "code",
        "RLF12025051244",
    ),
    Mutation(
        "code in small letters", '"RLF12025051244"', '"rlf12025051244"', "code", "RL"
    ),
    Mutation(
        "code of another year",
        '"RLF12025051244"',
        '"RLF12024051244"',
        "year",
        "the code says 2024",
        "year = 2025",
    ),
    Mutation("another year", "year = 2025", "year = 2026", "year", "code says 2025"),
    Mutation(
        "year of the act",
        "year = 2025",
        "year = 2026",
        "acts[2].date",
        "approved in 2025",
        "date = 2025-12-22",
    ),
    Mutation("year as text", "year = 2025", 'year = "2025"', "year", "whole number"),
    Mutation("year far away", "year = 2025", "year = 20250", "year", "not above 2100"),
    Mutation(
        "unknown family",
        '"negotiated_counter"',
        '"negotiated_countr"',
        "family",
        "mean `negotiated_counter`",
    ),
    Mutation(
        "no legal basis",
        "[[legal_basis]]",
        "[[legal_bases]]",
        "legal_bases",
        "mean `legal_basis`",
    ),
    Mutation(
        "legal basis is a table",
        "year = 2025",
        "year = 2025\nacts = {}",
        "file",
        "TOML",
        "[[acts]]",
    ),
    Mutation(
        "nobody approves",
        "approves_call = true\n",
        "",
        "acts",
        "no act approves",
        "[[acts]]",
    ),
    Mutation(
        "two approve",
        'subject = "Pubblicazione',
        'approves_call = true\nsubject = "Pubblicazione',
        "acts[3].approves_call",
        "another act",
    ),
    Mutation(
        "approval is a text",
        "approves_call = true",
        'approves_call = "true"',
        "acts[2].approves_call",
        "true or false",
    ),
    Mutation(
        "act after publication",
        "date = 2025-12-22",
        "date = 2026-01-16",
        "acts[2].date",
        "after it is published",
    ),
    Mutation(
        "day between quotes",
        "date = 2025-10-06",
        'date = "2025-10-06"',
        "acts[1].date",
        "without quotes",
    ),
    Mutation(
        "day with an hour",
        "date = 2025-10-06",
        "date = 2025-10-06T10:00:00",
        "acts[1].date",
        "not a day",
    ),
    Mutation(
        "day of another century",
        "date = 2025-10-06",
        "date = 0025-10-06",
        "acts[1].date",
        "the year 25",
    ),
    Mutation(
        "opening before publication",
        "published_at = 2026-01-15T17:38:00",
        "published_at = 2026-01-20T10:00:01",
        "window.published_at",
        "opens before it is published",
    ),
    Mutation(
        "closing before opening",
        "closes_at = 2026-03-05T16:00:00",
        "closes_at = 2026-01-20T09:59:59",
        "window.closes_at",
        "closes before it opens",
    ),
    Mutation(
        "closing at the opening",
        "closes_at = 2026-03-05T16:00:00",
        "closes_at = 2026-01-20T10:00:00",
        "window.closes_at",
        "closes before it opens",
    ),
    Mutation(
        "hour that does not exist",
        "closes_at = 2026-03-05T16:00:00",
        "closes_at = 2026-03-29T02:30:00",
        "window.closes_at",
        "does not exist",
    ),
    Mutation(
        "hour that happens twice",
        "closes_at = 2026-03-05T16:00:00",
        "closes_at = 2026-10-25T02:30:00",
        "window.closes_at",
        "happens twice",
    ),
    Mutation(
        "day without hour",
        "opens_at = 2026-01-20T10:00:00",
        "opens_at = 2026-01-20",
        "window.opens_at",
        "2026-01-20T10:00:00",
    ),
    Mutation(
        "hour without day",
        "opens_at = 2026-01-20T10:00:00",
        "opens_at = 10:00:00",
        "window.opens_at",
        "not a date and time",
    ),
    Mutation(
        "instant between quotes",
        "opens_at = 2026-01-20T10:00:00",
        'opens_at = "2026-01-20T10:00:00"',
        "window.opens_at",
        "without quotes",
    ),
    Mutation(
        "instant at the end of time",
        "opens_at = 2026-01-20T10:00:00",
        "opens_at = 9999-12-31T23:59:59-05:00",
        "window.opens_at",
        "year 9999",
    ),
    Mutation(
        "day that does not exist",
        "date = 2025-10-06",
        "date = 2025-02-30",
        "file",
        "invalid date",
    ),
    Mutation(
        "comma in money",
        'amount = "1000000.00"',
        'amount = "1000000,00"',
        "allocation.amount",
        "with a dot",
    ),
    Mutation(
        "points in money",
        'amount = "1000000.00"',
        'amount = "1.000.000"',
        "allocation.amount",
        "not an amount",
    ),
    Mutation(
        "three decimals",
        '"30000.00"',
        '"30000.005"',
        "aid.fixed",
        "at most two decimals",
    ),
    Mutation(
        "negative money", '"30000.00"', '"-30000.00"', "aid.fixed", "not negative"
    ),
    Mutation(
        "money as a float", '"30000.00"', "30000.00", "aid.fixed", "between quotes"
    ),
    Mutation(
        "money as a whole number", '"30000.00"', "30000", "aid.fixed", "between quotes"
    ),
    Mutation(
        "too much money",
        'amount = "1000000.00"',
        'amount = "99999999999999.00"',
        "allocation.amount",
        "not an amount",
    ),
    Mutation(
        "money in other digits",
        'amount = "1000000.00"',
        'amount = "\uff11000000.00"',
        "allocation.amount",
        "not an amount",
    ),
    Mutation(
        "fixed part above the cap",
        "ceiling = ",
        'cap = "29999.99"\nceiling = ',
        "aid.fixed",
        "above the cap of 29999.99",
        'fixed = "30000.00"',
    ),
    Mutation(
        "cap above the allocation",
        "ceiling = ",
        'cap = "1000000.01"\nceiling = ',
        "aid.cap",
        "above the allocation",
    ),
    Mutation(
        "fixed part above the allocation",
        'amount = "1000000.00"',
        'amount = "29999.99"',
        "aid.fixed",
        "above the allocation",
        'fixed = "30000.00"',
    ),
    Mutation(
        "more than all", '"85.00"', '"100.01"', "aid.variable_percent", "from 0 to 100"
    ),
    Mutation(
        "percentage as a float",
        '"85.00"',
        "85.0",
        "aid.variable_percent",
        "between quotes",
    ),
    Mutation(
        "percentage with sign", '"85.00"', '"85%"', "aid.variable_percent", "percentage"
    ),
    Mutation(
        "unknown regime",
        '"de_minimis"\nfixed',
        '"deminimis"\nfixed',
        "aid.regime",
        "mean `de_minimis`",
    ),
    Mutation(
        "unknown step",
        'on = "definitive_plan"',
        'on = "definitive"',
        "aid.fixed_matures_on",
        "definitive_plan",
    ),
    Mutation(
        "unknown channel",
        '"portal" # by',
        '"portale" # by',
        "filing.channel",
        "mean `portal`",
    ),
    Mutation(
        "yes instead of true",
        "one_per_applicant = true",
        'one_per_applicant = "yes"',
        "filing.one_per_applicant",
        "true or false",
    ),
    Mutation(
        "one instead of true",
        "refusal_notice = true",
        "refusal_notice = 1",
        "procedure.refusal_notice",
        "true or false",
    ),
    Mutation(
        "switch not written",
        "refusal_notice = true",
        "# refusal_notice",
        "procedure.refusal_notice",
        "refusal_notice = true",
        "[procedure]",
    ),
    Mutation(
        "same document twice",
        '"plan_summary_sheet"',
        '"plan_proposal"',
        "documents[4].kind",
        "already used",
    ),
    Mutation(
        "document with spaces",
        '"plan_summary_sheet"',
        '"plan summary"',
        "documents[4].kind",
        "underscores",
    ),
    Mutation(
        "criteria that miss a point",
        "max_points = 30",
        "max_points = 29",
        "merit.total",
        "add up to 99",
        "total = 100",
    ),
    Mutation(
        "threshold above the total",
        "threshold = 60",
        "threshold = 101",
        "merit.threshold",
        "above the total",
    ),
    Mutation(
        "criterion without points",
        "max_points = 30",
        "max_points = 0",
        "merit.criteria[2].max_points",
        "not below 1",
    ),
    Mutation(
        "half a point",
        "max_points = 30",
        "max_points = 29.5",
        "merit.criteria[2].max_points",
        "whole number",
    ),
    Mutation(
        "same criterion twice",
        'code = "quality"',
        'code = "strategy"',
        "merit.criteria[2].code",
        "already used",
    ),
    Mutation(
        "no such day of the year",
        "local_holidays = []",
        'local_holidays = ["12-07", "02-30"]',
        "counting_rules.local_holidays[2]",
        "month and day",
    ),
    Mutation(
        "holiday not in a list",
        "local_holidays = []",
        'local_holidays = "12-07"',
        "counting_rules.local_holidays",
        "a list",
    ),
    Mutation(
        "misspelt term",
        "[terms.report]",
        "[terms.raport]",
        "terms.raport",
        "mean `report`",
    ),
    Mutation(
        "term not set",
        "[terms.report]",
        "[terms.raport]",
        "terms.report",
        "missing",
        "[terms.conclusion]",
    ),
    Mutation(
        "term of another procedure",
        "[terms.report]",
        "[terms.payment]",
        "terms.payment",
        "never starts",
    ),
    Mutation(
        "term that is a number",
        "[terms.conclusion]",
        "[terms]\nconclusion = 90\n[terms.payment]",
        "terms.conclusion",
        "not a section",
        "conclusion = 90",
    ),
    Mutation(
        "term of no days",
        "count = 90",
        "count = 0",
        "terms.conclusion.count",
        "not below 1",
    ),
    Mutation(
        "negative term",
        "count = 90",
        "count = -90",
        "terms.conclusion.count",
        "not below 1",
    ),
    Mutation(
        "term of half a day",
        "count = 90",
        "count = 90.5",
        "terms.conclusion.count",
        "whole number",
    ),
    Mutation(
        "term of true days",
        "count = 90",
        "count = true",
        "terms.conclusion.count",
        "whole number",
    ),
    Mutation(
        "counted in weeks",
        'counting = "months"',
        'counting = "weeks"',
        "terms.duration.counting",
        '"days", "months"',
    ),
    Mutation(
        "another start",
        '"minutes_signed"',
        '"grant_delivered"',
        "terms.definitive_plan.starts_on",
        '"minutes_signed"',
    ),
    Mutation(
        "from receipt of nothing",
        "from_receipt = false",
        "from_receipt = true",
        "terms.conclusion.from_receipt",
        "write false",
    ),
    Mutation(
        "not from receipt",
        "from_receipt = true",
        "from_receipt = false",
        "terms.completion.from_receipt",
        "write true",
    ),
    Mutation(
        "lapse without being peremptory",
        "peremptory = true",
        "peremptory = false",
        "terms.definitive_plan.effect",
        "peremptory",
        'effect = "propose_lapse"',
    ),
    Mutation(
        "effect of another term",
        'effect = "warn"',
        'effect = "end_plan"',
        "terms.conclusion.effect",
        "not an effect",
    ),
    Mutation(
        "a proposal that ends something else",
        'effect = "warn"',
        'effect = "expire_proposal"',
        "terms.conclusion.effect",
        "not an effect",
    ),
    Mutation(
        "a decision that lapses",
        'effect = "expire_proposal"',
        'effect = "propose_lapse"',
        "terms.lapse_decision.effect",
        '"propose_lapse" is not an effect that this term can have',
    ),
    Mutation(
        "decision from another start",
        '"lapse_proposed"',
        '"granted"',
        "terms.lapse_decision.starts_on",
        'starts on "lapse_proposed"',
    ),
    Mutation(
        "decision from a receipt",
        'starts_on = "lapse_proposed"\nfrom_receipt = false',
        'starts_on = "lapse_proposed"\nfrom_receipt = true',
        "terms.lapse_decision.from_receipt",
        "write false",
    ),
    Mutation(
        "hour without quotes",
        'effect = "stop_waiting"',
        'until = 12:00:00\neffect = "stop_waiting"',
        "terms.completion.until",
        'between quotes, as "12:00"',
        "until",
    ),
    Mutation(
        "hour with seconds",
        'effect = "stop_waiting"',
        'until = "23:59:59"\neffect = "stop_waiting"',
        "terms.completion.until",
        "`23:59:59` is not an hour of the day",
        "until",
    ),
    Mutation(
        "hour of no day",
        'effect = "stop_waiting"',
        'until = "24:00"\neffect = "stop_waiting"',
        "terms.completion.until",
        "not an hour of the day",
        "until",
    ),
    Mutation(
        "hour of a number",
        'effect = "stop_waiting"',
        'until = 12\neffect = "stop_waiting"',
        "terms.completion.until",
        "not an hour of the day",
        "until",
    ),
    Mutation(
        "last day without a minute",
        'effect = "stop_waiting"',
        'until = "00:00"\neffect = "stop_waiting"',
        "terms.completion.until",
        "the beginning of the day",
        "until",
    ),
    Mutation(
        "hour of the office",
        'effect = "warn"',
        'until = "12:00"\neffect = "warn"',
        "terms.conclusion.until",
        "this term ends with its day: leave this key out",
        "until",
    ),
    Mutation(
        "misspelt hour",
        'effect = "stop_waiting"',
        'untill = "12:00"\neffect = "stop_waiting"',
        "terms.completion.untill",
        "mean `until`",
        "untill",
    ),
    Mutation(
        "manager told of a delay of the applicant",
        'effect = "propose_lapse"',
        'escalate_after = 10\neffect = "propose_lapse"',
        "terms.definitive_plan.escalate_after",
        'its effect is "propose_lapse"',
    ),
    Mutation(
        "manager told before the end",
        "escalate_after = 10",
        "escalate_after = -1",
        "terms.conclusion.escalate_after",
        "not below 0",
    ),
    Mutation(
        "manager told after years",
        "escalate_after = 10",
        "escalate_after = 366",
        "terms.conclusion.escalate_after",
        "not above 365",
    ),
    Mutation(
        "manager told after a text",
        "escalate_after = 10",
        'escalate_after = "10"',
        "terms.conclusion.escalate_after",
        "whole number",
    ),
    Mutation(
        "wrong check digit",
        '"99000000010"',
        '"99000000011"',
        "beneficiaries[1].tax_code",
        "check digit",
    ),
    Mutation(
        "same tax code twice",
        '"99000000028"',
        '"99000000010"',
        "beneficiaries[2].tax_code",
        "already used",
    ),
    Mutation(
        "members that do not add up",
        "firms = 116",
        "firms = 117",
        "beneficiaries[1].members",
        "add up to 145",
        "members = 144",
    ),
    Mutation(
        "negative members",
        "others = 14",
        "others = -14",
        "beneficiaries[1].others",
        "not below 0",
    ),
    Mutation(
        "only one statement",
        '    { value = "quasi 700", source = "report on the nine clusters, preface" },',
        "",
        "conflicts[1].statements",
        "at least 2",
        "statements",
    ),
    Mutation(
        "statements that agree",
        '"quasi 700"',
        '"755"',
        "conflicts[1]",
        "say the same",
        "[[conflicts]]",
    ),
    Mutation(
        "statement without source",
        '"755", source = ',
        '"755", sorce = ',
        "conflicts[1].statements[2].sorce",
        "mean `source`",
    ),
    Mutation(
        "code of a criterion with a capital",
        'code = "international"',
        'code = "International"',
        "merit.criteria[4].code",
        "not a short name",
    ),
    Mutation(
        "money that ends in a lottery",
        '"waiting_list"',
        '"lottery"',
        "allocation.short_money",
        'allowed: "waiting_list", "partial", "stop"',
    ),
    Mutation(
        "many applications each",
        "one_per_applicant = true",
        "one_per_applicant = false",
        "filing.one_per_applicant",
        "write true: an applicant can have only one",
    ),
    Mutation(
        "full mailboxes that count now and then",
        "full_box_counts = false",
        'full_box_counts = "at times"',
        "counting_rules.full_box_counts",
        "write true or false",
    ),
    Mutation(
        "a partnership larger than it may be",
        "[filing]",
        PARTNERSHIP.replace("minimum = 2", "minimum = 5"),
        "partnership.minimum",
        "5 is more than the maximum of 4 members",
        "minimum = 5",
    ),
    Mutation(
        "more firms than members",
        "[filing]",
        PARTNERSHIP.replace("minimum = 2", "minimum_firms = 5"),
        "partnership.minimum_firms",
        "5 is more than the maximum of 4 members",
        "minimum_firms = 5",
    ),
    Mutation(
        "a partnership of nobody",
        "[filing]",
        PARTNERSHIP.replace("minimum = 2", "minimum = 0"),
        "partnership.minimum",
        "not below 1",
        "minimum = 0",
    ),
    Mutation(
        "a partnership larger than a line can be",
        "[filing]",
        PARTNERSHIP.replace("maximum = 4", "maximum = 502"),
        "partnership.maximum",
        "not above 501",
        "maximum = 502",
    ),
    Mutation(
        "an invitation of nobody",
        "[filing]",
        PARTNERSHIP.replace("invited_only = false", "invited_only = true"),
        "partnership.invited_only",
        "nobody is invited",
        "invited_only = true",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "a partnership that does not say who may be in two",
        "[filing]",
        PARTNERSHIP.replace("one_application_each = true\n", ""),
        "partnership.one_application_each",
        "missing",
        "[partnership]",
    ),
    Mutation(
        "letters held that the law wants at once",
        "held = []",
        'held = ["grant", "submission_receipt"]',
        "notices.held[2]",
        '"submission_receipt" is sent at once: remove it',
    ),
    Mutation(
        "letters held that do not exist",
        "held = []",
        'held = ["grants"]',
        "notices.held[1]",
        "`grants` is not one of the words allowed here; did you mean `grant`?",
    ),
    Mutation(
        "letters held twice",
        "held = []",
        'held = ["grant", "grant"]',
        "notices.held[2]",
        "grant is listed already",
    ),
    Mutation(
        "reminders after the end",
        "reminders = [10, 3, 0]",
        "reminders = [10, -3]",
        "notices.reminders[2]",
        "write a number not below 0",
    ),
    Mutation(
        "reminders of a year and more",
        "reminders = [10, 3, 0]",
        "reminders = [366]",
        "notices.reminders[1]",
        "write a number not above 365",
    ),
    Mutation(
        "reminders of what the office has to do",
        "reminders = [10, 3, 0]",
        'reminded = ["report", "merit"]',
        "notices.reminded[2]",
        '"merit" is a term of the office',
    ),
    Mutation(
        "full mailboxes not decided",
        "full_box_counts = false",
        "",
        "counting_rules.full_box_counts",
        "full_box_counts = false",
        "[counting_rules]",
    ),
    Mutation(
        "term of a generation",
        "count = 90",
        "count = 3651",
        "terms.conclusion.count",
        "write at most 3650 days",
    ),
    Mutation(
        "plan of more than ten years",
        "count = 12",
        "count = 121",
        "terms.duration.count",
        "write at most 120 months",
    ),
    Mutation(
        "term without measure",
        "count = 90",
        "count = 1" + "0" * 400,
        "terms.conclusion.count",
        "longer than ten years",
    ),
    Mutation(
        "long extension",
        "extension_months = 6",
        "extension_months = 61",
        "procedure.extension_months",
        "not above 60",
    ),
    Mutation(
        "extensions without end",
        "extensions = 1",
        "extensions = 11",
        "procedure.extensions",
        "66 months in all",
    ),
    Mutation(
        "suspension of years",
        "max_suspension_days = 30",
        "max_suspension_days = 366",
        "procedure.max_suspension_days",
        "not above 365",
    ),
    Mutation(
        "ceiling of centuries",
        "ceiling_years = 3",
        "ceiling_years = 101",
        "aid.ceiling_years",
        "not above 100",
    ),
    Mutation(
        "no counter",
        "[counter]",
        "[countr]",
        "counter",
        "missing: write a section [counter]",
        TOP,
    ),
    Mutation("misspelt counter", "[counter]", "[countr]", "countr", "mean `counter`"),
    Mutation(
        "acceptance not decided",
        "acceptance = true",
        "# acceptance",
        "procedure.acceptance",
        "acceptance = true",
        "[procedure]",
    ),
    Mutation(
        "unknown order",
        '"exact_instant"',
        '"exact_minute"',
        "counter.order",
        "mean `exact_instant`",
    ),
    Mutation(
        "order not written",
        "order = ",
        "# order = ",
        "counter.order",
        'order = "exact_instant" or "same_day_merit" or "same_week_draw"',
        "[counter]",
    ),
    Mutation(
        "unknown phase",
        '"after_review"',
        '"after_revew"',
        "counter.waiting_list",
        "mean `after_review`",
    ),
    Mutation(
        "phase not written",
        'waiting_list = "',
        '# waiting_list = "',
        "counter.waiting_list",
        'waiting_list = "before_review" or "after_review"',
        "[counter]",
    ),
    Mutation(
        "jumping not decided",
        "jump_ahead = ",
        "# jump_ahead = ",
        "counter.jump_ahead",
        "jump_ahead = false",
        "[counter]",
    ),
    Mutation(
        "share as a float",
        "jump_ahead = ",
        "overbooking_percent = 50.0\njump_ahead = ",
        "counter.overbooking_percent",
        "between quotes",
    ),
    Mutation(
        "amount as a number",
        "jump_ahead = ",
        "overbooking_amount = 2000000\njump_ahead = ",
        "counter.overbooking_amount",
        "between quotes",
    ),
    Mutation(
        "misspelt overbooking",
        "jump_ahead = ",
        'overbooking_percentage = "50.00"\njump_ahead = ',
        "counter.overbooking_percentage",
        "mean `overbooking_percent`",
    ),
    Mutation(
        "overbooking twice",
        "jump_ahead = ",
        'overbooking_percent = "50.00"\noverbooking_amount = "1.00"\njump_ahead = ',
        "counter.overbooking_amount",
        "write only one",
        "overbooking_amount",
    ),
    Mutation(
        "share of nothing",
        "jump_ahead = ",
        'overbooking_percent = "0.00"\njump_ahead = ',
        "counter.overbooking_percent",
        'write "stop" as allocation.short_money; for no limit, leave this key out',
        "overbooking_percent",
    ),
    Mutation(
        "amount of nothing",
        "jump_ahead = ",
        'overbooking_amount = "0.00"\njump_ahead = ',
        "counter.overbooking_amount",
        "not zero",
        "overbooking_amount",
    ),
    Mutation(
        "no acceptance after a negotiation",
        "acceptance = true",
        "acceptance = false",
        "procedure.acceptance",
        "write true: what was negotiated",
    ),
    Mutation(
        "fixed part that never matures",
        "fixed_matures_on",
        "# fixed_matures_on",
        "aid.fixed_matures_on",
        'missing: say with which step the fixed part matures, as fixed_matures_on = "d',
        "[aid]",
    ),
    Mutation(
        "nothing that matures",
        'fixed = "30000.00"',
        'fixed = "0.00"',
        "aid.fixed_matures_on",
        "no fixed part that could mature: remove it",
        "fixed_matures_on",
    ),
    Mutation(
        "plain: nothing that matures",
        "cap = ",
        'fixed_matures_on = "report"\ncap = ',
        "aid.fixed_matures_on",
        "no fixed part that could mature: remove it",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: fixed part that never matures",
        'fixed = "0.00"',
        'fixed = "100.00"',
        "aid.fixed_matures_on",
        'as fixed_matures_on = "report"',
        "[aid]",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: fixed part of a definitive plan",
        'fixed = "0.00"',
        'fixed_matures_on = "definitive_plan"\nfixed = "100.00"',
        "aid.fixed_matures_on",
        'no step "definitive_plan": write another, as "report"',
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: plans sent back",
        "plan_returns = 0",
        "plan_returns = 1",
        "procedure.plan_returns",
        "no definitive plan to return: write 0",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: term of a negotiation",
        "[terms.payment]",
        "[terms.negotiation]",
        "terms.negotiation",
        "never starts this term: remove it",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: payment not set",
        "[terms.payment]",
        "[terms.negotiation]",
        "terms.payment",
        "write a section [terms.payment]",
        "[terms.conclusion]",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: acceptance not wanted",
        "[terms.payment]",
        "[terms.acceptance]",
        "terms.acceptance",
        "never starts this term: remove it",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: acceptance without its term",
        "acceptance = false",
        "acceptance = true",
        "terms.acceptance",
        "write a section [terms.acceptance]",
        "[terms.conclusion]",
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: start that waits for the acceptance",
        "acceptance = false",
        "acceptance = true",
        "terms.start.starts_on",
        'this term starts on "accepted"',
        'starts_on = "grant_delivered"',
        text=PLAIN_TEXT,
    ),
    Mutation(
        "plain: start that waits for nobody",
        '"grant_delivered"',
        '"accepted"',
        "terms.start.starts_on",
        'this term starts on "grant_delivered"',
        text=PLAIN_TEXT,
    ),
    Mutation("not TOML", "year = 2025", "year 2025", "file", "not valid TOML"),
    Mutation(
        "quote not closed",
        '"negotiated_counter"',
        '"negotiated_counter',
        "file",
        "not valid TOML",
    ),
    Mutation(
        "key twice", "year = 2025", "year = 2025\nyear = 2025", "file", "not valid TOML"
    ),
)


def expected_line(mutation):
    if mutation.at == TOP:
        return None
    lines = mutation.mutated.splitlines()
    if mutation.at is None:
        pairs = zip(lines, mutation.text.splitlines(), strict=False)
        return next(n for n, (new, old) in enumerate(pairs, 1) if new != old)
    return next(n for n, line in enumerate(lines, 1) if line.startswith(mutation.at))


def test_at_least_fifty_mutations_are_tried():
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) >= 50


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutated_file_is_refused_at_the_right_place(faults_of, mutation):
    line = expected_line(mutation)

    found = [
        (fault.where, fault.line, fault.message)
        for fault in faults_of(mutation.mutated)
    ]

    assert any(
        (where, at) == (mutation.where, line) and mutation.word in message
        for where, at, message in found
    ), found


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_no_message_speaks_the_language_of_a_library(faults_of, mutation):
    for fault in faults_of(mutation.mutated):
        for jargon in ("Value error", "Input should", "pydantic", "[type=", "None"):
            assert jargon not in fault.message
        assert fault.message[0] == "`" or not fault.message[0].isupper()


def test_one_mutation_gives_one_fault_unless_it_breaks_two_promises(faults_of):
    assert len(faults_of(changed("threshold = 60", "threshold = 101"))) == 1
    assert len(faults_of(changed("count = 90", "count = 0"))) == 1
    assert len(faults_of(changed("fixed = ", "fixd = "))) == 2


def test_all_faults_are_told_at_once_in_the_order_of_the_file(faults_of):
    text = changed("year = 2025", "year = 2024")
    text = changed(
        "closes_at = 2026-03-05T16:00:00", "closes_at = 2026-01-01T00:00:00", text
    )
    text = changed('amount = "1000000.00"', 'amount = "1000000,00"', text)
    text = changed("threshold = 60", "threshold = 600", text)
    text = changed("max_points = 30", "max_points = 31", text)
    text = changed("count = 90", "days = 90", text)
    text = changed('"99000000093"', '"99000000085"', text)
    text = changed("members = 14\n", "members = 15\n", text)

    faults = faults_of(text)

    assert [fault.where for fault in faults] == [
        "year",
        "acts[2].date",
        "window.closes_at",
        "allocation.amount",
        "merit.total",
        "merit.threshold",
        "terms.conclusion.count",
        "terms.conclusion.days",
        "beneficiaries[2].members",
        "beneficiaries[9].tax_code",
    ]
    lines = [fault.line for fault in faults]
    assert lines == sorted(lines)


def test_a_check_that_lacks_a_part_does_not_silence_the_others(faults_of):
    text = changed("opens_at = 2026-01-20T10:00:00", 'opens_at = "tomorrow"')
    text = changed("firms = 4\n", "firms = 5\n", text)

    wheres = [fault.where for fault in faults_of(text)]

    assert wheres == ["window.opens_at", "beneficiaries[2].members"]


def test_a_list_is_not_said_to_be_short_because_its_items_are_wrong(faults_of):
    text = TEXT
    for code in ("strategy", "quality", "impact", "international", "governance"):
        text = changed(f'code = "{code}"', f'code = "{code.title()}"', text)
    text = changed("max_points = 30", "max_points = 29", text)
    text = changed('value = "quasi 700"', "value = 700", text)

    wheres = [fault.where for fault in faults_of(text)]

    assert wheres == [
        "merit.total",
        *(f"merit.criteria[{number}].code" for number in range(1, 6)),
        "conflicts[1].statements[1].value",
    ]


def test_an_empty_list_is_told_once(faults_of):
    text = changed("total = 100", "total = 100\ncriteria = []")
    start, end = text.index("[[merit.criteria]]"), text.index("# --- Choices")

    (fault,) = faults_of(text[:start] + text[end:])

    assert (fault.where, fault.message) == (
        "merit.criteria",
        "there are 0 of these: write at least 1",
    )


@pytest.mark.parametrize(
    ("opens", "closes", "wheres"),
    [
        ("2026-03-29T02:30:00", "2026-03-05T16:00:00", ["opens_at", "closes_at"]),
        ("2026-10-25T02:30:00", "2026-03-05T16:00:00", ["opens_at", "closes_at"]),
        ("2026-03-29T02:30:00", "2026-03-30T16:00:00", ["opens_at"]),
        ("2025-03-30T02:30:00", "2026-03-05T16:00:00", ["published_at", "opens_at"]),
        ('"soon"', "2026-01-15T17:38:00", ["opens_at", "closes_at"]),
        ('"soon"', "2026-01-15T17:38:01", ["opens_at"]),
        ("2027-01-01T00:00:00", "2026-10-25T02:30:00", ["closes_at", "closes_at"]),
        ("2026-01-20T10:00:00", '"late"', ["closes_at"]),
        ("2026-01-01T10:00:00", '"late"', ["published_at", "closes_at"]),
    ],
)
def test_an_instant_that_is_wrong_hides_no_other_disorder(
    faults_of, opens, closes, wheres
):
    text = changed("opens_at = 2026-01-20T10:00:00", f"opens_at = {opens}")
    text = changed("closes_at = 2026-03-05T16:00:00", f"closes_at = {closes}", text)

    found = [fault.where for fault in faults_of(text)]

    assert found == [f"window.{where}" for where in wheres]


@pytest.mark.parametrize(
    ("bad", "good", "wheres"),
    [
        ('basis = "portal page of the call: pub', "basis = 1 #", ["window.basis"]),
        ('regime = "de_minimis"', 'regime = "some"', ["aid.regime"]),
        ('effect = "warn"', 'effect = "sleep"', ["terms.conclusion.effect"]),
        ('counting = "days"', 'counting = "weeks"', ["terms.conclusion.counting"]),
        ("members = 144", 'members = "many"', ["beneficiaries[1].members"]),
        ('number = "5093"', "number = 5093", ["acts[1].number"]),
    ],
)
def test_a_bad_value_silences_only_what_needs_it(faults_of, bad, good, wheres):
    text = changed(bad, good)
    text = changed("closes_at = 2026-03-05", "closes_at = 2026-01-18", text)
    text = changed('fixed = "30000.00"', 'fixed = "1000000.01"', text)
    text = changed("count = 90", "count = 3651", text)
    text = changed('"99000000028"', '"99000000010"', text)
    text = changed("approves_call = true", "approves_call = false", text)

    found = [fault.where for fault in faults_of(text)]

    others = {
        "acts",
        "window.closes_at",
        "aid.fixed",
        "terms.conclusion.count",
        "beneficiaries[2].tax_code",
    }
    assert set(found) == others | set(wheres)


@pytest.mark.parametrize(
    ("old", "new", "wheres"),
    [
        ("approves_call", "aproves_call", {"acts[2].aproves_call"}),
        ('ceiling = "300', 'capp = "1.00"\nceiling = "300', {"aid.capp"}),
        ('ceiling = "300', 'cap = 1\nceiling = "300', {"aid.cap"}),
        ("approves_call = true", "approves_call = 1", {"acts[2].approves_call"}),
    ],
)
def test_an_optional_key_that_is_wrong_is_not_taken_as_absent(
    faults_of, old, new, wheres
):
    assert {fault.where for fault in faults_of(changed(old, new))} == wheres


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("count = 90", "count = 3650"),
        ("count = 12\n", "count = 120\n"),
        ("escalate_after = 10", "escalate_after = 0"),
        ("escalate_after = 10", "escalate_after = 365"),
        ("extension_months = 6", "extension_months = 60"),
        ("extensions = 1", "extensions = 10"),
        ("max_suspension_days = 30", "max_suspension_days = 365"),
    ],
)
def test_the_longest_terms_are_taken(faults_of, old, new):
    assert faults_of(changed(old, new)) == ()


def lapse_decision_of(text):
    start = text.index("[terms.lapse_decision]")
    return text[start : text.index("# --- ", start)]


@pytest.mark.parametrize("text", [TEXT, PLAIN_TEXT], ids=["negotiated", "plain"])
def test_a_call_may_leave_a_proposal_of_lapse_without_a_term(faults_of, text):
    assert faults_of(text.replace(lapse_decision_of(text), "")) == ()


def test_a_call_may_only_be_warned_that_nobody_decided_on_a_lapse(faults_of):
    text = changed('effect = "expire_proposal"', 'escalate_after = 0\neffect = "warn"')

    assert faults_of(text) == ()


@pytest.mark.parametrize("kind", TermKind)
def test_what_the_applicant_has_to_do_may_be_due_at_an_hour_and_nothing_else(
    ctl, plain, kind
):
    for call in (ctl, plain):
        if start_of(kind, call) is None:
            continue
        body = orjson.loads(dump(call))
        body["terms"][kind.value]["until"] = "16:30"
        if kind not in MAY_END_AT_AN_HOUR:
            with pytest.raises(CallFileError) as refusal:
                parse(encode(body))
            wheres = [fault.where for fault in refusal.value.faults]
            assert wheres == [f"terms.{kind}.until"]
        else:
            again = parse(encode(body))
            assert again.terms[kind].until == time(16, 30)
            assert dump(again) == encode(body)


@pytest.mark.parametrize("written", ['"x"', "1", "{}"])
def test_a_list_of_sections_is_asked_for_as_one(faults_of, written):
    head, rest = TEXT.split("[[legal_basis]]", 1)
    tail = rest[rest.index("# --- Acts") :]

    (fault,) = faults_of(f"{head}legal_basis = {written}\n{tail}")

    assert fault.where == "legal_basis"
    assert fault.message == "write one section [[legal_basis]] for each"


def test_a_file_with_nothing_in_it_is_told_all_it_lacks(faults_of):
    faults = faults_of("")

    assert {"code", "window", "terms", "beneficiaries"} <= {f.where for f in faults}
    assert all(f.message.startswith("missing: ") and f.line is None for f in faults)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-29T01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("2026-03-29T03:00:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-03-29T02:30:00Z", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
        ("2026-10-25T01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("2026-07-01 16:00:00.000001", datetime(2026, 7, 1, 14, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_civil_time_of_rome_becomes_an_instant(tmp_path, written, instant):
    text = changed("closes_at = 2026-03-05T16:00:00", f"closes_at = {written}")
    (tmp_path / "call.toml").write_text(text, encoding="utf-8")

    call = load(tmp_path / "call.toml")

    assert call.window.closes_at == instant
    assert call.window.closes_at.tzinfo is UTC
    assert parse(dump(call)) == call


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-29T02:00:00",
        "2026-03-29T02:59:59.999999",
        "2026-10-25T02:00:00",
        "2026-10-25T02:59:59.999999",
    ],
)
def test_both_edges_of_the_odd_hours_are_refused(faults_of, written):
    text = changed("closes_at = 2026-03-05T16:00:00", f"closes_at = {written}")

    assert [fault.where for fault in faults_of(text)] == ["window.closes_at"]


def test_an_optional_key_may_be_absent_or_present(ctl, tmp_path):
    (tmp_path / "call.toml").write_text(
        changed("ceiling = ", 'cap = "150000.00"\nceiling = '), encoding="utf-8"
    )

    assert ctl.aid.cap is None
    assert load(tmp_path / "call.toml").aid.cap == 15_000_000


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ("00743110157", True),
        ("00743110158", False),
        ("99000000010", True),
        ("RSSMRA85T10A562S", True),
        ("RSSMRA85T10A56NS", True),
        ("RSSMRA85X10A562S", False),
        ("rssmra85t10a562s", False),
        ("0074311015", False),
        ("\uff100743110157", False),
        ("00743110157\n", False),
        ("", False),
    ],
)
def test_a_tax_code_is_held_against_its_form(code, good):
    assert is_tax_code(code) is good


# --- the counter ---------------------------------------------------------------------

STOPS = ('short_money = "waiting_list"', 'short_money = "stop"')
BY_MERIT = ('"exact_instant"', '"same_day_merit"')
BY_LOT = ('"exact_instant"', '"same_week_draw"')
BEFORE = ('"after_review"', '"before_review"')
JUMPS = ("jump_ahead = false", "jump_ahead = true")
A_SHARE = ("jump_ahead = ", 'overbooking_percent = "50.00"\njump_ahead = ')
AN_AMOUNT = ("jump_ahead = ", 'overbooking_amount = "2000000.00"\njump_ahead = ')
PARTIAL = ('short_money = "waiting_list"', 'short_money = "partial"')


def with_all(*changes: tuple[str, str], text: str = TEXT) -> str:
    for old, new in changes:
        text = changed(old, new, text)
    return text


@pytest.mark.parametrize(
    "changes",
    [
        (STOPS,),
        (STOPS, BEFORE),
        (PARTIAL,),
        (PARTIAL, BEFORE, JUMPS),
        (PARTIAL, BY_LOT),
        (BEFORE, A_SHARE),
        (AN_AMOUNT, JUMPS),
        (BY_MERIT,),
        (BY_LOT,),
    ],
)
def test_every_counter_that_can_be_run_is_taken(faults_of, changes):
    assert faults_of(with_all(*changes)) == ()


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        (
            (STOPS, A_SHARE),
            "counter.overbooking_percent",
            (
                'short_money is "stop", so nothing is taken in beyond the allocation: '
                "leave this key out"
            ),
        ),
        (
            (STOPS, AN_AMOUNT),
            "counter.overbooking_amount",
            (
                'short_money is "stop", so nothing is taken in beyond the allocation: '
                "leave this key out"
            ),
        ),
        (
            (STOPS, JUMPS),
            "counter.jump_ahead",
            'short_money is "stop", so nobody waits who could be passed: write false',
        ),
        (
            (BY_MERIT, STOPS),
            "allocation.short_money",
            (
                'the order is "same_day_merit", so no instant can part those who count '
                'as arrived together: write "waiting_list" or "partial"'
            ),
        ),
        (
            (BY_LOT, A_SHARE),
            "counter.overbooking_percent",
            (
                'the order is "same_week_draw", so nobody can be refused for the '
                "instant of arrival: leave this key out"
            ),
        ),
        (
            (BY_MERIT, AN_AMOUNT),
            "counter.overbooking_amount",
            (
                'the order is "same_day_merit", so nobody can be refused for the '
                "instant of arrival: leave this key out"
            ),
        ),
        (
            (BY_LOT, JUMPS),
            "counter.jump_ahead",
            (
                'the order is "same_week_draw", so merit or lot decide who comes '
                "first, and not the amount: write false"
            ),
        ),
        (
            (BY_MERIT, BEFORE),
            "counter.waiting_list",
            (
                'the order is "same_day_merit", so all are examined before it is known '
                'who waits: write "after_review"'
            ),
        ),
    ],
)
def test_a_counter_that_contradicts_itself_is_told_how(
    faults_of, changes, where, message
):
    text = with_all(*changes)
    key = where.partition(".")[2]
    lines = [n for n, one in enumerate(text.splitlines(), 1) if one.startswith(key)]

    assert faults_of(text) == (Fault(where, message, lines[0]),)


def test_a_counter_with_two_contradictions_is_told_both(faults_of):
    wheres = [fault.where for fault in faults_of(with_all(BY_MERIT, BEFORE, A_SHARE))]

    assert wheres == ["counter.waiting_list", "counter.overbooking_percent"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("acceptance = false", "# acceptance"), "procedure.acceptance"),
        (("acceptance = false", 'acceptance = "no"'), "procedure.acceptance"),
        (('family = "plain_counter"', 'family = "plain"'), "family"),
        (('order = "exact_instant"', 'order = "exact"'), "counter.order"),
        (('short_money = "waiting_list"', "short_money = 1"), "allocation.short_money"),
        (('"50.00"', "50.0"), "counter.overbooking_percent"),
    ],
)
def test_a_choice_that_cannot_be_read_is_not_guessed(faults_of, change, where):
    faults = faults_of(with_all(change, text=PLAIN_TEXT))

    assert [fault.where for fault in faults] == [where]


def test_an_acceptance_that_cannot_be_read_hides_no_other_fault_of_a_term(faults_of):
    text = with_all(
        ("acceptance = false", "# acceptance"),
        ("count = 90", "count = 3651"),
        ('"report_filed"', '"accepted"'),
        text=PLAIN_TEXT,
    )

    assert [fault.where for fault in faults_of(text)] == [
        "procedure.acceptance",
        "terms.conclusion.count",
        "terms.payment.starts_on",
    ]


ACCEPTANCE = """[terms.acceptance]
count = 30
counting = "days"
starts_on = "grant_delivered"
from_receipt = true
effect = "propose_lapse"
peremptory = true
source = "assumed"
basis = "not found"

[terms.duration]"""


def test_a_plain_counter_may_want_its_grants_accepted(faults_of):
    text = with_all(
        ("acceptance = false", "acceptance = true"),
        ('"grant_delivered" # nobody', '"accepted" # nobody'),
        (
            'from_receipt = true\neffect = "propose',
            'from_receipt = false\neffect = "propose',
        ),
        ("[terms.duration]", ACCEPTANCE),
        text=PLAIN_TEXT,
    )

    assert faults_of(text) == ()


def test_a_plain_counter_may_pay_a_fixed_part_with_the_report(faults_of):
    text = changed(
        'fixed = "0.00"', 'fixed = "100.00"\nfixed_matures_on = "report"', PLAIN_TEXT
    )

    assert faults_of(text) == ()


# --- files ---------------------------------------------------------------------------


def test_a_call_is_found_by_name_or_by_path(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(TEXT, encoding="utf-8")

    assert find("ctl-2025") == CTL
    assert find(str(mine)) == mine


def test_a_directory_does_not_hide_a_shipped_call(tmp_path, monkeypatch):
    (tmp_path / "ctl-2025").mkdir()
    monkeypatch.chdir(tmp_path)

    assert find("ctl-2025") == CTL


@pytest.mark.parametrize("name", ["", "nope", "../ctl-2025", "x\0y", "calls"])
def test_a_call_that_is_not_there_is_answered_with_what_is(name):
    with pytest.raises(CallFileError) as refusal:
        find(name)

    (fault,) = refusal.value.faults
    assert "ctl-2025" in fault.message
    assert fault.line is None


def test_a_refusal_tells_the_path_and_every_fault(tmp_path):
    path = tmp_path / "call.toml"
    path.write_text(changed("threshold = 60", "threshold = 600"), encoding="utf-8")

    with pytest.raises(CallFileError) as refusal:
        load(path)

    assert refusal.value.path == path
    assert str(path) in str(refusal.value)
    assert "line 145, merit.threshold: the threshold" in str(refusal.value)


def test_a_missing_file_is_a_fault(tmp_path):
    (fault,) = check(tmp_path / "absent.toml")

    assert fault == Fault("file", "cannot be read: no such file or directory")


def test_a_folder_is_said_to_be_one(tmp_path):
    (fault,) = check(find(str(tmp_path)))

    assert fault.message == "cannot be read: it is a folder: name the call file in it"


def test_a_path_that_cannot_be_looked_at_is_a_fault():
    with pytest.raises(CallFileError) as refusal:
        load(find("x" * 5_000))

    assert [fault.where for fault in refusal.value.faults] == ["file"]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    (fault,) = check(tmp_path / "pipe")

    assert "not a file" in fault.message


def test_a_file_that_may_not_be_read_is_a_fault(tmp_path, monkeypatch):
    path = tmp_path / "call.toml"
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(type(path), "open", _denied)

    (fault,) = check(path)

    assert fault.message == "cannot be read: permission denied"


def _denied(*_args, **_kwargs):
    raise PermissionError(13, "Permission denied")


def test_a_huge_file_is_not_read(faults_of):
    (fault,) = faults_of("#" * 1_000_001)

    assert "larger" in fault.message


def test_another_encoding_is_told_with_its_line(faults_of):
    (fault,) = faults_of("# uno\ntitle = 'Mobilità'\n".encode("latin-1"))

    assert fault.where == "file"
    assert "UTF-8" in fault.message
    assert fault.line == 2


def test_an_unfinished_file_is_told_at_its_end(faults_of):
    (fault,) = faults_of('year = 2025\ntitle = """uno\ndue')

    assert "not valid TOML" in fault.message
    assert fault.line == 3


@pytest.mark.parametrize("text", ["x = " + "[" * 10_000, "x = " + "1" * 5_000])
def test_a_file_made_to_break_the_parser_is_a_fault(faults_of, text):
    (fault,) = faults_of(text)

    assert "cannot be read" in fault.message


def test_marks_and_line_ends_of_other_systems_are_taken(faults_of):
    assert faults_of(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()) == ()
    windows = changed("threshold = 60", "threshold = 600").replace("\n", "\r\n")
    assert [fault.line for fault in faults_of(windows)] == [145]


def test_lines_are_found_in_every_way_of_writing_toml():
    text = r"""# [not.a.table]
one = '''
[x]
two = 3''''
a.b . 'c d' = 1 # = 2
list = [ # ]
  'x]',
  { k = 1, v = [ 2,
    3 ] },
]
[[t]]
[t.u]
k = 1979-05-27 07:32:00
[[t]]
[t.u]
"k\u0041" = '''
=''''
s = "\"[" # "
[ p . q ]
e = {}
"""
    assert tomllib.loads(text)

    places = locate(text)

    assert places == {
        ("one",): 2,
        ("a",): 5,
        ("a", "b"): 5,
        ("a", "b", "c d"): 5,
        ("list",): 6,
        ("list", 0): 7,
        ("list", 1): 8,
        ("list", 1, "k"): 8,
        ("list", 1, "v"): 8,
        ("list", 1, "v", 0): 8,
        ("list", 1, "v", 1): 9,
        ("t",): 11,
        ("t", 0): 11,
        ("t", 0, "u"): 12,
        ("t", 0, "u", "k"): 13,
        ("t", 1): 14,
        ("t", 1, "u"): 15,
        ("t", 1, "u", "kA"): 16,
        ("t", 1, "u", "s"): 18,
        ("p",): 19,
        ("p", "q"): 19,
        ("p", "q", "e"): 20,
    }


def test_the_section_that_the_documentation_shows_is_one_of_a_call():
    page = Path(__file__).parents[2] / "docs" / "partnerships.md"
    block = page.read_text(encoding="utf-8").partition("    [partnership]\n")[2]
    section = tomllib.loads(block.partition("\n\n")[0].replace("    ", ""))

    rules = Partnership.model_validate(section)

    assert (rules.minimum, rules.minimum_firms, rules.maximum) == (10, 10, 40)
