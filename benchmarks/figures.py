"""How are measurements told: how long, how sure, beside what, on which machine?"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DATABASES = ("postgresql", "sqlite")

WARM = 6
"""Runs that do not count: the driver prepares a statement at its fifth use."""


def parser(description: str) -> argparse.ArgumentParser:
    """Return what every script of this folder can be told."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--quick", action="store_true", help="less of everything")
    options.add_argument("--check", action="store_true", help="fail on a missed target")
    options.add_argument(
        "--database",
        action="append",
        choices=DATABASES,
        help="measure on this one only (default: on each of them)",
    )
    return options


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio has to be: not below a floor, not above a ceiling."""

    floor: float | None = None
    ceiling: float | None = None

    def is_met(self, value: float) -> bool:
        """Tell whether a value is within the two."""
        return (self.floor is None or value >= self.floor) and (
            self.ceiling is None or value <= self.ceiling
        )

    def told(self, value: float) -> str:
        """Say what was wanted and whether it was reached."""
        wanted = (
            f"at least {self.floor:g}"
            if self.floor is not None
            else f"at most {self.ceiling:g}"
        )
        return f"{value:.2f} ({wanted}): {'ok' if self.is_met(value) else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured several times, and what is to be said of it."""

    name: str
    values: Sequence[float]
    remark: str = ""

    @property
    def median(self) -> float:
        """Return the value in the middle."""
        return statistics.median(self.values)

    def told(self) -> str:
        """Return it as a line of the table: the median, and how far it spreads."""
        low, high = min(self.values), max(self.values)
        numbers = f"{self.median:>10.1f}{low:>10.1f}{high:>10.1f}"
        return f"{self.name:<38}{numbers}  {self.remark}".rstrip()


def alternating(
    asked: Sequence[Callable[[], object]], runs: int, warm: int = WARM
) -> list[list[float]]:
    """Do each in turn, so often; return how many milliseconds each took."""
    times: list[list[float]] = [[] for _ in asked]
    for number in range(runs + warm):
        for ask, found in zip(asked, times, strict=True):
            start = time.perf_counter()
            ask()
            took = (time.perf_counter() - start) * 1000
            if number >= warm:
                found.append(took)
    return times


def grown(  # noqa: PLR0913, PLR0917 - what is asked, of how many, and how often
    name: str,
    asked: Sequence[Callable[[], object]],
    sizes: Sequence[int],
    target: Target,
    runs: int,
    warm: int = WARM,
) -> tuple[bool, list[Line]]:
    """Ask the same of few and of many; tell whether many cost no more than they may."""
    few, many = alternating(asked, runs, warm)
    ratio = Line(name, many).median / Line(name, few).median
    told = f"times {target.told(ratio)}"
    lines = [
        Line(f"  {name}, {sizes[0]}", few),
        Line(f"  {name}, {sizes[1]}", many, told),
    ]
    return target.is_met(ratio), lines


def show(unit: str, lines: Sequence[Line]) -> None:
    """Print a table."""
    print(f"{unit:<38}{'median':>10}{'min':>10}{'max':>10}")
    for line in lines:
        print(line.told())
    print(flush=True)


def surroundings() -> str:
    """Describe the machine in one line, and how busy it is."""
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{machine()}; load average {busy}"


def machine() -> str:
    """Describe the machine in one line."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        described = []
    models = [
        line.split(":", 1)[1].strip() for line in described if "model name" in line
    ]
    model = models[0] if models else platform.processor() or platform.machine()
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )
