"""How does a process sleep in which libfaketime tells the time?

Python 3.11 and later sleep until an instant of the clock that is monotonic, and the
libfaketime of Debian 12 (0.9.10) takes that for an instant of the clock it
moves, and has the kernel refuse it. To wait for nothing, for as long, is not touched.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: SupportsIndex | float, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
