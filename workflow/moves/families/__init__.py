"""Which table of moves does a procedure family follow?

Every module of this folder is a family: its name, and a `TABLE`. A file that is put
here is a new one, with its model of call files in `config/families`; nothing else
lists them. One without the other is no family, so that nothing runs with half of it.
"""

from importlib import import_module
from pkgutil import iter_modules

from config.families import families
from workflow.machine import Table


def _tables() -> dict[str, Table]:
    found = {module.name: _table(module.name) for module in iter_modules(__path__)}
    for family in sorted(found.keys() ^ set(families())):
        table, model = f"{__name__}.{family}", f"config/families/{family}.toml"
        there, lacks = (table, model) if family in found else (model, table)
        message = f"the family `{family}` has {there} and lacks {lacks}: write it"
        raise ImportError(message)
    return dict(sorted(found.items()))


def _table(family: str) -> Table:
    module = f"{__name__}.{family}"
    table: Table = import_module(module).TABLE
    if table.family != family:
        message = (
            f"the TABLE of {module} is that of `{table.family}`: write "
            f'Table(Family("{family}"), MOVES)'
        )
        raise ImportError(message)
    return table


TABLES = _tables()
