"""Ctrl-C in a test: an alarm that interrupts what runs in the main thread."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

SECONDS = 1.0  # enough for what runs to have begun, if it was compiled before


def interrupted(function: Callable[[], Any], warning: str) -> Any:
    """What `function` returns when it is interrupted after a second, having given the warning."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with pytest.warns(UserWarning, match=warning):
            return function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
