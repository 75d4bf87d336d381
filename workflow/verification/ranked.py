"""Does a ranking follow the scores before it, and each file the ranking?"""

from collections.abc import Mapping, MutableMapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from models.vocabulary import CallEvent, Event, Outcome
from workflow.register import shown

_BY_SCORE = "score"
"""What decided on a place, where it was the score."""

Score = list[int | str]
"""As it is shown, and to its last part."""
Due = list[int]
"""A place in the last ranking, and what the last act gives in all."""


class RankingFold:
    """Follows the scores, the rankings and the money of one call, entry after entry."""

    def __init__(
        self, scores: MutableMapping[str, Score], due: MutableMapping[str, Due]
    ) -> None:
        self._scores, self._due = scores, due
        self._version = 0

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        if body["outcome"] != Outcome.OK:
            return None
        event, found = body["event"], body["findings"]
        if event == Event.EVALUATE and "score" in found:
            total = found["score"]["total"]
            exact = str(found["score"].get("exact", total))
            self._scores[body["protocol"]] = [total, exact]
        elif event == CallEvent.RANK_CALL:
            return self._rank(found["ranking"])
        elif event == CallEvent.FUND_CALL:
            return self._fund(found)
        elif event in {Event.FUND, Event.ADMIT_UNFUNDED}:
            return self._placed(body["protocol"], body["inputs"])
        return None

    def _rank(self, told: Mapping[str, Any]) -> str | None:
        follows = told["version"] == self._version + 1
        self._version, order = told["version"], told["order"]
        for one in order:
            self._due[one["application"]] = [one["place"], one["amount"]]
        if not follows:
            return f"version {shown(self._version)} of the ranking follows another"
        if [one["place"] for one in order] != list(range(1, len(order) + 1)):
            return "the places of its ranking are not one after the other"
        # A family may rank by something else, by lot say: then there is no score.
        scored = [one for one in order if one["decided"][0]["rule"] == _BY_SCORE]
        for one in scored:
            if not self._has(one["application"], one["score"], _exact(one)):
                return _another_score(one)
        for one in told["below"]:
            exact = one.get("exact", one["score"])
            if not self._has(one["application"], one["score"], exact):
                return _another_score(one)
        merits = [Fraction(self._scores[one["application"]][1]) for one in scored]
        if any(above < below for above, below in pairwise(merits)):
            return "somebody stands in its ranking below a lower score"
        return None

    def _has(self, name: str, score: int, exact: int | str) -> bool:
        return self._scores.get(name) == [score, str(exact)]

    def _fund(self, found: Mapping[str, Any]) -> str | None:
        for one in found["funded"]:
            name, place = one["application"], self._due[one["application"]][0]
            self._due[name] = [place, one["amount"]]
            if one["place"] != place or one["amount"] <= one["before"]:
                return f"{shown(name)} has another place or sum in it than it had"
        if found["ranking"] != self._version:
            return f"it goes on in version {shown(found['ranking'])}, not the last one"
        return None

    def _placed(self, name: str, given: Mapping[str, Any]) -> str | None:
        said = [given["ranking"], given["place"], given["amount"]]
        if said == [self._version, *self._due.get(name, [])]:
            return None
        return f"its place and amount are not those of version {self._version}"


def _exact(one: Mapping[str, Any]) -> int | str:
    exact: int | str = one["decided"][0]["value"]
    return exact


def _another_score(one: Mapping[str, Any]) -> str:
    return f"its ranking gives {shown(one['application'])} another score than its own"
