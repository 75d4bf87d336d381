"""Is an address taken exactly if mail can be sent to it, and to nobody else?"""

import json

import click
import pytest

from commands import officers
from config.settings import SettingsError, read_settings
from models import addresses
from models.addresses import AddressError, MailAddress
from tests.builders import submission
from tests.mailservers import a_mail
from workers.transports import messages
from workflow.errors import PermanentError, RefusedError
from workflow.services import submissions

GOOD = {
    "cluster1@pec.example.it": ("cluster1", "pec.example.it"),
    "Mario.Rossi+bandi_2026@PEC.Example.IT": (
        "Mario.Rossi+bandi_2026",
        "PEC.Example.IT",
    ),
    "o'neil!#$%&*/=?^`{|}~-@a-b.it": ("o'neil!#$%&*/=?^`{|}~-", "a-b.it"),
    f"{'a' * 64}@c.it": ("a" * 64, "c.it"),
    f"a@{'b' * 63}.it": ("a", f"{'b' * 63}.it"),
    "1@163.com": ("1", "163.com"),
    "perché@pec.example.it": ("perché", "pec.example.it"),
    "info@perché.it": ("info", "xn--perch-fsa.it"),
    "info@PERCHÉ.IT": ("info", "xn--perch-fsa.IT"),
    "info@xn--perch-fsa.it": ("info", "xn--perch-fsa.it"),
}
BAD = [
    "",
    "nobody",
    "@c.it",
    "a@",
    "rossi@[127.0.0.1]",
    "rossi@[IPv6:::1]",
    "rossi@127.0.0.1",
    "x@y@c.it",
    "a..b@c.it",
    ".a@c.it",
    "a.@c.it",
    '"mario rossi"@c.it',
    '"a"@c.it',
    "a b@c.it",
    " a@c.it",
    "a@c.it ",
    "a(note)@c.it",
    "Rossi <a@c.it>",
    "a@b.it,c@d.it",
    "a;b@c.it",
    "a:b@c.it",
    "a\\b@c.it",
    "a@localhost",
    "a@c..it",
    "a@.c.it",
    "a@c.it.",
    "a@-c.it",
    "a@c-.it",
    "a@c_d.it",
    "a@c.123",
    f"a@{'b' * 64}.it",
    f"{'a' * 65}@c.it",
    f"{'é' * 33}@c.it",
    f"a@{'.'.join(['b' * 50] * 5)}.it",
    f"{'a' * 64}@{'.'.join(['b' * 47] * 4)}.it",
    f"a@{'perché.' * 30}it",
    "a\x00@c.it",
    "a\t@c.it",
    "a\x7f@c.it",
    "a\x85@c.it",
    "a\n@c.it",
    "a@c.it\n",
    "a@c.it\r\nRCPT TO:<b@c.it>",
    "a\u202eb@c.it",
    "a\u200bb@c.it",
    "a\xa0b@c.it",
    "a\ud800@c.it",
    "a@c\ud800.it",
    "a@straße.it",
    "a@\uff50\uff45\uff43.it",
    "a@c\u3002it",
    "a@b\uff20c.it",
    "a@\u00adc.it",
]


@pytest.mark.parametrize("written", GOOD)
def test_an_address_is_read_as_a_server_is_told_it(written: str):
    local, domain = GOOD[written]

    assert addresses.read(written) == MailAddress(local, domain)
    assert messages.address_of(written).addr_spec == f"{local}@{domain}"


@pytest.mark.parametrize("written", BAD)
def test_what_is_no_address_is_refused_without_being_repeated(written: str):
    with pytest.raises(AddressError) as why:
        addresses.read(written)
    with pytest.raises(PermanentError) as unsent:
        messages.written(a_mail(recipient=written), None)

    assert unsent.value.code == "mail.address"
    for said in (str(why.value), unsent.value.message):
        assert not written.strip() or written not in said


@pytest.mark.parametrize("written", [bad for bad in BAD if bad == bad.strip()])
def test_what_is_no_address_comes_in_nowhere(written: str, monkeypatch):
    """Spaces around it are no part of it."""
    filed = submission()
    filed["applicant"]["pec"] = written

    if "\ud800" not in written:
        with pytest.raises(
            RefusedError, match=r"`applicant\.pec`: .*; write an"
        ) as line:
            submissions.read(json.dumps(filed).encode())
        assert line.value.recorded == "the line is wrong in: `applicant.pec`"
    if written:  # none is a way to say that it is to be forgotten
        with pytest.raises(click.BadParameter, match="write one, such as"):
            officers._email(None, None, written)  # type: ignore[arg-type]
    if written and not {"\x00", "\ud800"} & {*written} and "Rossi" not in written:
        monkeypatch.setenv("SPORTELLO_SENDER", written)
        with pytest.raises(SettingsError, match=r"(?s)SPORTELLO_SENDER .*not right"):
            read_settings()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("A@pec.Example.it", "a@PEC.example.IT", True),
        (" a@c.it", "a@c.it ", True),
        ("info@perché.it", "INFO@xn--perch-fsa.it", True),
        ("no address", "No Address", True),
        ("a@c.it", "b@c.it", False),
        ("a@c.it", "a@d.it", False),
        ("a@c.it", "", False),
    ],
)
def test_one_mailbox_may_be_written_in_several_ways(one, other, expected):
    assert addresses.are_same(one, other) is expected
