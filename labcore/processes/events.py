"""Events in time: when they happened, and which of d components each belongs to."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate


class Events(NamedTuple):
    """What was observed of a point process on [0, end].

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        In ascending order, from 0 to `end`.
    components : numpy.ndarray of int, shape (n,)
        Which component each event belongs to, from 0.
    end : float
        When the observation ended: that nothing happened since the last event counts too.
    """

    times: np.ndarray
    components: np.ndarray
    end: float


def merged_events(times: Sequence[np.ndarray], end: float) -> Events:
    """The events of several components, in the order of time.

    Parameters
    ----------
    times : sequence of array_like
        The times of each component, in any order.
    end : float

    Returns
    -------
    Events

    Raises
    ------
    ValueError, TypeError
        If a time is not from 0 to `end`, or there is no component.

    Examples
    --------
    >>> merged_events([[1.0, 3.0], [2.0]], 5.0)
    Events(times=array([1., 2., 3.]), components=array([0, 1, 0]), end=5.0)
    """
    end = validate.positive("end", end)
    if len(times) == 0:
        raise ValueError("times must hold the times of at least one component, got none")
    each = [validate.array(f"times[{i}]", value, 1) for i, value in enumerate(times)]
    together = np.concatenate(each)
    components = np.repeat(np.arange(len(each)), [len(value) for value in each])
    order = np.argsort(together, kind="stable")
    return checked(Events(together[order], components[order], end), len(each))


def checked(events: Events, d: int) -> Events:
    """The events, if they are in order, in their interval and of d components."""
    if not isinstance(events, Events):
        raise TypeError(f"events must be an Events, got {type(events)}")
    times = validate.array("events.times", events.times, 1)
    end = validate.positive("events.end", events.end)
    components = np.ascontiguousarray(events.components)
    if components.shape != times.shape or (components.size and components.dtype.kind not in "iu"):
        raise ValueError(
            f"events.components must be {len(times)} integers, got {components.dtype} of shape "
            f"{components.shape}"
        )
    if len(times) and (times[0] < 0.0 or times[-1] > end or (np.diff(times) < 0.0).any()):
        raise ValueError(f"events.times must ascend from 0 to events.end = {end:g}, got {times}")
    if len(times) and not 0 <= components.min() <= components.max() < d:
        raise ValueError(f"events.components must be from 0 to {d - 1}, got {components}")
    return Events(times, components.astype(np.int64), end)
