"""May a family say a letter in its own words?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import templates
from models.vocabulary import Family, Letter


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in {
        "shared.j2": "",
        "grant.j2": "Oggetto: to all\nSo for all.",
        "settled.j2": "Oggetto: to all\nSettled.",
        "own/grant.j2": "Oggetto: to those of it\nSo for {{ who }}.",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(templates, "_FOLDER", tmp_path)
    templates._environment.cache_clear()
    yield tmp_path
    templates._environment.cache_clear()


@pytest.mark.usefixtures("folder")
def test_a_family_says_a_letter_in_its_own_words():
    text = templates.written(Letter.GRANT, {"who": "Anna"}, Family("own"))

    assert text == templates.Text("to those of it", "So for Anna.\n")


@pytest.mark.usefixtures("folder")
def test_what_a_family_does_not_say_is_said_as_to_all():
    assert templates.written(Letter.SETTLED, {}, Family("own")).subject == "to all"
    assert templates.written(Letter.GRANT, {}, Family("other")).body == "So for all.\n"
