"""Where does a peer run: in which environment of its own, made when it is wanted?"""

import hashlib
import shutil
import subprocess
import sys
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
    make = [sys.executable, "-m", "venv", str(home)]
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    patience = ("--no-input", "--quiet", "--retries", "1", "--timeout", "15")
    wanted = ("install", "--require-hashes", "--requirement", str(lock))
    for command in (make, [*pip, *patience, *wanted]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr + done.stdout).strip().splitlines()
            raise NotInstalledError(said[-1] if said else "nobody says why")
    (home / "ready").touch()
