"""Does the documentation say what really happens, to the letter?"""

from pathlib import Path

from tests.guides import Reader

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_a_new_call_comes_about_as_its_guide_says(tmp_path: Path):
    Reader(tmp_path, ROOT).follow(DOCS / "adding-a-call.md")
