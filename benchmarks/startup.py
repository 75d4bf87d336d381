"""How long does the program take to start, beside its peers?

Run by `make bench`, or as `python benchmarks/startup.py [--quick] [--check]`.
Each pair runs alternately, one after the other, so that whatever else the
machine is doing weighs on both. What counts is the ratio of the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from compileall import compile_file
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import surroundings

ROOT = Path(__file__).resolve().parents[1]
SPORTELLO = Path(sys.executable).with_name("sportello")
MINIMUM_RUNS = 15

BARE_PROGRAM = '''\
"""The least that Click can do: one group, one command."""

import click


@click.group()
def main() -> None:
    """Do little."""


@main.command()
@click.argument("name")
def greet(name: str) -> None:
    """Greet somebody."""
    click.echo(f"Hello {name}")
'''
# What pip writes for a console script, so that both start the same way.
BARE_SCRIPT = """\
import sys
from bare import main
if __name__ == "__main__":
    sys.exit(main())
"""

CALL, CALL_CODE = "ctl-2025", "RLF12025051244"
OPENING = "2026-01-20T10:00:00+01:00"
ROLES = ("administrator", "intake", "officer", "responsible")
DOCUMENTS = (
    "de_minimis_declaration",
    "contribution_regularity_declaration",
    "plan_proposal",
    "plan_summary_sheet",
)
SUBMISSION = {
    "portal_id": "bench-1",
    "applicant": {
        "tax_code": "99000000010",
        "name": "Cluster di prova",
        "pec": "prova@pec.example.it",
    },
    "requested": "100000.00",
    "investment": "150000.00",
    "documents": [
        {"kind": kind, "name": f"{kind}.pdf", "sha256": "0" * 64} for kind in DOCUMENTS
    ],
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two commands, and how many times longer the first may take."""

    name: str
    ours: Sequence[str]
    peer_name: str
    peer: Sequence[str]
    target: float


@dataclass(frozen=True, slots=True)
class Result:
    """How long every run of a pair took, in milliseconds."""

    pair: Pair
    ours: Sequence[float]
    peer: Sequence[float]

    @property
    def ratio(self) -> float:
        """Tell how many times longer ours takes, by the medians."""
        return statistics.median(self.ours) / statistics.median(self.peer)


def prepare(home: Path) -> str:
    """Set up a scratch database under *home*; return an application to look at.

    The application stands where `start_review` is the next move.
    """
    environment = clean_environment(home)

    def sportello(*arguments: str, text: str | None = None) -> None:
        subprocess.run(
            [str(SPORTELLO), *arguments],
            check=True,
            env=environment,
            input=text,
            text=True,
            stdout=subprocess.DEVNULL,
        )

    roles = [word for role in ROLES for word in ("--role", role)]
    sportello("init", "--rehearsal")
    sportello("officer", "add", "bench", "--name", "Banco di prova", *roles)
    sportello("call", "load", CALL)
    sportello("intake", CALL_CODE, "-", text=json.dumps(SUBMISSION))
    return "2026/0000001"


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment of every run: nothing of ours, bytecode allowed."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith("SPORTELLO_")
    }
    return {
        **kept,
        "SPORTELLO_HOME": str(home),
        "SPORTELLO_OFFICER": "bench",
        "SPORTELLO_CLOCK": OPENING,
    }


def bare_program(folder: Path) -> Path:
    """Write the bare Click program, compiled like ours; return its script."""
    (folder / "bare.py").write_text(BARE_PROGRAM, encoding="utf-8")
    compile_file(folder / "bare.py", quiet=1)
    script = folder / "bare_script.py"
    script.write_text(BARE_SCRIPT, encoding="utf-8")
    return script


def pairs(application: str | None, bare: Path) -> list[Pair]:
    """Return what is measured, and beside what."""
    shown = [
        Pair(
            "sportello --help",
            [str(SPORTELLO), "--help"],
            "bare Click --help",
            [sys.executable, str(bare), "--help"],
            target=1.5,
        )
    ]
    if application is None:
        return shown
    advance = ["advance", application, "start_review", "--dry-run", "--yes"]
    sqlmodel = [sys.executable, "-c", "import sqlmodel"]
    return [
        *shown,
        Pair(
            "sportello show APP",
            [str(SPORTELLO), "show", application],
            "import sqlmodel",
            sqlmodel,
            target=1.6,
        ),
        Pair(
            "sportello advance APP --dry-run",
            [str(SPORTELLO), *advance],
            "import sqlmodel",
            sqlmodel,
            target=1.6,
        ),
    ]


def measure(pair: Pair, runs: int, environment: Mapping[str, str]) -> Result:
    """Run both commands of *pair* in turn, after one round that does not count."""

    def once(command: Sequence[str]) -> float:
        start = time.perf_counter()
        subprocess.run(
            command,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return (time.perf_counter() - start) * 1000

    once(pair.ours)
    once(pair.peer)
    rounds = [(once(pair.ours), once(pair.peer)) for _ in range(runs)]
    return Result(pair, [ours for ours, _ in rounds], [peer for _, peer in rounds])


def report(results: Sequence[Result], out: Callable[[str], None]) -> None:
    """Print one table: the median of each command with its extremes, and the ratio."""

    def row(name: str, times: Sequence[float], rest: str) -> str:
        median, low, high = statistics.median(times), min(times), max(times)
        return f"{name:<34}{median:>9.1f}{low:>9.1f}{high:>9.1f}  {rest}".rstrip()

    out(f"{'milliseconds':<34}{'median':>9}{'min':>9}{'max':>9}  ratio")
    for result in results:
        pair = result.pair
        verdict = "ok" if result.ratio <= pair.target else "TOO SLOW"
        ratio = f"{result.ratio:.2f} (at most {pair.target}): {verdict}"
        out(row(pair.name, result.ours, ratio))
        out(row(f"  {pair.peer_name}", result.peer, ""))


def main() -> int:
    """Measure and print; with --check, exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=25, help="runs of each command")
    parser.add_argument("--quick", action="store_true", help="as few runs as it may")
    parser.add_argument("--check", action="store_true", help="fail on a missed target")
    parser.add_argument("--only-help", action="store_true", help="no database")
    options = parser.parse_args()
    if options.quick:
        options.runs = MINIMUM_RUNS
    if options.runs < MINIMUM_RUNS:
        parser.error(f"fewer than {MINIMUM_RUNS} runs say little")

    with tempfile.TemporaryDirectory(prefix="sportello-bench-") as scratch:
        folder = Path(scratch)
        home = folder / "home"
        home.mkdir()
        application = None if options.only_help else prepare(home)
        environment = clean_environment(home)
        results = [
            measure(pair, options.runs, environment)
            for pair in pairs(application, bare_program(folder))
        ]
    print(f"{surroundings()}; {options.runs} alternating runs")
    report(results, print)
    missed = any(result.ratio > result.pair.target for result in results)
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
