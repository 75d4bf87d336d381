"""Does the documentation say what really happens, to the letter?"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.canonical import digest
from tests.guides import Reader

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PRODUCT = (
    "cli.py",
    "commands",
    "config",
    "models",
    "workers",
    "workflow",
    "pyproject.toml",
)
OF_A_DRAW = {
    "config/families/draw.toml",
    "config/letters/draw/admitted_unfunded.j2",
    "config/letters/draw/funded.j2",
    "workflow/moves/families/draw.py",
    "workflow/rules/draw.py",
}
TABLE = '''"""A family."""

from models.vocabulary import Family
from workflow.machine import Table

TABLE = Table(Family("{}"), ())
'''


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Copy the program, so that a family can be added to it."""
    folder = tmp_path / "product"
    folder.mkdir()
    for part in PRODUCT:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    return folder


def files(folder: Path) -> Mapping[str, str]:
    """Return the hash of each file of the program."""
    parts = [folder / part for part in PRODUCT]
    found = [path for part in parts for path in (part, *part.rglob("*"))]
    return {
        str(path.relative_to(folder)): digest(path.read_bytes())
        for path in found
        if path.is_file() and path.suffix != ".pyc"
    }


def test_a_new_call_comes_about_as_its_guide_says(tmp_path: Path):
    Reader(tmp_path, ROOT).follow(DOCS / "adding-a-call.md")


def test_a_new_family_comes_about_as_its_guide_says_and_touches_nothing_else(
    product: Path,
):
    before = files(product)

    Reader(product, product).follow(DOCS / "adding-a-family.md")

    after = files(product)
    assert after.keys() - before.keys() == OF_A_DRAW
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("table_of", "model", "said"),
    [
        ("lottery", None, "lacks config/families/lottery.toml: write it"),
        (None, "lottery.toml", "lacks workflow.moves.families.lottery: write it"),
        ("plain_counter", "lottery.toml", "lottery is that of `plain_counter`: write"),
    ],
)
def test_half_a_family_stops_the_program_at_once(
    product: Path, table_of: str | None, model: str | None, said: str
):
    if table_of is not None:
        table = product / "workflow" / "moves" / "families" / "lottery.py"
        table.write_text(TABLE.format(table_of), encoding="utf-8")
    if model is not None:
        models = product / "config" / "families"
        shutil.copy2(models / "plain_counter.toml", models / model)

    done = subprocess.run(
        [sys.executable, "-c", "import workflow.moves.families"],
        cwd=product,
        env={"PYTHONPATH": str(product)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_the_services_may_write_where_the_settings_of_two_machines_lead(name: str):
    unit = (DOCS / f"examples/systemd/sportello-{name}.service").read_text("utf-8")
    named = re.findall(
        r"^ +SPORTELLO_(?:HOME|ANCHORS|RECEIPTS)=(/\S+)$",
        (DOCS / "operations.md").read_text("utf-8"),
        re.MULTILINE,
    )
    (state,) = re.findall(r"^StateDirectory=(.+)$", unit, re.MULTILINE)
    (open_,) = re.findall(r"^ReadWritePaths=-(.+)$", unit, re.MULTILINE)
    writable = [Path("/var/lib") / state, *map(Path, open_.split())]

    assert "ProtectSystem=strict" in unit
    assert len(named) == 3
    for path in map(Path, named):
        assert any(path.is_relative_to(one) for one in writable), path
