"""How does a new call file begin?"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from config.families import families
from config.loader import check, load


def new(*arguments: object):
    return CliRunner().invoke(main, ["call", "new", *map(str, arguments)])


@pytest.mark.parametrize("family", families())
def test_the_model_of_a_family_lacks_nothing_but_the_code(family: str, tmp_path: Path):
    file = tmp_path / "new.toml"

    made = new(family, file)

    assert made.exit_code == 0
    assert [fault.where for fault in check(file)] == ["code"]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("000000", "000001", 1), encoding="utf-8")
    assert load(file).family == family


@pytest.mark.parametrize("family", families())
def test_a_model_fits_a_terminal_of_a_hundred_columns(family: str, tmp_path: Path):
    file = tmp_path / "new.toml"

    new(family, file)

    assert max(map(len, file.read_text(encoding="utf-8").splitlines())) <= 100


def test_a_new_call_says_what_comes_next(tmp_path: Path):
    file = tmp_path / "my call.toml"

    made = new("plain_counter", file)

    assert f"sportello call check '{file}'" in made.output
    assert json.loads(new("plain_counter", tmp_path / "b.toml", "--json").output) == {
        "file": str(tmp_path / "b.toml"),
        "family": "plain_counter",
    }


def test_nothing_is_overwritten(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("mine", encoding="utf-8")

    made = new("plain_counter", file)

    assert made.exit_code == 2
    assert "nothing is overwritten" in made.output
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path):
    link, elsewhere = tmp_path / "link.toml", tmp_path / "elsewhere"
    link.symlink_to(elsewhere)

    made = new("plain_counter", link)

    assert made.exit_code == 2
    assert not elsewhere.exists()


def test_an_unknown_family_is_answered_with_those_that_there_are(tmp_path: Path):
    made = new("lottery", tmp_path / "new.toml")

    assert made.exit_code == 2
    assert all(family in made.output for family in families())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["new", "new.toml.txt", ".", "nowhere/new.toml"])
def test_a_name_that_cannot_be_is_refused_clearly(name: str, tmp_path: Path):
    made = new("plain_counter", tmp_path / name)

    assert made.exit_code in {2, 3}
    assert "Error [file." in made.output
    assert not list(tmp_path.iterdir())
