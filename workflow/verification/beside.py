"""What do the entries of a call say of the rows that stand beside them?"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from models.canonical import digest, encode
from models.vocabulary import CallEvent, CallState, Event, Outcome
from workflow import filed
from workflow.register import act_of, asked_at_first, shown

RowKind: TypeAlias = Literal[
    "version",
    "opening",
    "malfunction",
    "draw",
    "ranking",
    "ranked_place",
    "fund",
    "application",
    "term",
    "step",
    "partner",
    "notice",
    "list",
    "listed",
]
"""Rows that stand beside the register, and of which its entries tell."""

Key: TypeAlias = "tuple[Any, ...]"
"""What names such a row: first of all, the application it belongs to."""

LOADING = (
    CallEvent.LOAD_CALL,
    CallEvent.CHANGE_CALL,
    CallEvent.EXTEND_CALL,
    CallEvent.REFINANCE_CALL,
)
"""Events that add a version of the call."""

TEXT_OF_LETTER = "a text of hash"
"""The column, so called in faults, of the text of a letter; none once it is erased."""

_OF_COUNTER = ("suspended_for", "reopens_at", "closed_at")
_OF_OPENING = ("opened_at", "ended_at")
_OF_MALFUNCTION = ("began_at", "ended_at", "evidence", "decision")
_NOBODY: Mapping[str, Any] = {"partners": ()}
_PLACE = ("received_at", "protocol_year", "protocol_number")
_OF_GRANT = ("cor", "cup", "cor_on", "cup_on")
_UNTOLD: Mapping[str, int | None] = MappingProxyType(
    {"matured": 0}
    | dict.fromkeys(
        (
            *_PLACE,
            *("filed_seq", "rank", "score", "asked"),
            *_OF_GRANT,
            *("published_on", "started_on", "plan_investment"),
            *("granted_on", "admitted_investment"),
        )
    )
)
"""What stands in the row of an application of which nothing was told yet."""

_BY_RANKING = (Event.FUND, Event.ADMIT_UNFUNDED)
_CHANGE_REQUEST = (
    Event.SUBMIT,
    Event.PROMOTE,
    Event.YIELD_RESERVATION,
    *_BY_RANKING,
)
"""Events after which an application may ask for less than it did, or for all again."""

_STATED: Mapping[str | None, tuple[str, ...]] = MappingProxyType(
    {
        Event.RENEW_COR: ("cor", "cor_on"),
        Event.RECORD_PUBLICATION: ("published_on",),
        Event.START: ("started_on",),
    }
)
"""What is stated with an event, and stands in the row of the application."""

_MATURING = (Event.FILE_PLAN, Event.FILE_REPORT)
_MATURED = {"plan_investment": "plan_investment", "fixed_part_matured": "matured"}
"""What their entries find, and the columns in which it stands."""

_OF_RECKONING = ("calendar", "holidays", "extra_months", "extra_days", "suspensions")
_OF_STEP = ("status", "outcome", "subject", "opened_at", "closed_at")
_OF_LIST = ("size", "sha256")
_TELLING = frozenset(
    (
        *(*_CHANGE_REQUEST, *_STATED, *_MATURING),
        *(Event.START_REVIEW, Event.EVALUATE, Event.DETERMINE_AMOUNT),
        *(Event.GRANT, Event.RAISE_GRANT),
    )
)
"""Events that say more of the row of an application than its state and version."""

_DAY = len("2026-01-20")


@dataclass
class Beside:
    """What the entries of a call say of the rows that stand beside them.

    Only what was said last of each row is kept.
    """

    protocols: MutableMapping[str | None, str] = field(default_factory=dict)
    """Which application bears each protocol number: a draw names only that."""
    call: dict[str, Any] = field(
        default_factory=lambda: {
            "filed": 0,
            "state": CallState.PUBLISHED.value,
            "erased_seq": None,
            **dict.fromkeys(_OF_COUNTER),
        }
    )
    undated: MutableMapping[Key, bool] = field(default_factory=dict)
    """Letters of applications of which no entry says when they were delivered."""
    erased_under: str | None = None
    """The act by which the personal data of the call was erased."""
    erased_letters: int = 0
    """How many letters the entries say to have erased."""
    rows: dict[RowKind, MutableMapping[Key, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in get_args(RowKind)}
    )

    def feed(self, body: Mapping[str, Any]) -> str | None:
        """Take in an entry; return what is wrong with it, if anything."""
        fault = None
        if body["outcome"] == Outcome.OK:
            if body["application"] is not None:
                self._take_application(body)
                self._take_rows(body)
            else:
                fault = self._leads_from_elsewhere(body) or _of_another_list(body)
                self._take_call(body)
                self._take_letters(body)
        return self._foreign_rules(body) or fault

    def _leads_from_elsewhere(self, body: Mapping[str, Any]) -> str | None:
        source, stood = body["from"], self.call["state"]
        if source is None or source == stood:
            return None  # entries of the first version say nothing of it
        return (
            f"it starts from `{shown(source)}` but the call stood at `{shown(stood)}`"
        )

    def _take_call(self, body: Mapping[str, Any]) -> None:
        findings = body.get("findings") or {}
        if body["to"] is not None:
            self.call["state"] = body["to"]
        self.call.update(
            {name: findings[name] for name in _OF_COUNTER & findings.keys()}
        )
        event = body.get("event")
        if event in LOADING:
            self._take_version(body, findings)
        elif event == CallEvent.APPLY_VERSION:
            self._put_in_force(body, findings)
        elif event == CallEvent.RECORD_DRAW:
            self._take_draw(body, findings)
        elif event == CallEvent.RANK_CALL:
            self._take_ranking(body, findings["ranking"])
        elif event == CallEvent.ERASE_PERSONAL_DATA:
            self.call["erased_seq"] = body["seq"]
            self.erased_under = act_of(body)
            self.erased_letters += findings["erased"]["letters"]
        elif event == CallEvent.UPDATE_LIST:
            self._take_list(body, findings["list"])
        self._take_part("opening", findings, _OF_OPENING)
        self._take_part("malfunction", findings, _OF_MALFUNCTION)

    def _take_list(self, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        version = told["version"]
        self.rows["list"][(version,)] = {
            "entry_seq": body["seq"],
            "approved_at": body["at"],
            "act": act_of(body),
            **{name: told[name] for name in _OF_LIST},
        }
        for one in told["changes"]:
            self.rows["listed"][(version, one["application"])] = {
                "change": one["change"],
                "behind": " ".join(one["behind"]),
            }

    def _take_draw(self, body: Mapping[str, Any], findings: Mapping[str, Any]) -> None:
        drawn = body["inputs"]
        self.rows["draw"][(drawn["week"],)] = {
            "seed": drawn["seed"],
            "drawn_at": body["at"],
        }
        for rank, protocol in enumerate(findings["order"], start=1):
            key = (self.protocols[protocol],)
            self.rows["application"][key]["rank"] = rank

    def _take_ranking(self, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        version = told["version"]
        self.rows["ranking"][(version,)] = {
            "entry_seq": body["seq"],
            "seed": body["inputs"].get("seed"),
            "sha256": told["sha256"],
            "ranked_at": body["at"],
        }
        for one in told["order"]:
            self.rows["ranked_place"][version, one["place"]] = {
                "application_id": self.protocols[one["application"]],
                "score": one["score"],
                "amount": one["amount"],
            }

    def _take_part(
        self, kind: RowKind, findings: Mapping[str, Any], names: tuple[str, ...]
    ) -> None:
        if told := findings.get(kind):
            self.rows[kind][(told["ordinal"],)] = {name: told[name] for name in names}

    def _take_version(
        self, body: Mapping[str, Any], findings: Mapping[str, Any]
    ) -> None:
        rules = body.get("rules")
        said = {
            "fingerprint": rules,
            "a content of hash": rules,
            "act": act_of(body),
            "reason": body.get("reason"),
            "loaded_at": body.get("at"),
            "loaded_by": body["actor"]["id"],
        }
        if "effective_at" in findings:
            said["effective_at"] = findings["effective_at"]
        self.rows["version"][(body.get("call_version"),)] = said
        if findings.get("effective_at", "") <= body.get("at", ""):
            self._put_in_force(body, findings)  # else it is only announced

    def _put_in_force(
        self, body: Mapping[str, Any], findings: Mapping[str, Any]
    ) -> None:
        self.call["version"] = body.get("call_version")
        self.call["allocation"] = findings.get("allocation")

    def _take_application(self, body: Mapping[str, Any]) -> None:
        said = self.rows["application"].setdefault((body["application"],), {**_UNTOLD})
        said["call_version"] = body.get("call_version")
        if body.get("event") in _TELLING:
            self.tell(said, body)

    def tell(self, said: dict[str, Any], body: Mapping[str, Any]) -> None:
        """Note what an entry says of the row of its application."""
        event = body.get("event")
        if event in _CHANGE_REQUEST and "requested" in body["findings"]:
            said["requested"] = body["findings"]["requested"]
            said["asked"] = asked_at_first(body["findings"])
        if event in _BY_RANKING:
            said["rank"] = body["findings"]["rank"]
        if event == Event.SUBMIT:
            self.call["filed"] += 1
            said.update({name: body["order"][name] for name in _PLACE})
            said["filed_seq"] = self.call["filed"]
            self._take_filing(said, body)
        elif event == Event.START_REVIEW:
            said["review_started"] = True
        elif event == Event.EVALUATE and "score" in body["findings"]:
            said["score"] = body["findings"]["score"]["total"]
        elif event == Event.GRANT:
            _take_grant(said, body)
        elif event == Event.RAISE_GRANT:
            said["published_on"] = None  # it has to be published again
        elif event in _STATED:
            said.update({name: body["inputs"][name] for name in _STATED[event]})
        else:
            _take_amounts(said, body)

    def _take_filing(self, said: dict[str, Any], body: Mapping[str, Any]) -> None:
        findings = body["findings"]
        self.protocols[body.get("protocol")] = body["application"]
        said["review_started"] = False
        said["accepts_less"] = findings.get("accepts_less", False)
        said["rank"] = findings.get("rank")
        if "partnership" in findings:
            said["lead_kind"] = findings["partnership"]["lead"]["kind"]
        said.update(filed.told(findings))
        if "investment" in findings:  # said since version 0.5
            said["investment"] = findings["investment"]
        if "channel" in findings:  # version 0.1 did not say it
            said["channel"] = findings["channel"]

    def _take_rows(self, body: Mapping[str, Any]) -> None:
        identity = body["application"]
        for item in body.get("terms") or ():
            # Written out: a loop over names costs half as much again, and this is
            # done for each term of each entry.
            key = identity, item["kind"], item["ordinal"]
            said = self.rows["term"].setdefault(key, {})
            said["status"] = item["status"]
            said["due_at"] = item["due_at"]
            said["starts_on"] = item["starts_on"]
            said["suspended_days"] = item["suspended_days"]
            if "settled_at" in item:  # said since version 0.5
                said["settled_at"] = item["settled_at"]
                said["escalated_at"] = item["escalated_at"]
            if "extra_days" in item:  # said of what was reckoned, since version 0.5
                said.update({name: item[name] for name in _OF_RECKONING})
                if item["change"] == "started":
                    said["started_seq"] = body["seq"]
        for item in body.get("steps") or ():
            key = (identity, item["kind"], item["ordinal"])
            self.rows["step"][key] = {
                name: item[name] for name in _OF_STEP if name in item
            }
        self._take_partners(body)
        self._take_letters(body)
        if body.get("event") == Event.RECORD_DELIVERY:
            self._take_delivery(identity, body["findings"])

    def _take_delivery(self, identity: str, findings: Mapping[str, Any]) -> None:
        told = findings.get("delivered")
        if told is None:  # said since version 0.5
            self.undated[identity, findings["letter"]] = True
            return
        said = self.rows["notice"][identity, told["letter"], told["id"]]
        said["delivered_at"], said["receipt"] = told["at"], told["receipt"]
        said["delivered"] = True

    def _take_partners(self, body: Mapping[str, Any]) -> None:
        identity, findings = body["application"], body.get("findings") or {}
        rows = self.rows["partner"]
        for one in findings.get("partnership_before", _NOBODY)["partners"]:
            key = (identity, one["applicant"])
            rows[key] = {**rows[key], "left_at": body["at"]}
        together = findings.get("partnership", _NOBODY)
        for ordinal, one in enumerate(together["partners"], start=1):
            key = (identity, one["applicant"])
            rows[key] = {"kind": one["kind"], "ordinal": ordinal, "left_at": None}

    def _take_letters(self, body: Mapping[str, Any]) -> None:
        for item in body.get("notices") or ():
            # A move of the call writes to many: each of its letters says to whom.
            identity = body["application"] or item["application"]
            key = (identity, item["letter"], item["id"])
            said = self.rows["notice"][key] = {"entry_seq": body["seq"]}
            said["delivered_at"] = said["receipt"] = None
            said["delivered"], said["created_at"] = False, body.get("at")
            if "sha256" in item:  # letters had no text before version 0.4
                said["digest"] = said[TEXT_OF_LETTER] = item["sha256"]

    def _foreign_rules(self, body: Mapping[str, Any]) -> str | None:
        number = body.get("call_version")
        if number is None:
            return None
        frozen = self.rows["version"].get((number,))
        if frozen is not None and frozen["fingerprint"] == body.get("rules"):
            return None
        return f"its rules are not those of version {shown(number)} of the call"


def _of_another_list(body: Mapping[str, Any]) -> str | None:
    """Tell whether a set, or a ranking, has another hash than its entry says."""
    findings = body.get("findings") or {}
    if closed := findings.get("set"):
        listed = {"applications": closed["applications"]}
        if closed["sha256"] != digest(encode(listed)):
            return "the set that it closes does not match its hash"
    if body.get("event") == CallEvent.RANK_CALL:
        made = findings["ranking"]
        listed = {"order": made["order"], "below": made["below"]}
        if made["sha256"] != digest(encode(listed)):
            return "its ranking does not match its hash"
    return None


def _take_grant(said: dict[str, Any], body: Mapping[str, Any]) -> None:
    stated = body["inputs"]  # version 0.1 asked for no days
    said.update({name: stated.get(name) for name in _OF_GRANT})
    said.pop("granted_on", None)
    if "local" in body:
        said["granted_on"] = body["local"][:_DAY]
    if "admitted_investment" in stated:
        said["admitted_investment"] = _cents(stated["admitted_investment"])
    elif "investment" in said:
        said["admitted_investment"] = said["investment"]
    else:  # before version 0.5 the filing did not say it
        said.pop("admitted_investment", None)


def _take_amounts(said: dict[str, Any], body: Mapping[str, Any]) -> None:
    if body.get("event") == Event.DETERMINE_AMOUNT:
        said["admitted_investment"] = _cents(body["inputs"]["admitted_investment"])
    elif body.get("event") in _MATURING:
        for name, column in _MATURED.items():
            if name in body["findings"]:
                said[column] = body["findings"][name]


def _cents(stated: str) -> int:
    """Read an amount as it is stated: euros with two decimals."""
    return int(stated.replace(".", ""))
