"""Where does a peer run: in which environment of its own, made when it is wanted?"""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "peers"


class NotInstalledError(Exception):
    """A peer cannot be had on this machine, and why."""


def python(peer: str) -> Path:
    """Return the interpreter of a peer, with what its lock file names and no more.

    Raises:
        NotInstalledError: it could not be installed.
    """
    lock = HERE / f"{peer}.lock"
    key = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()[:12]
    home = CACHE / f"{peer}-{key}"
    if not (home / "ready").exists():
        _install(home, lock)
    return home / "bin" / "python"


def _install(home: Path, lock: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "--no-input", "-q", "install", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip failed and said nothing"]
        raise NotInstalledError(said[-1])
    (home / "ready").touch()
