"""Does nothing that a server says come through, but what its codes mean?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.rules import failures


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (550, "5.1.1 <a@c.it> unknown", "550 5.1.1 (there is no such mailbox)"),
        (552, "5.2.2 Rossi over quota", "552 5.2.2 (the mailbox is full)"),
        (451, "4.7.1 Greylisted", "451 4.7.1 (the server's rules do not let it in, or"),
        (550, "#5.1.10 null MX", "550 5.1.10 (the domain takes no mail)"),
        (554, "5.1.99 odd", "554 5.1.99 (something is wrong with the address)"),
        (554, "5.0.0 odd", "554 5.0.0 (it takes no such letter)"),
        (550, "no", "550 (there is no such mailbox, or it takes nothing from us)"),
        (421, "closing", "421 (it is busy, or about to stop)"),
        (599, "odd", "599"),
        (550, "see 10.5.1.1 or 5.1.1.7", "550 (there is no such mailbox, or it takes"),
        (550, "v5.1.1 5.9.1 5.1.100 2.1.1", "550 (there is no such mailbox, or it"),
    ],
)
def test_an_answer_is_told_by_its_codes(code, words, expected):
    assert failures.answered(code, words).startswith(expected)


@pytest.mark.parametrize(
    ("words", "full"),
    [
        ("5.2.2", True),
        ("552-4.2.2 later", True),
        ("4.4.7 after 24 h: 5.2.2", True),
        ("Casella   PIENA", True),
        ("mailbox full", True),
        ("over quota", True),
        ("5.2.1", False),
        ("15.2.2", False),
        ("quotation", False),
        ("", False),
    ],
)
def test_a_full_mailbox_is_known_by_its_code_or_by_common_words(words, full):
    assert failures.is_full(words) is full
    assert ("the mailbox is full" in failures.certified("altro", words)) is full


@given(error=st.text(max_size=20), words=st.text(max_size=80))
def test_no_word_of_a_provider_is_repeated(error, words):
    mark = "\u2603"

    told = failures.certified(error + mark, f"{mark}{words}{mark}")

    assert mark not in told
    assert told.startswith("altro")
    assert len(told) < 100
