"""What does the program tell whoever runs it, beside its results?"""

import sys
from contextlib import suppress
from typing import Any

LEVELS = ("debug", "info", "warning", "error")


class Logger:
    """Writes JSON lines on standard error, from a level upwards.

    structlog is loaded by the first line that is written: it takes as long as a
    short command, and most commands are quiet.
    """

    def __init__(self) -> None:
        self._lowest = LEVELS.index("warning")
        self._inner: Any = None

    def speak_from(self, level: str) -> None:
        """Write what is at least this important."""
        self._lowest = LEVELS.index(level)

    def info(self, event: str, **data: object) -> None:
        """Note something that happened."""
        self._say("info", event, data)

    def warn(self, event: str, **data: object) -> None:
        """Note something that somebody should look at."""
        self._say("warning", event, data)

    def bind(self, **about: object) -> None:
        """Say this too on every line that follows in this thread."""
        import structlog.contextvars  # noqa: PLC0415 - see above

        structlog.contextvars.bind_contextvars(**about)

    def forget(self) -> None:
        """Say nothing more of what was bound: this thread begins something else."""
        import structlog.contextvars  # noqa: PLC0415 - see above

        structlog.contextvars.clear_contextvars()

    def _say(self, level: str, event: str, data: dict[str, object]) -> None:
        if LEVELS.index(level) < self._lowest:
            return
        if self._inner is None:
            self._inner = _build()
        # A disk that is full must not undo what is being told of.
        with suppress(OSError):
            getattr(self._inner, level)(event, **data)


log = Logger()


def _build() -> Any:  # noqa: ANN401 - structlog's own loggers are not typed
    import structlog  # noqa: PLC0415 - see `Logger`

    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
