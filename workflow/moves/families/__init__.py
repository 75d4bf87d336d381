"""Which table of moves does a procedure family follow?

Every module of this folder is a family: its name, and a `TABLE`. A file that is put
here is a new one; nothing else lists them.
"""

from importlib import import_module
from pkgutil import iter_modules

from workflow.machine import Table


def _tables() -> dict[str, Table]:
    found = {
        module.name: import_module(f"{__name__}.{module.name}").TABLE
        for module in iter_modules(__path__)
    }
    return dict(sorted(found.items()))


TABLES = _tables()
