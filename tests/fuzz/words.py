"""What would nobody in their right mind type, hand over or send?"""

import zlib

from hypothesis import strategies as st

HOSTILE = (
    "",
    " ",
    "-",
    "--",
    ".",
    "..",
    "../../etc/passwd",
    "/",
    "'; DROP TABLE entries; --",
    "' OR '1'='1",
    '" OR ""="',
    "%",
    "_______",
    "100%' ESCAPE '\\",
    "\\",
    "$(id)",
    "`id`",
    "{{ 7 * 7 }}",
    "{% include 'base.j2' %}",
    "%(name)s %s {0} {name}",
    "=1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egpj.exe",
    "\u2028",
    "a\nb",
    "a\tb",
    "\udcff",
    "😀",
    "\u0661\u0662",
    "0",
    "-1",
    "1e9",
    "NaN",
    "9" * 30,
    "9" * 5_000,
    "x" * 300,
    "x" * 10_000,
    "2026/0000001",
    "2026/" + "9" * 18,
    "9999/0000001",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "2026-01-20",
    "2026-02-30",
    "2026-01-20T10:00",
    "2026-03-29T02:30",
    "2026-10-25T02:30",
    "9999-12-31T23:59:59.999999+00:00",
    "0001-01-01T00:00:00+14:00",
    "2026-01-20T10:00:00+99:99",
    "#1",
    "#0",
    "#" + "9" * 18,
    "RLF12025051244",
    "RLF12025051244#1",
    "RLF12025051244#" + "9" * 30,
    "DOM-0001",
    "00000000-0000-0000-0000-000000000000",
    "2026/0000001/submission_receipt",
    "2026/0000001/conclusion",
    "2026/0000001/",
    "decreto 1/2026-01-20",
    "\x1b[1m 1/2026-01-20",
    "bianchi",
    "verdi",
    "null",
    "[]",
)
"""What has broken programs before."""

ONLY_TEXT = st.text(st.characters(exclude_characters="\0"), max_size=30)

hostile = st.sampled_from(HOSTILE) | ONLY_TEXT


def hostile_to(what: str) -> st.SearchStrategy[str]:
    """Return the same in another order: so few are drawn that all met the same."""
    first = zlib.crc32(what.encode()) % len(HOSTILE)
    return st.sampled_from(HOSTILE[first:] + HOSTILE[:first]) | ONLY_TEXT
