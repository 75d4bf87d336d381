"""Is every entry judged by the moves of the version that wrote it?"""

import re
from pathlib import Path

import pytest

from lint import released
from workflow.desk import SOFTWARE
from workflow.moves.editions import edition, frozen, known, present
from workflow.services.spills import RESIDENT, Spills

HERE = Path(__file__).parent.parent.parent
CHANGELOG = (HERE / "CHANGELOG.md").read_text(encoding="utf-8")
GRANT = ("negotiated_counter", "grant", "evaluated", "negotiating", "manager")


def test_every_version_that_was_released_has_its_moves_frozen():
    versions = re.findall(r"^## \[(\d+\.\d+)\.\d+\]", CHANGELOG, re.MULTILINE)

    assert set(versions) == frozen().keys()


def test_what_is_frozen_is_written_again_as_it_is():
    assert released.page(frozen()) == released.PAGE.read_text(encoding="utf-8")


def test_the_version_that_runs_is_judged_by_the_tables_themselves():
    assert known(SOFTWARE)[edition(SOFTWARE)] == present()
    assert known("9.1.7")["9.1"] == present()
    assert known("9.1.7")["0.1"] == frozen()["0.1"]


def test_each_version_allowed_what_it_had():
    assert all(GRANT in allowed for allowed in frozen().values())
    assert ("call", "load_call", None, None, "manager") in frozen()["0.1"]
    assert not any(row[1] == "open_call" for row in frozen()["0.1"])
    assert ("call", "open_call", "published", "open", "system") in frozen()["0.2"]


@pytest.mark.parametrize("count", [3, 3 * RESIDENT])
def test_what_does_not_fit_in_memory_is_found_again(count):
    spills = Spills()
    kept = spills.mapping()

    for turn in range(2):
        for number in range(count):
            kept[str(number), "term"] = {"turn": turn, "number": number}
            kept.setdefault((str(number), "step"), {})["turn"] = turn
    dropped = kept.pop(("0", "term"))
    again = kept.pop(("0", "term"), None)

    rest = dict(kept.every())
    assert (dropped, again) == ({"turn": 1, "number": 0}, None)
    assert len(kept) == len(rest) == 2 * count - 1
    assert rest["1", "term"] == kept["1", "term"] == {"turn": 1, "number": 1}
    assert {one["turn"] for one in rest.values()} == {1}
    assert kept.get(("no", "term")) is None
    assert ("1", "step") in kept
    spills.close()


def test_what_has_one_name_is_found_again_in_each_mapping_until_it_is_forgotten():
    spills = Spills()
    groups = spills.groups()
    terms, states = groups.mapping(), groups.mapping(pack=list, unpack=tuple)
    names = [str(number) for number in range(2 * RESIDENT)]

    for name in names:
        terms[name, "term"] = name
        states[name] = (name, 1)
    found = [(terms.pop((name, "term")), states.pop(name)) for name in names[1:]]

    assert found == [(name, (name, 1)) for name in names[1:]]
    assert (dict(terms.every()), list(states)) == ({("0", "term"): "0"}, ["0"])
    spills.close()
