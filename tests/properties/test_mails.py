"""Can what comes from outside change the shape of a mail?"""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import SMTP
from types import SimpleNamespace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Event, Family
from tests.builders import ctl
from tests.builders_facts import act, facts
from workers.transports.messages import written
from workflow.letters.gathering import Making
from workflow.letters.wording import line
from workflow.machine import Consequences
from workflow.moves.families import TABLES
from workflow.moves.inputs import CompletionInputs
from workflow.services import letters
from workflow.services.postings import Mail

MOVES = TABLES[Family("negotiated_counter")]
SENDER = Address(username="bandi", domain="pec.example.it")
HEADERS = [
    *("Message-ID", "From", "To", "Subject", "Date", "Auto-Submitted"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
]
TRICKS = (
    "\r\nBcc: spia@example.it\r\n",
    "\nSubject: altro\n\n",
    "\r\n.\r\nMAIL FROM:<spia@example.it>\r\n",
    "{{ 7 * 7 }}",
    "{% include 'base.j2' %}",
    "{# niente",
    "<script>alert(1)</script>",
    "\u202emorf\u202c",
    "\u200b\u2060\ufeff",
    "\u2028\u2029\x85\x0b\x0c",
    "\x1b[2J\x00\x7f",
    "=?utf-8?q?Bcc:_spia=40example.it?=",
    "à€😀",
)
untrusted = st.lists(st.sampled_from(TRICKS) | st.text(max_size=20), max_size=4).map(
    lambda parts: "a" + "".join(parts)
)


@given(name=untrusted, reason=untrusted, title=untrusted, item=untrusted)
def test_the_headers_of_a_mail_are_those_we_set_whatever_the_facts_hold(
    name: str, reason: str, title: str, item: str
):
    rules = ctl().model_copy(update={"title": title})
    # What is typed is checked before: here it comes past that.
    stated = CompletionInputs.model_construct(item=(item,))
    for event, given_with in (
        (Event.REJECT, None),
        (Event.REQUEST_COMPLETION, stated),
    ):
        (text,) = written_by(event, rules, name, reason, given_with)
        mail = Mail(
            id=UUID(int=1),
            message_id=f"<{UUID(int=1)}@pec.example.it>",
            recipient="cluster1@pec.example.it",
            subject=text.subject,
            body=text.body,
            at=datetime(2026, 1, 20, tzinfo=UTC),
            folder="X",
            name="x",
        )

        sent = message_from_bytes(written(mail, SENDER), policy=SMTP)

        assert sorted(sent.keys()) == sorted(HEADERS)
        assert sent["To"] == "cluster1@pec.example.it"
        assert sent["Subject"] == text.subject
        assert not sent.is_multipart()
        assert not sent.defects
        body = sent.get_content().replace("\r\n", "\n")
        assert body == text.body
        assert all(line.isprintable() for line in body.split("\n"))
        # As many lines as if everybody had plain words: nothing begins one of its own.
        (plain,) = written_by(event, rules_named("a"), "a", "a", PLAIN[event])
        assert body.count("\n") == plain.body.count("\n")
        for words in spoken_of(event, name, reason, title, item):
            assert words in body, "it stands there as it is, and is never read"


PLAIN = {
    Event.REJECT: None,
    Event.REQUEST_COMPLETION: CompletionInputs(item=("a",)),
}


def spoken_of(event, name, reason, title, item):
    """Return the words that a letter repeats, as it does."""
    said = reason if event is Event.REJECT else item
    return [line(words) for words in (name, title, said)]


def rules_named(title):
    return ctl().model_copy(update={"title": title})


def written_by(event, rules, name, reason, given_with):
    """Write the letters of an event with what came from outside."""
    move = MOVES.of_event(event)[0]
    known = facts(call=rules, state=move.sources[0], act=act(), reason=reason, score=50)
    about = Making(
        move, known, given_with or move.inputs(), Consequences(), {}, "Anna Bianchi"
    )
    file = SimpleNamespace(
        rules=rules,
        applicant=SimpleNamespace(name=name, pec="cluster1@pec.example.it"),
        application=SimpleNamespace(portal_id="DOM-0010"),
    )
    return [one.text for one in letters.write(file, about)]  # type: ignore[arg-type]  # what letters need of it
