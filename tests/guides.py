"""How is a guide of the documentation followed, to the letter?

A guide is Markdown. In a block `console` a line that begins with `$ ` is typed (it goes
on after a backslash) and the lines after it are what is printed; `...` stands for any
text, on a line of its own for any lines. A block with the name of a file is written to
that file, and a `diff` changes it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPORTELLO = """#!/bin/sh
exec '{python}' -c 'from cli import main; main()' "$@"
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: in which language, for which file, and what it says."""

    language: str
    file: str | None
    text: str


@dataclass
class Reader:
    """Somebody who does what a guide says, in a folder, with a copy of the program."""

    folder: Path
    program: Path

    def follow(self, guide: Path) -> None:
        """Do all that a guide says, and hold what is printed against it."""
        steps = "".join(map(self._step, blocks(guide)))
        printed = self._typed(steps)
        for told, found in zip(_told(guide), printed, strict=True):
            assert _matches(told[1], found), (
                f"$ {told[0]}\n--- the guide says\n{told[1]}\n--- it prints\n{found}"
            )

    def _step(self, block: Block) -> str:
        if block.language == "console":
            return "".join(
                f"{command}\nprintf '\\n{_MARK}\\n'\n"
                for command, _ in _commands(block.text)
            )
        assert block.file is not None
        return _writes(block)

    def _typed(self, script: str) -> list[str]:
        tools = self.folder / ".tools"
        tools.mkdir()
        command = tools / "sportello"
        command.write_text(_SPORTELLO.format(python=sys.executable), encoding="utf-8")
        command.chmod(0o755)
        done = subprocess.run(
            ["bash", "-e"],
            input=script,
            cwd=self.folder,
            env=_environment(tools, self.program),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.split(f"\n{_MARK}\n")[:-1]


_MARK = "--- typed ---"


def blocks(guide: Path) -> Iterator[Block]:
    """Return the fenced blocks that are to be typed or written."""
    for language, file, text in _BLOCK.findall(guide.read_text(encoding="utf-8")):
        if file or language == "console":
            yield Block(language, file or None, text)


def _environment(tools: Path, program: Path) -> Mapping[str, str]:
    return {
        "PATH": f"{tools}:/usr/bin:/bin",
        "PYTHONPATH": str(program),
        "HOME": str(tools),
        "COLUMNS": "100",
        "LANG": "C.UTF-8",
    }


def _told(guide: Path) -> list[tuple[str, str]]:
    return [
        told
        for block in blocks(guide)
        if block.language == "console"
        for told in _commands(block.text)
    ]


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Return each command with what the guide says that it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:.*\\\n)*.*\n)", part)
        assert match
        yield match[1].rstrip("\n"), part[match.end() :]


def _writes(block: Block) -> str:
    """Return the shell that writes a file, or changes it as a diff says."""
    if block.language != "diff":
        return (
            f"mkdir -p $(dirname '{block.file}')\n"
            f"cat > '{block.file}' <<'WRITTEN'\n{block.text}WRITTEN\n"
        )
    changes = "".join(
        f"changed '{block.file}' <<'CHANGED'\n{change}CHANGED\n"
        for change in re.findall(r"((?:^-.*\n)+(?:^\+.*\n)*)", block.text, re.MULTILINE)
    )
    return _CHANGED + changes


_CHANGED = f"""
changed() {{ '{sys.executable}' -c '
import sys, pathlib
file, lines = pathlib.Path(sys.argv[1]), sys.stdin.read().splitlines(keepends=True)
old = "".join(line[1:] for line in lines if line[0] == "-")
new = "".join(line[1:] for line in lines if line[0] == "+")
text = file.read_text(encoding="utf-8")
assert text.count(old) == 1, f"{{file}} does not have once: {{old}}"
file.write_text(text.replace(old, new), encoding="utf-8")' "$1"; }}
"""


def _matches(told: str, found: str) -> bool:
    pattern = re.escape(told.rstrip("\n"))
    pattern = pattern.replace(r"\.\.\.", "[\\s\\S]*")
    return re.fullmatch(pattern + r"\s*", found) is not None
