"""How does a new call file begin?"""

from pathlib import Path

from config.families import families, headline, model
from models.vocabulary import Family
from workflow.errors import InputError, UnavailableError
from workflow.services.folders import opened_new


def write(family: str, path: Path) -> None:
    """Write the model of the call files of a family, where no file is yet.

    Raises:
        InputError: there is no such family, or something has that name already.
        UnavailableError: it cannot be written there.
    """
    if family not in families():
        known = "\n".join(f"  {name}: {headline(name)}" for name in families())
        raise InputError(
            "family.unknown",
            f"there is no family of procedures `{family}`; there are:\n{known}",
            {"families": list(families())},
        )
    if not path.name.endswith(".toml"):
        raise InputError(
            "file.name", f"FILE {path} is to end with .toml, as every call file does"
        )
    text = model(Family(family))
    try:
        _write_new(path, text)
    except FileExistsError:
        raise InputError(
            "file.exists",
            f"FILE {path} is there already and nothing is overwritten: give another "
            "name",
        ) from None
    except OSError as error:
        raise UnavailableError(
            "file.unwritable",
            f"FILE {path} cannot be written: {(error.strerror or str(error)).lower()}; "
            "name a file in a folder that is there and that you may write to",
        ) from error


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet: all of it, or none."""
    file = opened_new(path)
    try:
        with file:
            file.write(text.encode())
    except OSError:
        path.unlink(missing_ok=True)
        raise
