"""Does an explanation of an entry name every fact that the entry holds?"""

from collections import Counter
from typing import Any

from tests.builders import Office
from tests.contents import entries
from workflow.services import entry_explanations, log
from workflow.services.histories import Explanation


def explain_all(work: Office) -> Counter[str]:
    """Explain every entry; return how often each event was."""
    told: Counter[str] = Counter()
    logins = log.logins(work.desk)
    for body in entries(work):
        explained = entry_explanations.entry(work.desk, f"{body['call']}#{body['seq']}")
        assert_names_its_facts(explained, body, logins)
        told[body["event"]] += 1
    return told


def assert_names_its_facts(
    explained: Explanation, body: dict[str, Any], logins: dict[str, str]
) -> None:
    said: dict[str, list[str]] = {}
    for step in explained.steps:
        said.setdefault(step.rule, []).append(f"{step.text} [{step.source}]")
    facts = {
        "entry.what": [body["event"], body["to"]],
        "entry.who": [
            logins.get(body["actor"]["id"]),
            body["actor"]["role"],
            body["actor"]["identity"],
            body["channel"],
        ],
        "entry.rules": [f"version {body['call_version']}", body["rules"]],
        "entry.basis": [body["basis"]],
        "entry.act": [body["act"] and body["act"]["number"]],
        "entry.reason": [body["reason"]],
        "entry.refusal": list((body["refusal"] or {}).values()),
        "entry.term": [f"`{term['kind']}` {term['ordinal']}" for term in body["terms"]],
        "entry.letter": [notice["id"] for notice in body["notices"]],
        "entry.step": [f"`{step['kind']}`" for step in body["steps"]],
        "entry.movement": [
            one["kind"] for one in (body["money"] or {}).get("movements", ())
        ],
        "entry.money_after": [_euros(body)],
        "entry.next": ["next for the review", "first without money"],
        "entry.turn": ["under the act" if body["findings"].get("overtaken") else None],
        "entry.seal": [body["previous"], body["key"]],
    }
    for rule, wanted in facts.items():
        for fact in filter(None, wanted):
            assert any(fact in text for text in said[rule]), (rule, fact, said)
    assert body["event"] in explained.result
    if body["order"] and body["outcome"] == "ok":
        assert "received at" in said["entry.place"][0]


def _movements(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list((body["money"] or {"movements": ()})["movements"])


def _euros(body: dict[str, Any]) -> str | None:
    """Write what was left of the money, as the entry says it in cents."""
    if body["money"] is None:
        return None
    left = body["money"]["after"]["residual"]
    return f"{left // 100}.{left % 100:02d} left"
