"""Who does which work, and what is to be known of how they do it?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """Who does the work, by which program, and what is to be known of it."""

    name: str
    module: str
    """Of this folder; in an environment of its own if there is a lock of that name."""
    note: str
    does: str = ""
    """By another name than that of the contest."""
    is_comparable: bool = True
    """Whether we want to be ahead of it: it gives what we give, in its way."""
    scale: float = 1
    """It does so many times as much as others, who would take minutes, or no time."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A piece of work that all do."""

    name: str
    title: str
    mine: tuple[str, ...]
    """What the system does: the first one is what others are held against."""
    peers: tuple[Peer, ...]
    thorough: int
    quick: int


_DJANGO, _SQLALCHEMY = "Django, viewflow.fsm", "python-statemachine, SQLAlchemy"

CONTESTS = (
    Contest(
        "intake",
        "submissions taken in, numbered in the order of their arrival",
        ("intake in groups", "intake"),
        (
            Peer(_DJANGO, "viewflow_celery", "2 processes, the counter row is locked"),
            Peer(_SQLALCHEMY, "statemachine_sqlalchemy", "the same"),
            Peer(
                "DBOS", "dbos_workflows", "2 processes, a workflow for each", scale=0.25
            ),
            Peer("Procrastinate", "procrastinate_tasks", "one at a time by its lock"),
            Peer(
                f"{_DJANGO}, 200 at once",
                "viewflow_celery",
                "`bulk_create`; one bad line undoes all 200",
                "intake in groups",
                is_comparable=False,
                scale=5,
            ),
            Peer(
                f"{_SQLALCHEMY}, 200 at once",
                "statemachine_sqlalchemy",
                "`add_all`; the same",
                "intake in groups",
                is_comparable=False,
                scale=5,
            ),
            Peer(
                "psycopg",
                "bare",
                "2 processes, statements by hand",
                is_comparable=False,
            ),
            Peer(
                "psycopg, 200 at once",
                "bare",
                "`executemany`; one bad line undoes all 200",
                "intake in groups",
                is_comparable=False,
                scale=5,
            ),
            Peer(
                "pgbench",
                "bare",
                "2 clients, no Python and no submission at all",
                "intake by pgbench",
                is_comparable=False,
            ),
        ),
        thorough=1_200,
        quick=400,
    ),
    Contest(
        "advance",
        "moves, each in a transaction of its own",
        ("advance",),
        (
            Peer(
                _DJANGO,
                "viewflow_celery",
                "row locked, row of history; nothing is checked",
                is_comparable=False,
            ),
            Peer(
                f"{_DJANGO}, a chain by hand",
                "viewflow_celery",
                "also turn and chain; no money, term, letter, role",
                "advance chained",
            ),
            Peer(
                _SQLALCHEMY,
                "statemachine_sqlalchemy",
                "row locked, row of history; nothing is checked",
                is_comparable=False,
            ),
            Peer(
                "DBOS",
                "dbos_workflows",
                "a workflow for each file, each step is kept",
                scale=0.25,
            ),
            Peer("psycopg", "bare", "statements by hand", is_comparable=False),
            Peer(
                "pgbench",
                "bare",
                "no Python",
                "advance by pgbench",
                is_comparable=False,
            ),
        ),
        thorough=600,
        quick=144,
    ),
    Contest(
        "jobs",
        "letters or jobs done by two workers of a queue",
        ("jobs",),
        (
            Peer("Celery, Django", "viewflow_celery", "Redis, late acknowledgement"),
            Peer("DBOS", "dbos_workflows", "queue in PostgreSQL", scale=0.25),
            Peer("Procrastinate", "procrastinate_tasks", "queue in PostgreSQL"),
            Peer(
                "psycopg",
                "bare",
                "`SKIP LOCKED`, nothing is tried again",
                is_comparable=False,
            ),
        ),
        thorough=1_200,
        quick=400,
    ),
    Contest(
        "sweep",
        "files whose term has ended, found and moved by two workers",
        ("sweep",),
        (
            Peer("Celery, Django", "viewflow_celery", "a periodic task, a task each"),
            Peer(_SQLALCHEMY, "statemachine_sqlalchemy", "a loop, it has no queue"),
            Peer(
                "DBOS",
                "dbos_workflows",
                "a scheduled workflow, a workflow each",
                scale=0.25,
            ),
            Peer("Procrastinate", "procrastinate_tasks", "jobs put off until then"),
            Peer(
                "psycopg",
                "bare",
                "one statement for all of a call",
                is_comparable=False,
            ),
        ),
        thorough=2_400,
        quick=800,
    ),
)

MINE = {
    "intake in groups": ("sportello", "one writer, up to 200 in a transaction"),
    "intake": ("sportello, one by one", "a transaction for each"),
    "advance": ("sportello", "lock, rules, register, money, terms, letters"),
    "jobs": ("sportello", "outbox, relay, Redis; each letter in three steps"),
    "sweep": ("sportello", "all of a call under one lock, an entry for each"),
}
