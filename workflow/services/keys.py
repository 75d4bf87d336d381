"""Where is the key that signs the anchors, and who else can read it?"""

import os
import stat
from pathlib import Path

from workflow.anchors import signatures
from workflow.anchors.signatures import NotAKeyError, Signer
from workflow.errors import RefusedError, UnavailableError
from workflow.services.privacy import make_folder

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_there(path: Path) -> bool:
    """Tell whether a file is there; one in a folder closed to us is not."""
    try:
        return path.exists()
    except OSError:
        return False


def find(path: Path) -> Signer | None:
    """Return the key, or nothing if none is kept here.

    Raises:
        RefusedError: others can read it, or it is no key.
        UnavailableError: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnavailableError(
            "key.unreadable", f"the key {path} cannot be read: {error.strerror}"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnavailableError(
            "key.unreadable",
            f"{path} is no file but a folder or the like: somebody has put it in the "
            "place of the key; restore the key from its backup",
        )
    with os.fdopen(descriptor, "rb") as file:
        _refuse_open(path.parent, path.parent.stat().st_mode, "700")
        _refuse_open(path, os.fstat(descriptor).st_mode, "600")
        content = file.read()
    try:
        return signatures.read(content)
    except NotAKeyError:
        raise RefusedError(
            "key.damaged",
            f"{path} holds no key for Ed25519 without a passphrase; put it aside and "
            "restore it from its backup",
        ) from None


def make(path: Path) -> Signer:
    """Make a key that nobody else can read; one that is there already stays.

    It is written whole under another name first: whoever finds it finds all of it.

    Raises:
        RefusedError: the one that is there can be read by others, or is no key.
        UnavailableError: it cannot be written.
    """
    found = find(path)
    if found is not None:
        return found
    made = signatures.fresh()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        _make_folder(path.parent)
        _write(draft, made.written())
        try:
            os.link(draft, path)  # fails if somebody else made one meanwhile
        except FileExistsError:
            return make(path)
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            "key.unwritable",
            f"the key cannot be made at {path}: {error.strerror}; choose another place "
            "with SPORTELLO_HOME",
        ) from error
    return made


def successor(path: Path) -> Path:
    """Return where the next key waits until an anchor was signed with it."""
    return path.with_name(f"{path.name}.next")


def put_in_force(path: Path) -> None:
    """Let the next key take the place of the one that signed so far.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        successor(path).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            "key.unwritable",
            f"{successor(path)} could not be renamed to {path} ({error.strerror}): the "
            "next anchor tries again",
        ) from error


def sync_folder(folder: Path) -> None:
    """Have the disk keep what was named in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        _refuse_open(folder, folder.stat().st_mode, "700")
    else:
        folder.chmod(0o700)  # whatever the umask took away


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _refuse_open(path: Path, mode: int, wanted: str) -> None:
    if mode & _OTHERS:
        raise RefusedError(
            "key.open_to_others",
            f"{path} can be read by others (mode {stat.S_IMODE(mode):o}), who could "
            f"sign in our place; run `chmod {wanted} {path}`, and if they may have, "
            "change it with `sportello log anchor --new-key --because WHY`",
        )
