"""Where does a call stand at an instant?"""

from datetime import datetime

from config.schema import Window
from models.vocabulary import CallState


def call_state(window: Window, now: datetime) -> CallState:
    """Return where a call (*bando*) stands; the closing instant is still open."""
    if now < window.opens_at:
        return CallState.PUBLISHED
    if now <= window.closes_at:
        return CallState.OPEN
    return CallState.CLOSED
