"""Is a line of submissions read as it is written, or refused with the reason?"""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from models.vocabulary import Channel
from tests.builders import submission
from workflow.errors import RefusedError
from workflow.services import submissions


def line(**changes: Any) -> bytes:
    return orjson.dumps(submission(**changes))


def applicant(**changes: Any) -> dict[str, Any]:
    return {**submission()["applicant"], **changes}


def document(**changes: Any) -> dict[str, Any]:
    return {**submission()["documents"][0], **changes}


def aid(**changes: Any) -> dict[str, Any]:
    return {
        "granted_on": "2025-01-31",
        "amount": "1000.00",
        "grantor": "Comune",
        **changes,
    }


def partner(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "tax_code": f"{80_000_000_000 + number}",
        "name": "Ente",
        "kind": "public",
        **changes,
    }


def refusal(content: bytes) -> tuple[str, str]:
    with pytest.raises(RefusedError) as error:
        submissions.read(content)
    return error.value.code, error.value.message


def test_a_good_line_is_read_to_the_cent():
    filed = submissions.read(line(requested="111111.11", investment="95424.8"))

    assert filed.requested == 11_111_111
    assert filed.investment == 9_542_480
    assert filed.channel == Channel.PORTAL
    assert not filed.draft
    assert filed.received_at is None


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param("1.000,00", id="a comma"),
        pytest.param("1,000.00", id="thousands"),
        pytest.param("1000.001", id="three decimals"),
        pytest.param("-1.00", id="negative"),
        pytest.param("1e3", id="an exponent"),
        pytest.param("NaN", id="not a number"),
        pytest.param("", id="nothing"),
        pytest.param("٣٠", id="other digits"),
        pytest.param("9" * 40, id="more than there is"),
        pytest.param(1000.1, id="a float"),
        pytest.param(1000, id="a number"),
        pytest.param(True, id="a flag"),
        pytest.param(None, id="null"),
        pytest.param(["1000.00"], id="a list"),
    ],
)
@pytest.mark.parametrize("field", ["requested", "investment"])
def test_an_amount_not_written_as_money_is_refused(field: str, amount: object):
    code, message = refusal(line(**{field: amount}))

    assert code == "line.invalid"
    assert f"`{field}`" in message


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"applicant": applicant(tax_code="9900000001")}, "applicant.tax_code"),
        ({"applicant": applicant(name="")}, "applicant.name"),
        ({"applicant": applicant(name="A\x00B")}, "applicant.name"),
        ({"applicant": applicant(name="A\x1bB")}, "applicant.name"),
        ({"applicant": applicant(name="A\x7fB")}, "applicant.name"),
        ({"applicant": applicant(name="A\x9bB")}, "applicant.name"),
        ({"applicant": applicant(name="A" * 201)}, "applicant.name"),
        ({"applicant": applicant(pec="nobody")}, "applicant.pec"),
        ({"applicant": applicant(pec="a\x00@pec.it")}, "applicant.pec"),
        ({"applicant": applicant(pec="a@b.it,c@d.it")}, "applicant.pec"),
        ({"applicant": applicant(pec="a\u202eb@pec.it")}, "applicant.pec"),
        ({"applicant": applicant(pec="a(note)@pec.it")}, "applicant.pec"),
        ({"applicant": applicant(pec="perché@pec.it")}, "applicant.pec"),
        ({"applicant": applicant(pec=f"a@{'b' * 260}.it")}, "applicant.pec"),
        ({"applicant": applicant(age=3)}, "applicant.age"),
        ({"applicant": None}, "applicant"),
        ({"portal_id": ""}, "portal_id"),
        ({"portal_id": "DOM 1"}, "portal_id"),
        ({"portal_id": "DOM\x001"}, "portal_id"),
        ({"portal_id": "D" * 81}, "portal_id"),
        ({"portal_id": 1}, "portal_id"),
        ({"key": ""}, "key"),
        ({"key": "k\x00"}, "key"),
        ({"key": "k" * 101}, "key"),
        ({"documents": "none"}, "documents"),
        ({"documents": [document(kind="")]}, "documents.0.kind"),
        ({"documents": [document(kind="plan\x00")]}, "documents.0.kind"),
        ({"documents": [document(name="a\nb")]}, "documents.0.name"),
        ({"documents": [document(sha256="A" * 64)]}, "documents.0.sha256"),
        ({"documents": [document(sha256="a" * 63)]}, "documents.0.sha256"),
        ({"aids": [aid(amount="0,50")]}, "aids.0.amount"),
        ({"aids": [aid(granted_on=0)]}, "aids.0.granted_on"),
        ({"aids": [aid(granted_on="1738281600")]}, "aids.0.granted_on"),
        ({"aids": [aid(granted_on="31/01/2025")]}, "aids.0.granted_on"),
        ({"aids": [aid(granted_on="2025-02-29")]}, "aids.0.granted_on"),
        ({"aids": [aid(grantor="C\x00")]}, "aids.0.grantor"),
        ({"channel": "fax"}, "channel"),
        ({"draft": "yes"}, "draft"),
        ({"draft": 1}, "draft"),
        ({"received_at": 1768899600}, "received_at"),
        ({"received_at": "1768899600"}, "received_at"),
        ({"received_at": "2026-01-20T10:00:00"}, "received_at"),
        ({"received_at": "2026-01-20 10:00:00+01:00"}, "received_at"),
        ({"received_at": "2026-01-20T10:00:00.0000001+01:00"}, "received_at"),
        ({"received_at": "2026-02-30T10:00:00+01:00"}, "received_at"),
        ({"received_at": "0001-01-01T00:00:00+01:00"}, "received_at"),
        ({"received_at": "9999-12-31T23:59:59-01:00"}, "received_at"),
        ({"colour": "red"}, "colour"),
        ({"applicant": applicant(kind="company")}, "applicant.kind"),
        ({"partners": partner()}, "partners"),
        ({"partners": [partner(tax_code="1")]}, "partners.0.tax_code"),
        ({"partners": [partner(name="A\x1bB")]}, "partners.0.name"),
        ({"partners": [partner(name=" ")]}, "partners.0.name"),
        ({"partners": [partner(kind="Firm")]}, "partners.0.kind"),
        ({"partners": [partner(kind=None)]}, "partners.0.kind"),
        ({"partners": [partner(), partner(1, pec="a@b.it")]}, "partners.1.pec"),
        ({"partners": [partner(n) for n in range(501)]}, "partners"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(changes: dict[str, Any], where: str):
    code, message = refusal(line(**changes))

    assert code == "line.invalid"
    assert f"`{where}`" in message


def test_a_partner_at_fault_is_told_by_its_number_and_recorded_without_a_word():
    content = line(partners=[partner(), partner(1, tax_code="RSSMRA", name="Rossi")])

    with pytest.raises(RefusedError) as error:
        submissions.read(content)

    assert "`partners.1.tax_code` (partner 2): write 11 digits" in error.value.message
    assert "Rossi" not in error.value.recorded
    assert "RSSMRA" not in error.value.recorded


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (partner(), "partner 2 has the tax code of partner 1"),
        (
            partner(tax_code=submission()["applicant"]["tax_code"]),
            "partner 2 has the tax code of the applicant, who leads",
        ),
    ],
)
def test_nobody_is_named_twice_in_one_application(second: dict[str, Any], words: str):
    code, message = refusal(line(partners=[partner(), second]))

    assert code == "line.invalid"
    assert words in message


