"""How do tests take an export apart, and put it together again as a forger would?"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.exports import verify
from models.canonical import digest, encode
from workflow.anchors.signatures import Signer

Line = dict[str, Any]


def faults(
    folder: Path, *, key: str | None = None, own: Path | None = None
) -> list[str]:
    """Return what the verifier of the auditors finds, the first of each kind."""
    _, report = verify.verify(folder, key=key, own=own)
    return [first for first, _ in report.kinds.values()]


def read(path: Path) -> list[Line]:
    """Read JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, lines: Iterable[Line]) -> None:
    """Write JSON Lines."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def change(path: Path, how: Callable[[list[Line]], Any]) -> None:
    """Change the lines of a file in place."""
    lines = read(path)
    how(lines)
    write(path, lines)


def summed(folder: Path, by: Signer | None = None) -> None:
    """Write SHA256SUMS again, as a forger would; only who has a key can sign it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
        if path.name not in {"SHA256SUMS", "SHA256SUMS.sig"}
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))
    if by is not None:
        mark = by.sign("".join(lines).encode())
        (folder / "SHA256SUMS.sig").write_bytes(bytes.fromhex(mark))


def chained(lines: list[Line], first: int = 1) -> None:
    """Chain entries anew from one on, each with the hash that it ought to have."""
    for place in range(first - 1, len(lines)):
        body = json.loads(lines[place]["body"])
        body["seq"] = place + 1
        body["previous"] = lines[place - 1]["hash"] if place else "0" * 64
        content = encode(body)
        lines[place] = {
            "body": content.decode(),
            "hash": digest(content),
            "seq": place + 1,
        }


def reworded(line: Line, **changes: Any) -> None:
    """Change what an entry says; its hash stays what it was."""
    line["body"] = encode({**json.loads(line["body"]), **changes}).decode()


def behead(folder: Path) -> None:
    """Let the state say of the chain what its lines say."""
    lines = read(folder / "entries.jsonl")
    state = json.loads((folder / "state.json").read_text())
    state |= {"entries": len(lines), "head": lines[-1]["hash"]}
    (folder / "state.json").write_text(json.dumps(state))


def copied(folder: Path, to: Path) -> Path:
    """Copy an export."""
    shutil.copytree(folder, to)
    return to
