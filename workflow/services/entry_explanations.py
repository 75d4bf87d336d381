"""What does an entry of the register answer to whoever asks about it?

In turn or not, by whom, under which rules, with how much money left, who was
next: by the entries up to it, and not by what the tables say today.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.session import reading
from models.tables import Call
from models.vocabulary import Event, OrderPolicy, Outcome
from workflow.desk import Desk
from workflow.errors import InputError
from workflow.moves.words import rome, spoken
from workflow.register import act_of
from workflow.rules import order, strategies
from workflow.rules.amounts import format_money
from workflow.rules.steps import Step
from workflow.rules.strategies import Candidate
from workflow.services import entry_findings, histories, lookups, moments, past_calls
from workflow.services.chronicles import Chronicle
from workflow.services.histories import Explanation
from workflow.services.moments import Moment
from workflow.services.queues import QueueView

_NAMED = re.compile(r"(?P<call>\S+?)\s*#\s*(?P<seq>[0-9]{1,18})")
_MOST = 10
_TAKES_UP = (Event.START_REVIEW, Event.EVALUATE)


def entry(desk: Desk, name: str) -> Explanation:
    """Explain one entry of the register.

    Raises:
        InputError: *name* is not written as `CALL#NUMBER`.
        RefusedError: there is no such call, or no such entry.
        TamperedError: an entry cannot be read.
    """
    match = _NAMED.fullmatch(name.strip())
    if match is None:
        raise InputError(
            "entry.unreadable",
            f"`{name}`: write the call, # and the number of the entry, such as "
            "RLF12025051244#12; `sportello log show` tells the numbers",
        )
    with reading(desk.engine) as session:
        call = lookups.find_call(session, match["call"])
        found = moments.cut(session, desk, call, Moment(seq=int(match["seq"])))
        body = histories.entry(session, call.id, found.seq)
        before = moments.told_until(session, call, found.seq - 1)
        return _Asked(session, call, body, before).explained()


@dataclass
class _Asked:
    """The entry that is asked about, and what the entries before it add up to."""

    session: Session
    call: Call
    body: Mapping[str, Any]
    told: Chronicle
    """Before it; and after it, once it has been fed."""

    def explained(self) -> Explanation:
        steps = [self._what(), self._who(), *self._order_before()]
        if self.body["outcome"] == Outcome.OK:
            self.told.feed(self.body)
        steps += [
            *self._rules(),
            *self._grounds(),
            *entry_findings.steps(self.body),
            *self._money(),
            *self._next(),
            *self._overtaken(),
            *self._conflicts(),
            self._sealed(),
        ]
        return Explanation(tuple(steps), self._result())

    @property
    def _source(self) -> str:
        return f"entry {self.body['seq']}"

    @property
    def _name(self) -> str:
        return str(self.body["protocol"] or self.body["application"] or self.call.code)

    @property
    def _at(self) -> datetime:
        return datetime.fromisoformat(self.body["at"])

    def _step(self, rule: str, text: str) -> Step:
        return Step(rule, self._source, text)

    # What and who

    def _what(self) -> Step:
        body = self.body
        if body["outcome"] == Outcome.REFUSED:
            stood = f", which stood at `{body['from']}`" if body["from"] else ""
            said = (
                f"`{body['event']}` was asked for on {self._name}{stood}, and refused"
            )
        elif body["from"] in {None, body["to"]}:
            stays = f", which stays `{body['to']}`" if body["to"] else ""
            said = f"`{body['event']}` was made on {self._name}{stays}"
        else:
            said = (
                f"`{body['event']}` brought {self._name} from `{body['from']}` to "
                f"`{body['to']}`"
            )
        if body["version"] is not None and body["outcome"] == Outcome.OK:
            said += f", as its move {body['version']}"
        due = (body["findings"] or {}).get("due_at")
        if due:
            said += f"; it was due at {rome(datetime.fromisoformat(due))} (Rome)"
        simulated = ", by the clock of a rehearsal" if body["simulated"] else ""
        return self._step("entry.what", f"at {rome(self._at)} (Rome){simulated} {said}")

    def _who(self) -> Step:
        actor = self.body["actor"]
        known = ("kind", "id", "role", "identity")
        more = "".join(
            f", {spoken(name)} {value}"
            for name, value in sorted(actor.items())
            if name not in known and value is not None
        )
        role = f"as `{actor['role']}`" if actor["role"] else "in no role that they hold"
        reference = f" (reference {actor['id']})" if actor["id"] else ""
        return self._step(
            "entry.who",
            f"{self._actor}{reference}, {role}; identity: {actor['identity']}; "
            f"channel: {self.body['channel']}{more}",
        )

    @property
    def _actor(self) -> str:
        actor = self.body["actor"]
        if actor["id"] is None:
            return {"worker": "a worker", "unknown": "somebody unknown"}.get(
                actor["kind"], str(actor["kind"])
            )
        return histories.login_of(self.session, actor)

    # Rules and grounds

    def _rules(self) -> Iterator[Step]:
        version = self.told.versions.get(self.body["call_version"])
        named = f"version {self.body['call_version']} of the call"
        if version is None:
            yield self._step(
                "entry.rules", f"{named}, hash {self.body['rules']}, not loaded by then"
            )
            return
        loaded = version.entry
        act = act_of(loaded)
        yield Step(
            "entry.rules",
            f"entry {loaded['seq']}, {loaded['event']}",
            f"{named}, hash {self.body['rules']}, loaded by "
            f"{histories.login_of(self.session, loaded['actor'])} at "
            f"{rome(datetime.fromisoformat(loaded['at']))} (Rome), "
            f"{f'approved by {act}' if act else 'with no act stated'}, in force from "
            f"{rome(datetime.fromisoformat(version.effective_at))}",
        )

    def _grounds(self) -> Iterator[Step]:
        body = self.body
        if body["basis"]:
            yield self._step("entry.basis", f"legal basis: {body['basis']}")
        if act := act_of(body):
            yield self._step("entry.act", f"on the act {act}")
        if body["reason"]:
            yield self._step("entry.reason", f"reason: {body['reason']}")
        if refusal := body["refusal"]:
            yield Step(
                "entry.refusal",
                f"the rule `{refusal['code']}`",
                f"it was refused: {refusal['message']}",
            )

    # Order

    def _order_before(self) -> Iterator[Step]:
        """Tell its place, who was before it, and whether it was in its turn."""
        file = self.told.files.get(self.body["application"] or "")
        own = self.body["order"]
        key = file.key if file else None
        if key is None and own:
            yield self._filed(own)
            return
        if file is None or key is None:
            return
        arrived = list(self.told.in_order_of_arrival())
        yield self._step(
            "entry.place",
            f"received at {rome(key.received_at)} (Rome), protocol {file.name}: number "
            f"{arrived.index(file) + 1} of the {len(arrived)} filed by then",
        )
        rules = past_calls.rules_of(self.session, self.call, self.told, file)
        if rules.counter.order is OrderPolicy.RANKING:
            return  # nobody had a turn
        if not file.holds_a_place(rules.filing.channel):
            yield self._step("entry.turn", "it held no place in the order any more")
            return
        places = [
            one.place() for one in arrived if one.holds_a_place(rules.filing.channel)
        ]
        mine = Candidate(key, file.score, file.rank)
        before = strategies.earlier_in_turn(rules.counter.order, mine, places)
        waiting = ", ".join(f"{one.protocol} ({one.state})" for one in before[:_MOST])
        more = f" and {len(before) - _MOST} more" if len(before) > _MOST else ""
        yield self._step(
            "entry.earlier",
            f"{len(before)} before it still waited for a grant: {waiting}{more}"
            if before
            else "nobody before it still waited for a grant",
        )
        if self.body["event"] in _TAKES_UP:
            skip = rules.procedure.skip_when_suspended
            behind = (
                order.unevaluated
                if self.body["event"] == Event.EVALUATE
                else order.unreviewed
            )(before, skip_waiting=skip)
            yield self._step("entry.turn", self._turn(order.named(behind)))

    def _turn(self, behind: str) -> str:
        if not behind:
            return "it was its turn: nobody who came before was still to be taken up"
        if overtaken := (self.body["findings"] or {}).get("overtaken"):
            act = act_of(self.body)
            return f"it overtook {', '.join(overtaken)}, under the act {act}"
        return f"it was not its turn: {behind} had to be taken up first"

    def _filed(self, own: Mapping[str, Any]) -> Step:
        received = rome(datetime.fromisoformat(own["received_at"]))
        ahead = own.get("earlier_waiting")
        tie = ", broken by the protocol number" if self._finding("tie_broken") else ""
        return self._step(
            "entry.place",
            f"received at {received} (Rome){tie}, protocol {self._name}: "
            f"{self.told.filed} were filed before, {ahead} of them still held a place",
        )

    def _finding(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return (self.body["findings"] or {}).get(name)

    def _overtaken(self) -> Iterator[Step]:
        """Tell whether anybody had overtaken it by then."""
        protocol = self.body["protocol"]
        for one in self.told.overtakings:
            if protocol in one.overtaken:
                act = act_of({"act": one.act})
                yield Step(
                    "entry.overtaken",
                    f"entry {one.seq}, {one.event}",
                    f"{one.protocol} had been taken up before it, under the act {act}",
                )

    def _conflicts(self) -> Iterator[Step]:
        """Tell who had to abstain from it by then, and since when or until when."""
        file = self.told.files.get(self.body["application"] or "")
        for entry in file.conflicts if file else ():
            whose = histories.login_of(self.session, {"id": entry["inputs"]["officer"]})
            who = histories.login_of(self.session, entry["actor"])
            told = "of {} was {} by {} at {} (Rome): {}".format(
                whose,
                "declared"
                if entry["event"] == Event.DECLARE_CONFLICT
                else "taken back",
                who,
                rome(datetime.fromisoformat(entry["at"])),
                entry["reason"],
            )
            yield Step(
                "entry.conflict",
                f"entry {entry['seq']}, {entry['event']}",
                f"a conflict of interests {told}",
            )

    # Money, and who was next

    def _money(self) -> Iterator[Step]:
        told, money = self.told, self.body["money"]
        if money and money["movements"]:
            yield self._step("entry.money_before", _balance("before", money["before"]))
            for one in money["movements"]:
                yield self._step(
                    "entry.movement",
                    f"{one['kind']}: reserved {format_money(one['reserved'])}, "
                    f"granted {format_money(one['granted'])}",
                )
        yield self._step(
            "entry.money_after",
            _balance(
                "after it" if self.body["outcome"] == Outcome.OK else "at that time",
                {
                    "allocation": told.allocation,
                    "reserved": told.reserved,
                    "granted": told.granted,
                    "residual": told.residual,
                },
            ),
        )

    def _next(self) -> Iterator[Step]:
        if self.told.version not in self.told.versions:
            return
        queue = past_calls.queue_of(self.session, self.call, self.told, self._at)
        yield self._step("entry.next", "; ".join(_nexts(queue)))

    def _sealed(self) -> Step:
        body = self.body
        key = f"; idempotency key {body['key']}" if body["key"] else ""
        return self._step(
            "entry.seal",
            f"format {body['format']}, written by version {body['software']}; it "
            f"follows {body['previous']}{key}",
        )

    def _result(self) -> str:
        body = self.body
        done = "made" if body["outcome"] == Outcome.OK else "was refused"
        act = act_of(body)
        return (
            f"entry {body['seq']} of {body['call']}: {self._actor} {done} "
            f"`{body['event']}` on {self._name}"
            + (f", under {act}" if act else "")
            + (f": {body['refusal']['code']}" if body["refusal"] else "")
        )


def _balance(when: str, money: Mapping[str, int]) -> str:
    return (
        f"the call {when}: {format_money(money['allocation'])} allocated, "
        f"{format_money(money['reserved'])} reserved, "
        f"{format_money(money['granted'])} granted, "
        f"{format_money(money['residual'])} left"
    )


def _nexts(queue: QueueView) -> Iterator[str]:
    """Name who came next for each thing that can be done."""
    scored = [one for one in queue.items if one.next_step == "score it now"]
    for what, names in (
        ("review", [one.protocol for one in queue.items if one.may_review]),
        ("score", [one.protocol for one in scored]),
        ("grant", [one.protocol for one in queue.items if one.may_grant]),
    ):
        yield f"next for the {what}: {names[0] if names else 'nobody'}"
    end = queue.first_without_money
    yield f"first without money: {end.protocol if end else 'nobody'}"
