"""What do the engines that one run of the tests opens have in common?

A program opens one engine and translates each of its statements once. Tests open
an engine each, and used to spend a fifth of their time on the same translations.
"""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy import create_engine as create_engine_of_its_own

_STATEMENTS = 5_000
"""Room for every statement of the system, so that none is translated twice."""

_met: dict[tuple[str, object], Engine] = {}


def create_engine(url: Any, **options: Any) -> Engine:
    """Open a database with what was translated for another of the same kind.

    The dialect goes along: a translation belongs to the dialect that made it.
    Connections are the engine's own.
    """
    engine = create_engine_of_its_own(url, query_cache_size=_STATEMENTS, **options)
    kind = (engine.url.drivername, options.get("isolation_level"))
    if kind in _met:
        engine.dialect = _met[kind].dialect
        engine._compiled_cache = _met[kind]._compiled_cache
    else:
        # Only a first connection tells a dialect what its server is able to do.
        event.listen(engine, "first_connect", lambda *_: _met.setdefault(kind, engine))
    return engine
