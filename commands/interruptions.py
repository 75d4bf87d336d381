"""How does a command end that somebody interrupts, if nothing of it may be left?"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

from commands.plain import say

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_BY_SIGNAL = 128
"""A shell adds the number of the signal to it."""
_AGAIN = 0.05
"""Seconds after which a signal comes again that was lost."""


@contextmanager
def ended_with(told: str) -> Iterator[None]:
    """End at SIGTERM, or with the terminal, as at Ctrl-C: tidied up, and told so.

    What is interrupted tidies up by itself, and only then it is *told*. A second
    signal does not disturb that.
    """
    came: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not came:
            came.append(number)
            raise KeyboardInterrupt

    def unheard(lost: "sys.UnraisableHookArgs") -> None:
        """Send it again: it came where nothing can be raised (memory was freed)."""
        if not (came and issubclass(lost.exc_type, KeyboardInterrupt)):
            hook(lost)
            return
        whom, number = threading.main_thread().ident, came.pop()
        if whom is not None:
            threading.Timer(_AGAIN, signal.pthread_kill, (whom, number)).start()

    hook, sys.unraisablehook = sys.unraisablehook, unheard
    before = {
        known: signal.signal(known, end)
        for known in _SIGNALS
        if signal.getsignal(known) != signal.SIG_IGN  # as `nohup` or `&` want it
    }
    try:
        yield
    except (KeyboardInterrupt, OSError):
        if not came:
            raise
        with suppress(OSError):  # the terminal is closed
            say(told, err=True)
        click.get_current_context().exit(_BY_SIGNAL + came[0])
    finally:
        sys.unraisablehook = hook
        for known, handler in before.items():
            signal.signal(known, handler)
