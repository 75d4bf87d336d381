"""Which entries must give the same hash for ever?

Each entry is written as its author would write it, with keys in no order, and
followed by the SHA-256 of its canonical form. Whoever changes a hash here has
changed what every auditor has on file: add a new format instead.
"""

from typing import Any

GENESIS = "0" * 64

_WORKER = {"kind": "worker", "id": None, "role": "system", "identity": "system"}
_RUP = {
    "role": "responsible",
    "kind": "person",
    "identity": "declared",
    "id": "019bc285-6240-7000-8000-000000000002",
}


def _entry(seq: int, previous: str, event: str, **said: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "previous": previous,
        "event": event,
        "format": 1,
        "call": "RLF12025051244",
        "at": f"2026-01-20T09:00:0{seq}.000000Z",
        "local": f"2026-01-20T10:00:0{seq}.000000+01:00",
        "simulated": True,
        "outcome": "ok",
        "application": "019bdaa1-de80-7000-8000-000000000002",
        "protocol": "2026/0000001",
        "from": "draft",
        "to": "submitted",
        "version": 1,
        "actor": _RUP,
        "channel": "cli",
        "call_version": 1,
        "rules": "f" * 64,
        "act": None,
        "reason": None,
        "basis": "art. 53 DPR 445/2000; the call, C.1",
        "inputs": {},
        "order": None,
        "money": None,
        "steps": [],
        "terms": [],
        "notices": [],
        "findings": {},
        "key": None,
        "refusal": None,
        "software": "0.1.0",
        **said,
    }


HASHES = (
    "e5faf3ebd0b221ad28a44e8362b438ede566605e06be98cb70f10800ea70b102",
    "ef917b264bdf7d61f37db18108069f048c95d03ffeb4c5dd26036be69ba5eeb2",
    "d26ec9bd1ac559cb9aedf60371c04246fe4787a3425fc9b4dc23be16d1670fa8",
    "1ea4f31cb9ed7242bf6cbc19834bc003772ec3f0061fe770725952cfb2856a40",
    "ee64d940cc6500095976e0cad8b6af7f370e91d96cca6556889533a040b31065",
    "fd17da4e65641bbcb82185bf87abc40d52151eca339970bc304f45991198665e",
    "58fe1939ccbd7ae5cf31da97d12c0d9ff8fa4871c48f9c0c4210480de77e5406",
    "a8a65ef05db52a4cbd9f6b9697049106aa23c574df8e9b139739593b23085e17",
    "74763a81b0dab1f5f2fdc6bdf4e4aba7a17c1f2b49ece5b433ff95049250d28f",
)

ENTRIES: tuple[dict[str, Any], ...] = (
    # A call is loaded: no application, nothing before it.
    _entry(
        1,
        GENESIS,
        "load_call",
        application=None,
        protocol=None,
        version=None,
        **{"from": None, "to": None},
        findings={"allocation": 100_000_000, "differences": []},
    ),
    # Money moves; amounts are whole cents, up to the largest that is allowed.
    _entry(
        2,
        HASHES[0],
        "submit",
        actor=_WORKER,
        channel="intake",
        money={
            "before": {"allocation": 2**53 - 1, "reserved": 0, "granted": 0},
            "movements": [{"kind": "reserve", "reserved": 11_111_111, "granted": 0}],
            "after": {"granted": -0, "reserved": 11_111_111, "allocation": 2**53 - 1},
        },
        order={"protocol_number": 1, "protocol_year": 2026, "earlier_waiting": 0},
        findings={"reserved": True, "documents": ["plan_proposal", "a", "B"]},
    ),
    # Accents written as one character and as two are two different texts.
    _entry(
        3,
        HASHES[1],
        "notify_refusal",
        reason="Manca la qualità: e\u0301 la stessa cosa di \u00e9? No. Città, perché",
    ),
    # Characters outside the basic plane, joined ones, and text from right to left.
    _entry(
        4,
        HASHES[2],
        "uphold_observations",
        reason="accolte 🏛️ \U0001f469\U0001f3fd\u200d\u2696\ufe0f "
        "\u202everso sinistra\u202c \U0001d7d9 \U0001f1ee\U0001f1f9",
    ),
    # What has to be escaped, what has not, and what people think has to be.
    _entry(
        5,
        HASHES[3],
        "reject",
        reason="tab\t a capo\r\n nullo\x00 \x01\x1f \x7f \x80 \u2028\u2029 "
        "\\ / \" ' <&>",
        act={"kind": "decreto", "number": "1234/A", "signed_on": "2026-01-20"},
    ),
    # A refusal is evidence too.
    _entry(
        6,
        HASHES[4],
        "grant",
        outcome="refused",
        to=None,
        refusal={"code": "money.short", "message": "0.00 is left of 1000000.00"},
    ),
    # Nothing, nested: empty and null are not the same, true is not 1.
    _entry(
        7,
        HASHES[5],
        "evaluate",
        findings={
            "z": None,
            "a": [],
            "Z": {},
            "_": "",
            "10": [None, [[]], {"b": {"a": [True, False, 0, 1, -1]}}],
            "9": {"": ["", " "]},
        },
    ),
    # Negative amounts, the smallest number, and no-break spaces.
    _entry(
        8,
        HASHES[6],
        "revoke",
        reason="\u00a0\ufeff\u3000",
        money={
            "movements": [
                {"kind": "release", "granted": -(2**53 - 1), "reserved": 0},
                {"kind": "recover", "granted": -1, "reserved": 0},
            ]
        },
    ),
    # The call itself moves: no application, no version, states of the call.
    _entry(
        9,
        HASHES[7],
        "suspend_call",
        application=None,
        protocol=None,
        version=None,
        actor=_WORKER,
        basis="art. 2 c. 3 D.Lgs. 123/1998; the call, C.2",
        inputs={"cause": "exhaustion"},
        findings={
            "suspended_for": "exhaustion",
            "reopens_at": None,
            "closed_at": None,
            "opening": {
                "ordinal": 1,
                "opened_at": "2026-01-20T09:00:00.000000Z",
                "ended_at": "2026-01-20T09:14:00.000001Z",
            },
        },
        **{"from": "open", "to": "suspended"},
    ),
)
"""Entries that follow one another, each naming the hash of the one before it."""
