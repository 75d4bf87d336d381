"""Does every promise hold of the whole as it is deployed, whatever harm is done to it?

Two scripts run at once, both from one seed: what people do, and what harm comes. What
is done at which instant is not of the seed: processes race for it. So a seed brings the
same script again, and most often the same failure.
"""

import itertools
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.soak import promises
from tests.faults.soak.harms import HARMS, much_time_passes_unnoticed
from tests.faults.soak.notebooks import by_chance
from tests.faults.soak.towns import Town, town
from tests.faults.storms import PATIENCE
from tests.servers import Supervised, supervised

SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
"""For how long one episode follows the other; one at least."""

SEED = int(os.environ.get("SOAK_SEED", "20260120"))
_STEPS = [timedelta(minutes=10), timedelta(hours=5), timedelta(days=1)]


@pytest.fixture
def database() -> Iterator[Supervised]:
    """Run a database of this test's own: it will not survive it whole."""
    with supervised("crashing-postgresql") as server:
        yield server


@pytest.mark.timeout(900 + 3 * int(SECONDS))
def test_whatever_harm_is_done_to_the_whole_every_promise_holds(
    database: Supervised, tmp_path_factory: pytest.TempPathFactory
):
    ends = time.monotonic() + SECONDS
    reached: Counter[str] = Counter()
    say(f"the first seed is {SEED}")

    for seed in itertools.count(SEED):
        folder = tmp_path_factory.mktemp(f"soak-{seed}")
        try:
            reached += episode(database, folder, seed)
        except BaseException as error:
            error.add_note(f"once more: make soak SOAK_SEED={seed} SOAK_SECONDS=0")
            error.add_note(f"what was told, logged and entered: {folder}")
            raise
        if time.monotonic() >= ends:
            break

    promises.much_was_done(reached)
    assert [harm.__name__ for harm in HARMS if not reached[harm.__name__]] == []


def episode(database: Supervised, folder: Path, seed: int) -> Counter[str]:
    """Let harm of every kind come once, in the midst of the work, and look then.

    Returns what the promises were held against, and what each harm met.
    """
    harms = list(HARMS)
    by_chance(seed, "harms").shuffle(harms)
    # After so long counters are closed, and hardly a letter is written any more.
    harms.sort(key=lambda harm: harm is much_time_passes_unnoticed)
    met: Counter[str] = Counter()

    with town(database, folder, seed) as whole:
        whole.some_work(20, within=PATIENCE)
        for harm in harms:
            began = time.monotonic()
            chance = by_chance(seed, harm.__name__)
            met[harm.__name__] = int(harm(whole, chance))
            go_on(whole, chance)
            took = time.monotonic() - began
            say(f"{seed} {harm.__name__} {met[harm.__name__]}, {took:.1f} s")
        whole.enough_work()
        chance = by_chance(seed, "rest")
        whole.come_to_rest(chance)
        say(f"{seed} at rest {dict(whole.told())}")
        met["refused for good"] = promises.undelivered_are_told(whole)
        met["sent after all"] = whole.send_what_is_parked(chance)
        met += promises.hold(whole)
        say(f"{seed} holds {dict(met)}")
        return met


def go_on(whole: Town, chance: random.Random) -> None:
    """Let everybody recover a little, and time pass."""
    whole.keep_going()
    whole.pass_time(chance.choice(_STEPS))
    whole.post_receipts(chance)
    whole.some_work(6)


def say(what: str) -> None:
    """Tell whoever waits for a long soak how far it is."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()