def test_who_says_nothing_of_partners_files_what_was_filed_before_there_were_any():
    plain = submissions.read(line())

    assert submissions.read(line(partners=[])).fingerprint == plain.fingerprint
    assert plain.fingerprint == FILED_BEFORE


FILED_BEFORE = "48ccd410334170081cd2abe08e2cc49e549082c5d8343cb294ec4b51eb3b2e63"
"""Of the same line, by a version that knew of no partners."""


def test_a_missing_field_is_named():
    content = submission()
    del content["applicant"]["pec"]

    code, message = refusal(orjson.dumps(content))

    assert (code, message) == ("line.invalid", "`applicant.pec` is missing")


def test_amounts_may_be_left_out_where_there_is_no_money():
    said = orjson.loads(line(requested="0.00", investment="0.00"))
    unsaid = {k: v for k, v in said.items() if k not in {"requested", "investment"}}

    read = submissions.read(orjson.dumps(unsaid), gives_money=False)

    assert read.requested == read.investment == 0
    assert read.fingerprint == submissions.read(orjson.dumps(said)).fingerprint


def test_every_fault_of_a_line_is_told_at_once():
    _, message = refusal(line(requested="1,00", investment=3, colour="red"))

    assert all(f"`{name}`" in message for name in ("requested", "investment", "colour"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{", id="cut short"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"DOM-0001"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"12", id="a number"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"portal_id": "\xe8"}', id="Latin-1"),
        pytest.param(b'{"portal_id": "\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"portal_id": "a\x00"}', id="a bare control character"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep objects"),
        pytest.param(b"{} {}", id="two documents"),
        pytest.param(b'{"requested": NaN}', id="not JSON"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte-order mark"),
    ],
)
def test_what_is_not_a_json_object_is_refused_as_unreadable(content: bytes):
    code, message = refusal(content)

    assert code == "line.unreadable"
    assert len(message) < 300


def test_a_huge_line_is_refused_before_it_is_read():
    content = line(portal_id="D" * submissions.LONGEST_LINE)

    code, _ = refusal(content)

    assert code == "line.too_long"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"portal_id":', b'{"requested":"1.00","portal_id":'),
        (b'"name":"', b'"name":"Somebody else","name":"'),
    ],
)
def test_a_name_given_twice_is_refused_because_readers_differ_on_it(
    old: bytes, new: bytes
):
    code, message = refusal(line().replace(old, new, 1))

    assert code == "line.invalid"
    assert "twice" in message


def test_a_message_is_never_longer_than_the_register_should_keep():
    strangers = {f"field_{number}": number for number in range(10_000)}

    _, message = refusal(orjson.dumps({**submission(), **strangers}))

    assert len(message) < 2_100


def test_spaces_around_a_text_are_not_part_of_it():
    filed = submissions.read(line(applicant=applicant(name="  AFIL ")))

    assert filed.applicant.name == "AFIL"


def test_an_instant_is_read_to_the_microsecond_in_any_offset():
    rome = submissions.read(line(received_at="2026-01-20T10:00:00.000001+01:00"))
    utc = submissions.read(line(received_at="2026-01-20T09:00:00.000001Z"))

    assert rome.received_at == utc.received_at
    assert rome.received_at == datetime(2026, 1, 20, 9, 0, 0, 1, tzinfo=UTC)


def test_a_declared_aid_is_read():
    filed = submissions.read(line(aids=[aid(amount="300000")]))

    (declared,) = filed.aids
    assert (declared.granted_on, declared.amount) == (date(2025, 1, 31), 30_000_000)


def test_a_repetition_is_the_same_whatever_the_order_and_the_spaces():
    content = submission()
    backwards = dict(reversed(content.items()))

    one = submissions.read(orjson.dumps(content))
    other = submissions.read(orjson.dumps(backwards, option=orjson.OPT_INDENT_2))

    assert one.fingerprint == other.fingerprint
    assert one.idempotency_key == other.idempotency_key


@pytest.mark.parametrize(
    "changes",
    [
        {"requested": "111111.12"},
        {"portal_id": "DOM-0002"},
        {"received_at": "2026-01-20T10:00:00+01:00"},
        {"channel": "pec"},
        {"applicant": applicant(pec="other@pec.example.it")},
        {"applicant": applicant(kind="firm")},
        {"partners": [partner()]},
    ],
)
def test_another_content_is_another_submission(changes: dict[str, Any]):
    one, other = submissions.read(line()), submissions.read(line(**changes))

    assert one.fingerprint != other.fingerprint


def test_a_draft_and_its_submission_are_two_commands():
    filed, draft = submissions.read(line()), submissions.read(line(draft=True))

    assert filed.idempotency_key != draft.idempotency_key


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b'{"portal_id": "DOM-1", "requested": 1}', "DOM-1"),
        (b'{"portal_id": 1}', None),
        (b'{"portal_id": "D\\u0000M"}', None),
        (b'{"portal_id": "D\\u001b[2JM"}', None),
        (b'{"portal_id": "\xc3\xa8"}', None),
        (b'{"portal_id": ""}', None),
        (b"[1]", None),
        (b"{", None),
        (b'{"portal_id": "' + b"D" * 81 + b'"}', None),
    ],
)
def test_a_refused_line_is_named_only_by_an_id_that_a_portal_can_have(
    content: bytes, named: str | None
):
    assert submissions.portal_id(content) == named
