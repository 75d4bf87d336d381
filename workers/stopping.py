"""How does a process learn that it is time to end?"""

import os
import select
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Is told once that it is time to end, and wakes whoever waits.

    By a pipe, because a signal may come at any moment: the locks of an event
    would be waited for by the very code that it has interrupted.
    """

    def __init__(self, *, lifeline: int | None = None) -> None:
        """Wait for a call of `set`, or for the end of a pipe that somebody holds."""
        self.reason: str | None = None
        self._wakes, self._wake = os.pipe()
        self._watched = [self._wakes, *([] if lifeline is None else [lifeline])]
        os.set_blocking(self._wake, False)
        self._hears_signals = False

    def hear_signals(self) -> None:
        """Be woken by whatever signal a handler of this process is there for.

        Without it the handler of a signal that comes just before the waiting, or
        that the kernel gives to another thread, would run after the waiting only.
        """
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._hears_signals = True

    def set(self, reason: str) -> None:
        """Say that it is time to end, and why."""
        self.reason = self.reason or reason
        with suppress(BlockingIOError):  # it is full of what wakes as well
            os.write(self._wake, b"!")

    def wait(self, seconds: float | None = None, *, also: Sequence[int] = ()) -> bool:
        """Wait, not longer than that, and tell whether it is time to end.

        What happens to the files *also* ends the waiting and nothing else.
        """
        ready, _, _ = select.select([*self._watched, *also], [], [], seconds)
        if any(file in self._watched for file in ready):
            self.reason = self.reason or "the end of the process that started it"
            return True
        return False

    def close(self) -> None:
        """Leave nothing open."""
        if self._hears_signals:
            signal.set_wakeup_fd(-1)
        os.close(self._wakes)
        os.close(self._wake)


def on_signals(stop: Stop, *, at_once: Callable[[], None] = lambda: None) -> None:
    """End when SIGTERM or Ctrl-C come; the second one does not wait."""

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.reason is not None:
            at_once()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set(signal.Signals(number).name)

    stop.hear_signals()
    for known in SIGNALS:
        signal.signal(known, end)
