"""Does the auditors' verifier, which shares no code with ours, see the same?"""

import ast
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.exports import verify
from models.canonical import encode
from tests.properties.test_canonical import keys, scalars, values
from workflow.anchors import signatures
from workflow.desk import SOFTWARE
from workflow.moves.editions import frozen, present
from workflow.register import written
from workflow.rules.calendar import ROME, civil_day
from workflow.services import export_moves
from workflow.verification.judged import Judge

SOURCE = Path(verify.__file__).read_text(encoding="utf-8")

# RFC 8032, 7.1, tests 1 to 3: public key, message, signature.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)


@given(st.dictionaries(keys, values))
def test_what_is_canonical_for_us_is_so_for_it(value):
    assert verify.canonical(encode(value).decode()) == value


@given(st.dictionaries(keys, scalars, min_size=2))
def test_any_other_way_to_write_it_is_found(value):
    for text in (
        json.dumps(value, sort_keys=True),
        json.dumps(dict(sorted(value.items(), reverse=True)), separators=(",", ":")),
        encode(value).decode() + "\n",
    ):
        with pytest.raises(verify.MalformedError):
            verify.canonical(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", "{", '{"a":1.0}', '{"a":1e3}', '{"a":NaN}', '{"a":-0}'),
        *('{"a":9007199254740992}', '{"è":1}', '{"a":1,"a":1}', r'{"a":"\u0041"}'),
        *(r'{"a":"\ud800"}', '{"a":' * 9_000 + "1" + "}" * 9_000),
    ],
)
def test_what_no_entry_may_hold_is_refused(text):
    with pytest.raises(verify.MalformedError):
        verify.canonical(text)


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_signatures_hold_as_the_standard_says(key, message, signature):
    content = bytes.fromhex(message)

    assert verify.is_signed(content, signature, key)
    assert not verify.is_signed(content + b"x", signature, key)


@settings(max_examples=20)
@given(
    seed=st.binary(min_size=32, max_size=32),
    content=st.binary(max_size=200),
    bit=st.integers(0, 64 * 8 - 1),
)
def test_it_believes_the_signatures_that_the_library_believes(seed, content, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = private.public_key().public_bytes_raw()
    good = private.sign(content)
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    other = bytearray(key)
    other[bit % 32] ^= 1 << bit % 8

    for signed, by in ((good, key), (bytes(bad), key), (good, bytes(other))):
        believed = verify.is_signed(content, signed.hex(), by.hex())

        assert believed is signatures.holds(content, signed.hex(), by.hex())
        assert believed is ((signed, by) == (good, key))


def test_a_signature_may_not_be_written_in_two_ways():
    key, message, signature = VECTORS[1]
    content, scalar = bytes.fromhex(message), bytes.fromhex(signature)[32:]
    larger = int.from_bytes(scalar, "little") + verify.ORDER

    twin = signature[:64] + larger.to_bytes(32, "little").hex()

    assert not verify.is_signed(content, twin, key)


@pytest.mark.parametrize("wrong", [None, "", "zz", 7, "ab", "f" * 64, "f" * 128])
def test_what_is_no_key_or_no_signature_proves_nothing(wrong):
    key, message, signature = VECTORS[0]

    assert not verify.is_signed(bytes.fromhex(message), wrong, key)
    assert not verify.is_signed(bytes.fromhex(message), signature, wrong)


@given(
    st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - its zone is below
        max_value=datetime(2099, 1, 1),  # noqa: DTZ001 - as above
        timezones=st.just(ROME),
        allow_imaginary=False,
    )
)
@example(datetime(2026, 3, 29, 0, 30, tzinfo=ROME))
@example(datetime(2026, 3, 29, 23, 30, tzinfo=ROME))
@example(datetime(2026, 10, 25, 0, 30, tzinfo=ROME))
@example(datetime(2026, 10, 25, 23, 30, tzinfo=ROME))
def test_the_day_in_rome_needs_no_list_of_zones(instant):
    assert verify.civil_day(written(instant)) == civil_day(instant)


@pytest.mark.parametrize("family", ["negotiated_counter", "plain_counter"])
def test_it_judges_moves_as_we_do(family: str, tmp_path: Path):
    (tmp_path / "moves.json").write_bytes(orjson.dumps(export_moves.released()))
    (tmp_path / "1.json").write_text(json.dumps({"family": family}))
    report = verify.Report()
    theirs, ours = verify.Moves(tmp_path, report), Judge(family, running=SOFTWARE)
    theirs.learn(tmp_path / "1.json")
    versions = (SOFTWARE, "0.1.0", "0.3.7", "7.0.0", "x", None)
    moves = [("call", *one[1:]) for one in frozen()["0.1"] if one[0] == "call"]
    moves += [one for one in sorted(present(), key=str) if one[0] in {"call", family}]
    moves += [(family, "bless", None, None, "manager")]
    actors = (("person", "1"), ("person", None), ("worker", "1"), ("worker", None))

    judged = set()
    for number, (table, event, source, target, role) in enumerate(moves):
        for kind, identity in actors:
            body: dict[str, Any] = {
                "actor": {"kind": kind, "id": identity, "role": role},
                "outcome": "ok" if number % 7 else "refused",
                "software": versions[number % len(versions)],
                "application": None if table == "call" else "1",
                "event": event,
                "from": source,
                "to": target if number % 5 else "elsewhere",
            }
            for changed in (
                body,
                {**body, "actor": {**body["actor"], "role": "auditor"}},
            ):
                found, expected = theirs.fault(changed), ours.fault(changed)
                assert (found is None) is (expected is None), (changed, found, expected)
                judged.add((found or "")[-24:])

    assert not report.kinds
    assert len(judged) > 9


def test_it_is_written_for_python_3_8_and_needs_the_standard_library_alone():
    tree = ast.parse(SOURCE, feature_version=(3, 8))

    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert "json" in imported
    assert imported <= set(sys.stdlib_module_names)
