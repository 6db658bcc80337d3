"""Point processes in time."""

from labcore.processes.events import Events, merged_events
from labcore.processes.hawkes import Hawkes, TimeChangeTest, fit_hawkes

__all__ = ["Events", "Hawkes", "TimeChangeTest", "fit_hawkes", "merged_events"]
