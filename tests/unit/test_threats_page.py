"""Does the page of the threats tell the truth about what is tried?"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [
    line.strip("| ").split(" | ")
    for line in PAGE.partition("## Applicants")[2].splitlines()
    if line.startswith("| ") and "---" not in line and "tried by" not in line
]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_names_is_there(file: str, name: str):
    source = (ROOT / file).read_text(encoding="utf-8")

    assert re.search(rf"^def {name}\(", source, re.MULTILINE)


def test_each_threat_names_its_test_or_says_why_there_is_none():
    assert len(ROWS) > 30

    for row in ROWS:
        assert "::test_" in row[-1] or row[-1].startswith("not tried: "), row
